import numpy as np
import pytest
import torch
from mmengine.registry import DATASETS, TRANSFORMS

from mmamf.engine.seeded_data import SeededDataset

PAPER = dict(type='RandomScale', ratio_range=(0.5, 2.0), min_side=350, interpolation='bicubic')


def make_sample(height, width):
    rng = np.random.default_rng(0)
    return dict(
        img=rng.integers(0, 255, (height, width, 3), dtype=np.uint8),
        modality_depth=rng.integers(0, 60000, (height, width), dtype=np.uint16),
        gt_seg_map=rng.integers(0, 9, (height, width), dtype=np.uint8),
        seg_fields=['modality_depth', 'gt_seg_map'],
        img_shape=(height, width),
    )


def draw_sizes(height, width, count, **options):
    """Sizes of a gray image after ``count`` draws, and the factors."""
    scale = TRANSFORMS.build({**PAPER, 'interpolation': 'nearest', **options})
    np.random.seed(0)
    image = np.zeros((height, width), np.uint8)
    outputs = [scale(dict(img=image)) for _ in range(count)]
    assert all(out['img_shape'] == out['img'].shape for out in outputs)
    sizes = np.array([out['img_shape'] for out in outputs])
    return sizes, sizes / (height, width)


@pytest.mark.parametrize(
    ('size', 'smallest'),
    [((480, 640), 350 / 480), ((640, 480), 350 / 480), ((120, 90), 350 / 90), ((900, 800), 0.5)],
)
def test_never_below_the_shorter_side_nor_outside_the_range(size, smallest):
    sizes, factors = draw_sizes(*size, count=150)
    assert sizes.min() >= 350
    half = 0.5 / min(size)  # rounding to whole pixels
    assert smallest - half <= factors.min() < smallest + 0.03
    assert factors.max() <= max(2, smallest) + half
    if smallest < 2:
        assert factors.max() > 1.94
    else:  # nothing is left to chance
        assert len(np.unique(sizes, axis=0)) == 1 and sizes.min() == 350


def test_factors_are_uniform_but_for_those_that_are_raised():
    _, factors = draw_sizes(48, 64, count=3000, min_side=35)
    raised = 35 / 48
    assert (factors[:, 0] == raised).mean() == pytest.approx((raised - 0.5) / 1.5, abs=0.03)
    free = factors[factors[:, 1] > raised + 0.02, 1]
    counts, _ = np.histogram(free, bins=5, range=(raised + 0.02, 2))
    np.testing.assert_allclose(counts / len(free), 0.2, atol=0.03)


@pytest.mark.parametrize('size', [(480, 640), (61, 83), (400, 351)])
@pytest.mark.parametrize('interpolation', ['bicubic', 'nearest'])
def test_all_modalities_and_the_label_keep_one_size_and_their_values(size, interpolation):
    scale = TRANSFORMS.build({**PAPER, 'interpolation': interpolation})
    sample = make_sample(*size)
    for seed in range(4):
        np.random.seed(seed)
        out = scale(dict(sample))
        keys = ('img', 'modality_depth', 'gt_seg_map')
        assert {out[key].shape[:2] for key in keys} == {out['img_shape']}
        for key in keys:
            assert out[key].dtype == sample[key].dtype
        for key in ('modality_depth', 'gt_seg_map', *(['img'] * (interpolation == 'nearest'))):
            assert np.isin(out[key], sample[key]).all()


def test_recipe_ends_in_padded_crops(rgbd_dataset_cfg):
    """RandomCrop leaves a smaller image as it is, and the preprocessor pads it: mean, 0 and 255."""
    from mmengine.registry import MODELS

    crop = dict(type='RandomCrop', crop_size=(50, 50))
    scale = {**PAPER, 'min_side': 35}
    dataset = DATASETS.build(rgbd_dataset_cfg(pipeline=[scale, crop], count=4, size=(48, 64)))
    preprocessor = MODELS.build(
        dict(
            type='MultimodalSegDataPreprocessor',
            modalities=[
                dict(name='rgb', channels=3, mean=[123.675, 116.28, 103.53], std=[58.0] * 3),
                dict(name='depth', channels=1, scale=1 / 5000, mean=[0.0], std=[1.0]),
            ],
            size=(50, 50),
        )
    )
    np.random.seed(0)
    samples = [dataset[i % 4] for i in range(24)]
    batch = dict(
        inputs=[sample['inputs'] for sample in samples],
        data_samples=[sample['data_samples'] for sample in samples],
    )
    out = preprocessor(batch, training=True)
    assert out['inputs'].shape == (24, 6, 50, 50)
    padded = 0
    for image, sample in zip(out['inputs'], out['data_samples'], strict=True):
        height, width = sample.img_shape
        padded += height < 50 or width < 50
        assert 35 <= min(height, width) and max(height, width) <= 50
        label = sample.gt_sem_seg.data[0]
        assert (label[height:] == 255).all() and (label[:, width:] == 255).all()
        assert not image[:, height:].any() and not image[:, :, width:].any()
    assert 3 < padded < 20


def test_is_a_function_of_the_seed(rgbd_dataset_cfg):
    """As ExactResumeHook seeds it: whatever was drawn before."""
    dataset = SeededDataset(DATASETS.build(rgbd_dataset_cfg(pipeline=[{**PAPER, 'min_side': 20}])))
    first = dataset[1, (0, 0, 1, 5)]['inputs']
    other = dataset[1, (0, 0, 1, 6)]['inputs']
    again = dataset[1, (0, 0, 1, 5)]['inputs']
    assert first.shape == again.shape != other.shape
    assert torch.equal(first.nan_to_num(), again.nan_to_num())  # NaN: missing readings


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(ratio_range=(2.0, 0.5)), r'0 < smallest <= largest, got \(2.0, 0.5\)'),
        (dict(ratio_range=(0.0, 2.0)), r'0 < smallest'),
        (dict(min_side=0), 'min_side >= 1, got 0'),
    ],
)
def test_wrong_settings(options, message):
    with pytest.raises(ValueError, match=f'RandomScale: expected .*{message}'):
        TRANSFORMS.build({**PAPER, **options})
