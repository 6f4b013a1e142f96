"""Translation from Python, with a tiny model of random weights."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmamf.apis import init_translator, translate

SIZE = 64


@pytest.fixture
def root(make_rgbd_dataset):
    return make_rgbd_dataset(count=1, size=(SIZE, SIZE))


@pytest.fixture
def config(root):
    """A translator of RGB and depth into another picture."""
    loading = dict(
        type='LoadTranslationImages',
        domains=dict(
            rgb=dict(channels=3, dtype='uint8'),
            depth=dict(channels=1, dtype='uint16', missing=0, scale=0.05),
        ),
    )
    dataset = dict(
        type='MultimodalTranslationDataset',
        data_root=str(root),
        modalities=['rgb', 'depth'],
        target='label',
        data_prefix=dict(rgb='rgb', depth='depth', label='label'),
        pipeline=[loading, dict(type='PackTranslationInputs')],
    )
    model = dict(
        type='MultimodalPix2Pix',
        data_preprocessor=dict(type='MultimodalTranslationDataPreprocessor'),
        generator=dict(
            type='SharedMultimodalUnetGenerator',
            num_modalities=2,
            base_channels=4,
            image_size=SIZE,
            fusion=dict(type='ChannelShufflePixelShiftFusion'),
        ),
        discriminator=dict(type='MultimodalPatchDiscriminator', num_modalities=2, base_channels=4),
    )
    return Config(dict(default_scope='mmagic', model=model, test_dataloader=dict(dataset=dataset)))


@pytest.fixture
def checkpoint(config, tmp_path):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmagic'):
        model = MODELS.build(config.model)
    model.init_weights()
    for parameter in model.parameters():  # outputs that differ by more than one level of 255
        parameter.data *= 3
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'weights.pth')
    return tmp_path / 'weights.pth'


@pytest.fixture
def files(root):
    return {name: root / name / '00.png' for name in ('rgb', 'depth')}


@pytest.fixture
def arrays(files):
    return dict(
        rgb=cv2.imread(str(files['rgb']))[..., ::-1],
        depth=cv2.imread(str(files['depth']), cv2.IMREAD_UNCHANGED),
    )


@pytest.mark.parametrize('scope', ['mmagic', None, 'absent'])
def test_files_and_arrays_give_the_same_picture(config, checkpoint, files, arrays, scope, tmp_path):
    config.default_scope = scope
    if scope == 'absent':
        config.pop('default_scope')
    config.dump(tmp_path / 'config.py')
    for given in (config, tmp_path / 'config.py'):
        model = init_translator(given, checkpoint, 'cpu')
        expected = translate(model, files)
        assert expected.shape == (SIZE, SIZE, 3) and expected.dtype == np.uint8
        assert not model.training
        mixed = dict(rgb=str(files['rgb']), depth=arrays['depth'])
        for images in (arrays, mixed, dict(reversed(arrays.items()))):
            np.testing.assert_array_equal(translate(model, images), expected)
    swapped = translate(model, dict(arrays, rgb=arrays['rgb'][..., ::-1]))
    assert np.abs(swapped.astype(int) - expected).max() > 1  # the order of channels matters


def test_the_checkpoint_is_used(config, checkpoint):
    state = torch.load(checkpoint, weights_only=True)
    model = init_translator(config, checkpoint, 'cpu')
    for key, value in model.state_dict().items():
        assert torch.equal(value, state['state_dict'][key])


@pytest.mark.parametrize(
    ('change', 'error', 'message'),
    [
        (
            lambda images: images.pop('depth'),
            ValueError,
            r"modalities \('rgb', 'depth'\), got \('rgb',\)",
        ),
        (
            lambda images: images.update(depth=images['rgb'][..., 0]),
            ValueError,
            "'depth': expected dtype uint16, got uint8",
        ),
        (
            lambda images: images.update(rgb=images['rgb'][:8]),
            ValueError,
            r'in size \(H, W\): expected \(8, 64\)',
        ),
        (
            lambda images: images.update(rgb='none.png'),
            FileNotFoundError,
            'there is no file none.png',
        ),
        (
            lambda images: images.update(rgb=torch.from_numpy(images['rgb'].copy())),
            TypeError,
            "'rgb': expected a str, Path or numpy array, got Tensor",
        ),
        (
            lambda images: images.update(depth=None),
            TypeError,
            "'depth': expected a str, Path or numpy array, got NoneType",
        ),
        (
            lambda images: images.update(rgb=images['rgb'].tolist()),
            TypeError,
            "'rgb': expected a str, Path or numpy array, got list",
        ),
    ],
)
def test_bad_images(config, checkpoint, arrays, change, error, message):
    model = init_translator(config, checkpoint, 'cpu')
    change(arrays)
    with pytest.raises(error, match=message):
        translate(model, arrays)
