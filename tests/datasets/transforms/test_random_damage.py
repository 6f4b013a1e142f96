"""LostReadings and SaltAndPepper against naive references, and GaussianNoise per channel."""

import copy
import math
import zlib

import numpy as np
import pytest
import torch
from mmengine.registry import DATASETS, MODELS, TRANSFORMS

SIZE = 40, 50
NAMES = ('rgb', 'depth')
STEPS = [
    dict(type=kind, modality=name, share=0.3)
    for kind in ('LostReadings', 'SaltAndPepper')
    for name in NAMES
]


def sample(name='000007', depth=np.uint16, missing=0, missing_rgb=None):
    rng = np.random.default_rng(0)
    images = dict(
        img=rng.integers(10, 240, (*SIZE, 3), dtype=np.uint8),
        modality_depth=rng.integers(500, 8000, SIZE).astype(depth),
    )
    if missing is not None:
        images['modality_depth'][rng.random(SIZE) < 0.1] = missing
    if missing_rgb is not None:
        images['img'][rng.random(SIZE) < 0.1] = missing_rgb
    return dict(
        images,
        gt_seg_map=rng.integers(0, 5, SIZE, dtype=np.uint8),
        modalities=NAMES,
        present=NAMES,
        missing_values=dict(rgb=missing_rgb, depth=missing),
        sample_name=name,
    )


def key_of(step):
    return 'img' if step['modality'] == 'rgb' else 'modality_depth'


def damaged(step, **kwargs):
    before = sample(**kwargs)
    after = TRANSFORMS.build(step)(copy.deepcopy(before))
    return before[key_of(step)], after[key_of(step)]


def draws(step, shape, name='000007'):
    seed = [step.get('seed', 0), zlib.crc32(f'{step["modality"]}/{name}'.encode())]
    return np.random.default_rng(seed).random(shape)


@pytest.mark.parametrize('step', STEPS, ids=str)
def test_one_modality_changes_and_nothing_else(step):
    given = sample()
    before, held = copy.deepcopy(given), dict(given)
    after = TRANSFORMS.build(step)(given)
    changed = {key_of(step)} | ({'missing_values'} if step['type'] == 'LostReadings' else set())
    for other in before:
        np.testing.assert_equal(held[other], before[other])
        if other not in changed:
            np.testing.assert_equal(after[other], before[other])
    assert not np.array_equal(after[key_of(step)], before[key_of(step)])
    other = 'depth' if step['modality'] == 'rgb' else 'rgb'
    assert after['missing_values'][other] == before['missing_values'][other]


@pytest.mark.parametrize('step', STEPS, ids=str)
def test_depends_on_the_samples_name_the_modality_and_the_seed_only(step):
    names = [f'{i:06}' for i in range(6)]
    np.random.seed(0)
    first = [damaged(step, name=name)[1] for name in names]
    np.random.seed(1)
    again = [damaged(step, name=name)[1] for name in reversed(names)][::-1]
    np.testing.assert_array_equal(first, again)
    for other in (damaged({**step, 'seed': 1}, name=names[0])[1], first[1]):
        assert not np.array_equal(first[0], other, equal_nan=True)


def test_absent_modality_stays():
    for step in STEPS:
        given = sample() | dict(present=('rgb',) if step['modality'] == 'depth' else ('depth',))
        after = TRANSFORMS.build(step)(copy.deepcopy(given))
        np.testing.assert_equal(after, given)


@pytest.mark.parametrize('modality', NAMES)
@pytest.mark.parametrize(
    'kwargs',
    [{}, dict(depth=np.float32, missing=math.nan), dict(missing=None), dict(missing_rgb=9)],
)
@pytest.mark.parametrize('share', [0, 0.25, 1])
def test_lost_readings_value_by_value(modality, kwargs, share):
    step = dict(type='LostReadings', modality=modality, share=share)
    before, after = damaged(step, **kwargs)
    marker = sample(**kwargs)['missing_values'][modality]
    draw = draws(step, before.shape)
    expected = np.empty(before.shape, np.float32)
    for place, value in np.ndenumerate(before):
        # a color is missing as a whole
        pixel = before[place[:2]] if modality == 'rgb' else value
        gone = draw[place] < share or (marker is not None and np.all(pixel == marker))
        expected[place] = np.nan if gone else value
    assert after.dtype == np.float32
    np.testing.assert_array_equal(after, expected)


def test_lost_readings_have_their_share_and_grow():
    lost = []
    for share in (0.25, 0.5, 0.75):
        _, after = damaged(dict(type='LostReadings', modality='rgb', share=share))
        lost.append(np.isnan(after))
        assert lost[-1].mean() == pytest.approx(share, abs=0.02)
        # channels are lost on their own
        assert lost[-1].all(-1).mean() == pytest.approx(share**3, abs=0.03)
    assert not (lost[0] & ~lost[1]).any() and not (lost[1] & ~lost[2]).any()


def test_modalities_lose_different_pixels():
    lost = [damaged(step)[1] for step in STEPS[:2]]
    rgb, depth = np.isnan(lost[0][..., 0]), np.isnan(lost[1])
    assert abs(np.corrcoef(rgb.ravel(), depth.ravel())[0, 1]) < 0.1


def test_lost_readings_are_zero_in_the_normalized_input(rgbd_dataset_cfg, rgbd_preprocessor_cfg):
    """As in the paper; other values are those of the clean sample."""
    cfg = rgbd_dataset_cfg(count=1)
    preprocess = MODELS.build(rgbd_preprocessor_cfg)
    inputs = []
    for share in (0, 0.5):
        steps = [dict(type='LostReadings', modality=name, share=share) for name in NAMES]
        pipeline = [*cfg['pipeline'][:-1], *steps, cfg['pipeline'][-1]]
        packed = DATASETS.build({**cfg, 'pipeline': pipeline})[0]
        batch = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
        inputs.append(preprocess(batch)['inputs'])
    clean, lossy = inputs
    changed = clean != lossy
    assert torch.all(lossy[changed] == 0)
    assert 0.4 < changed[:, :3].float().mean() < 0.6


@pytest.mark.parametrize('modality', NAMES)
@pytest.mark.parametrize('kwargs', [{}, dict(depth=np.float32, missing=math.nan)])
@pytest.mark.parametrize('share', [0, 0.2, 1])
def test_salt_and_pepper_value_by_value(modality, kwargs, share):
    step = dict(type='SaltAndPepper', modality=modality, share=share)
    before, after = damaged(step, **kwargs)
    marker = sample(**kwargs)['missing_values'][modality]
    readings = [v for v in before.ravel().tolist() if v != marker and not math.isnan(v)]
    draw, expected = draws(step, before.shape), before.copy()
    for place, value in np.ndenumerate(before):
        if value == marker or np.isnan(value):
            continue
        if draw[place] < share / 2:
            expected[place] = min(readings)
        elif draw[place] >= 1 - share / 2:
            expected[place] = max(readings)
    assert after.dtype == before.dtype
    np.testing.assert_array_equal(after, expected)
    if share == 0.2:
        for extreme in (min(readings), max(readings)):
            assert (after == extreme).mean() == pytest.approx(0.1, abs=0.02)


def test_salt_and_pepper_grow_and_need_a_reading():
    step = dict(type='SaltAndPepper', modality='rgb', share=0.1)
    (before, few), (_, many) = damaged(step), damaged({**step, 'share': 0.4})
    assert np.array_equal(many[few != before], few[few != before])
    empty = sample(missing=0) | dict(modality_depth=np.zeros(SIZE, np.uint16))
    after = TRANSFORMS.build({**step, 'modality': 'depth'})(empty)
    assert not after['modality_depth'].any()


def test_noise_of_every_channel():
    stds = [0, 2, 8]
    before, after = damaged(dict(type='GaussianNoise', modality='rgb', std=stds))
    inside = (before > 40) & (before < 210)
    change = after.astype(float) - before
    assert [change[..., i][inside[..., i]].std() for i in range(3)] == pytest.approx(stds, rel=0.1)
    alone, same = (damaged(dict(type='GaussianNoise', modality='depth', std=s)) for s in ([9], 9))
    assert np.array_equal(alone[1], same[1])


@pytest.mark.parametrize(
    ('step', 'message'),
    [
        (dict(type='LostReadings', modality='rgb', share=1.1), '0 <= share <= 1, got 1.1'),
        (dict(type='SaltAndPepper', modality='rgb', share=-1), '0 <= share <= 1, got -1'),
        (dict(type='LostReadings', modality='hha', share=1), "'depth'.*, got 'hha'"),
        (dict(type='GaussianNoise', modality='rgb', std=[1, -1, 1]), r'std >= 0, got \[1, -1, 1\]'),
        (dict(type='GaussianNoise', modality='rgb', std=[1, 2]), r'3 of them.*got \[1, 2\]'),
        (dict(type='GaussianNoise', modality='depth', std=[1, 2]), r'1 of them.*got \[1, 2\]'),
    ],
    ids=str,
)
def test_wrong_input(step, message):
    with pytest.raises(ValueError, match=message):
        damaged(step)
