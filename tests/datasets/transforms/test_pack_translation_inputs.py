import warnings

import numpy as np
import pytest
import torch
from mmagic.datasets.transforms import Flip
from mmagic.structures import DataSample

from mmamf.datasets.transforms.mirror_normals import MirrorNormals
from mmamf.datasets.transforms.pack_translation_inputs import PackTranslationInputs


def sample(**changes) -> dict:
    rng = np.random.default_rng(0)
    names = ('depth', 'normal', 'rgb')
    images = [rng.uniform(0, 255, (6, 8, c)).astype(np.float32) for c in (1, 3, 3)]
    results = dict(
        img=images,
        domains=names,
        modalities=names[:2],
        target='rgb',
        modality_paths={name: f'{name}/0.png' for name in names},
        img_path='depth/0.png',
        sample_name='0',
        ori_shape=(12, 16),
        flip_infos=[],
    )
    return {**results, **changes}


def test_stacks_inputs_and_tiles_single_channels():
    results = sample()
    packed = PackTranslationInputs()(results)
    inputs, data_sample = packed['inputs'], packed['data_samples']
    assert inputs.shape == (6, 6, 8) and inputs.dtype == torch.float32 and inputs.is_contiguous()
    depth, normal, rgb = results['img']
    for plane in inputs[:3]:
        np.testing.assert_array_equal(plane, depth[..., 0])
    np.testing.assert_array_equal(inputs[3:].permute(1, 2, 0), normal)
    np.testing.assert_array_equal(data_sample.gt_img.permute(1, 2, 0), rgb)
    assert isinstance(data_sample, DataSample)
    assert data_sample.metainfo == dict(
        modalities=('depth', 'normal'),
        target='rgb',
        modality_paths=results['modality_paths'],
        img_path='depth/0.png',
        target_path='rgb/0.png',
        sample_name='0',
        ori_shape=(12, 16),
    )


def test_tiles_a_target_of_one_channel():
    results = sample(target='depth', modalities=('normal', 'rgb'))
    packed = PackTranslationInputs()(results)
    target = packed['data_samples'].gt_img
    assert target.shape == (3, 6, 8) and torch.equal(target[0], target[2])
    assert packed['data_samples'].modalities == ('normal', 'rgb')


def test_without_a_target():
    packed = PackTranslationInputs()(sample(target=None))
    assert packed['inputs'].shape == (9, 6, 8) and 'gt_img' not in packed['data_samples']
    assert packed['data_samples'].modalities == ('depth', 'normal', 'rgb')


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(img=[np.zeros((6, 8, 3)), np.zeros((6, 8, 3)), np.zeros((5, 8, 3))]),
            "size of some images: .*'rgb': \\(5, 8\\).*. Give mmagic's",
        ),
        (dict(target='shade'), r"target 'shade': expected it among the loaded images \('depth'"),
    ],
)
def test_bad_sample(changes, message):
    with pytest.raises(ValueError, match=message):
        PackTranslationInputs()(sample(**changes))


@pytest.mark.parametrize(
    ('mirror', 'changes', 'expected'),
    [
        (False, {}, 1),
        (False, dict(domains=('depth', 'shade', 'rgb')), 0),
        (True, {}, 0),
    ],
)
@pytest.mark.parametrize('ratio', [0, 1])
def test_warns_of_normals_mirrored_like_pictures(mirror, changes, expected, ratio):
    results = Flip('img', flip_ratio=ratio)(sample(**changes))
    if mirror:
        results = MirrorNormals()(results)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        PackTranslationInputs()(results)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == expected * ratio
    assert all('put MirrorNormals behind Flip' in message for message in messages)


def test_other_loaders_are_refused():
    with pytest.raises(ValueError, match='expected images loaded by LoadTranslationImages'):
        PackTranslationInputs()(dict(img=np.zeros((6, 8, 3))))
