import numpy as np
import pytest
import torch

from mmamf.datasets import PackMultimodalSegInputs

META = (
    'img_path',
    'seg_map_path',
    'ori_shape',
    'img_shape',
    'pad_shape',
    'scale_factor',
    'flip',
    'flip_direction',
    'reduce_zero_label',
    'modalities',
    'modality_paths',
)


def sample(depth_dtype='uint16', label=True, **changes) -> dict:
    rng = np.random.default_rng(0)
    results = dict(
        img=rng.integers(0, 256, (6, 8, 3)).astype(np.uint8),
        modality_depth=rng.integers(0, 200, (6, 8)).astype(depth_dtype),
        modality_normal=rng.integers(0, 256, (6, 8, 3)).astype(np.uint8),
        modalities=('rgb', 'normal', 'depth'),
        modality_paths=dict(rgb='a.png', normal='b.png', depth='c.png'),
        img_path='a.png',
        seg_map_path='d.png',
        ori_shape=(12, 16),
        img_shape=(6, 8),
        pad_shape=(6, 8),
        scale_factor=(0.5, 0.5),
        flip=True,
        flip_direction='horizontal',
        reduce_zero_label=False,
    )
    if label:
        results['gt_seg_map'] = rng.integers(0, 5, (6, 8)).astype(np.uint8)
    return {**results, **changes}


@pytest.mark.parametrize(
    ('depth_dtype', 'expected'),
    [
        ('uint8', torch.uint8),
        ('uint16', torch.uint16),
        ('int16', torch.float32),
        ('float64', torch.float32),
    ],
)
def test_stacks_in_the_order_of_modalities(depth_dtype, expected):
    results = sample(depth_dtype)
    packed = PackMultimodalSegInputs()(results)
    inputs = packed['inputs']
    assert inputs.shape == (7, 6, 8) and inputs.dtype == expected and inputs.is_contiguous()
    np.testing.assert_array_equal(inputs[:3].permute(1, 2, 0), results['img'])
    np.testing.assert_array_equal(inputs[3:6].permute(1, 2, 0), results['modality_normal'])
    np.testing.assert_array_equal(inputs[6], results['modality_depth'])


def test_meta_information_and_label():
    results = sample()
    packed = PackMultimodalSegInputs()(results)['data_samples']
    expected = {key: results[key] for key in META}
    assert packed.metainfo == {**expected, 'modality_channels': (3, 3, 1)}
    np.testing.assert_array_equal(packed.gt_sem_seg.data[0], results['gt_seg_map'])
    assert packed.gt_sem_seg.data.dtype == torch.uint8


def test_own_meta_keys_keep_the_modalities():
    packed = PackMultimodalSegInputs(meta_keys=('img_path',))(sample())['data_samples']
    own = {'modalities', 'modality_paths', 'modality_channels'}
    assert set(packed.metainfo) == {'img_path', *own}


def test_without_label():
    assert 'gt_sem_seg' not in PackMultimodalSegInputs()(sample(label=False))['data_samples']


def test_label_of_the_size_on_disk_is_fine():
    label = np.zeros((12, 16), np.uint8)
    packed = PackMultimodalSegInputs()(sample(gt_seg_map=label))
    assert packed['data_samples'].gt_sem_seg.shape == (12, 16)


@pytest.mark.parametrize('gray', [np.zeros((6, 8), np.uint16), np.zeros((6, 8, 1), np.uint16)])
def test_single_modality_of_one_channel(gray):
    packed = PackMultimodalSegInputs()(sample(modalities=('depth',), img=gray))
    assert packed['inputs'].shape == (1, 6, 8)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(modality_depth=np.zeros((12, 16), np.uint16)),
            r"not of modality 'depth': expected \(6, 8\), got \(12, 16\) for c.png",
        ),
        (
            dict(gt_seg_map=np.zeros((7, 8), np.uint8)),
            r'after the pipeline: expected \(6, 8\), got \(7, 8\) for d.png',
        ),
    ],
)
def test_parts_out_of_step(changes, message):
    with pytest.raises(ValueError, match=message):
        PackMultimodalSegInputs()(sample(**changes))


def test_stock_loader_is_refused():
    with pytest.raises(ValueError, match='expected images loaded by LoadMultimodalImages'):
        PackMultimodalSegInputs()(dict(img=np.zeros((6, 8, 3), np.uint8)))
