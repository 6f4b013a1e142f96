"""Each corruption against what it promises."""

import copy
import zlib

import numpy as np
import pytest
from mmengine.registry import DATASETS, TRANSFORMS

MISSING = 0
SIZE = 60, 80
EVERY = [
    dict(type='DepthHoles', modality='depth', area=0.3),
    dict(type='GaussianNoise', modality='depth', std=100),
    dict(type='GaussianNoise', modality='rgb', std=20),
    dict(type='Misregistration', modality='depth', shift=3),
    dict(type='Misregistration', modality='rgb', shift=3),
    dict(type='LowLight', modality='rgb', light=0.2),
    dict(type='QuantizedDepth', modality='depth', step=500),
    dict(type='DeadModality', modality='depth'),
    dict(type='DeadModality', modality='rgb', fill=(0, 256)),
]
RANDOM = [step for step in EVERY if step['type'] != 'QuantizedDepth'][:-2] + EVERY[-1:]


def sample(name='000007', dtype=np.uint16, missing=MISSING, modalities=('rgb', 'depth')):
    """A sample as LoadMultimodalImages leaves it; a tenth of the depth has no reading."""
    rng = np.random.default_rng(0)
    images = dict(
        rgb=rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8),
        depth=rng.integers(500, 8000, SIZE).astype(dtype),
    )
    if missing is not None:
        images['depth'][rng.random(SIZE) < 0.1] = missing
    first, *further = modalities
    return dict(
        img=images[first],
        **{f'modality_{other}': images[other] for other in further},
        gt_seg_map=rng.integers(0, 5, SIZE, dtype=np.uint8),
        modalities=modalities,
        missing_values=dict(rgb=None, depth=missing),
        sample_name=name,
    )


def corrupted(step, **kwargs):
    """The modality before and after."""
    before = sample(**kwargs)
    after = TRANSFORMS.build(step)(copy.deepcopy(before))
    first = before['modalities'][0]
    key = 'img' if step['modality'] == first else f'modality_{step["modality"]}'
    return before[key], after[key]


@pytest.mark.parametrize('step', EVERY, ids=str)
@pytest.mark.parametrize('modalities', [('rgb', 'depth'), ('depth', 'rgb')])
def test_one_modality_changes_and_nothing_else(step, modalities):
    given = sample(modalities=modalities)
    before = copy.deepcopy(given)
    held = dict(given)  # the arrays themselves, in which nothing may be written
    after = TRANSFORMS.build(step)(given)
    key = 'img' if step['modality'] == modalities[0] else f'modality_{step["modality"]}'
    assert after.keys() == before.keys()
    assert after[key].shape == before[key].shape and after[key].dtype == before[key].dtype
    assert not np.array_equal(after[key], before[key])
    for other in before:
        np.testing.assert_equal(held[other], before[other])
        if other != key:
            np.testing.assert_equal(after[other], before[other])


@pytest.mark.parametrize('step', RANDOM, ids=str)
def test_depends_on_the_samples_name_and_the_seed_only(step):
    build = TRANSFORMS.build
    key = 'img' if step['modality'] == 'rgb' else 'modality_depth'
    # Misregistration draws one of four directions: some of many samples must differ
    names = [f'{i:06}' for i in range(12)]
    np.random.seed(0)
    first = [build(step)(sample(name))[key] for name in names]
    np.random.seed(1)
    corruption = build(step)
    again = [corruption(sample(name))[key] for name in reversed(names)][::-1]
    other_seed = [build({**step, 'seed': 1})(sample(name))[key] for name in names]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other_seed)
    assert any(not np.array_equal(first[0], image) for image in first[1:])


def test_is_the_same_in_every_process():
    """Nothing but the name, the modality and the seed enters, and no hash that a process salts."""
    corruption = TRANSFORMS.build(dict(type='GaussianNoise', modality='depth', std=9, seed=3))
    before, after = (
        image['modality_depth'] for image in (sample('b/01'), corruption(sample('b/01')))
    )
    noise = np.random.default_rng([3, zlib.crc32(b'depth/b/01')]).standard_normal(SIZE)
    expected = np.where(before == MISSING, MISSING, (before + 9 * noise).round())
    assert np.array_equal(after, expected)


@pytest.mark.parametrize('area', [0, 0.1, 0.337, 0.9, 1])
def test_holes_cover_their_share_and_grow(area):
    step = dict(type='DepthHoles', modality='depth', area=area)
    whole = np.full(SIZE, 1000, np.uint16)
    holes = TRANSFORMS.build(step).transform(sample() | dict(modality_depth=whole))
    empty = holes['modality_depth'] == MISSING
    assert empty.sum() == round(area * 60 * 80)
    smaller = TRANSFORMS.build({**step, 'area': area / 2})
    inside = smaller(sample() | dict(modality_depth=whole))['modality_depth'] == MISSING
    assert not (inside & ~empty).any()
    before, after = corrupted(step)
    assert ((after == before) | (after == MISSING)).all()


def test_holes_are_blobs():
    """A pixel beside a hole's is mostly one, unlike single pixels' at random."""
    whole = sample() | dict(modality_depth=np.full(SIZE, 1000, np.uint16))
    step = TRANSFORMS.build(dict(type='DepthHoles', modality='depth', area=0.2))
    empty = step(whole)['modality_depth'] == MISSING
    assert empty[:, 1:][empty[:, :-1]].mean() > 0.7


@pytest.mark.parametrize(('modality', 'std'), [('depth', 100), ('rgb', 3)])
@pytest.mark.parametrize('dtype', [np.uint16, np.float32])
def test_noise_has_its_amplitude(modality, std, dtype):
    before, after = corrupted(dict(type='GaussianNoise', modality=modality, std=std), dtype=dtype)
    # not where the range cuts it off
    inside = (before != MISSING) & (before > 5 * std) & (before < 256 - 5 * std)
    if modality == 'depth':
        inside = before > 900
        assert np.array_equal(after == MISSING, before == MISSING)
    difference = after.astype(float)[inside] - before[inside]
    assert difference.std() == pytest.approx(std, rel=0.05)
    assert abs(difference.mean()) < 0.05 * std


def test_noise_never_makes_or_fills_holes():
    """Depth that would fall to 0 or below is 1, not "no reading"."""
    before, after = corrupted(dict(type='GaussianNoise', modality='depth', std=9000))
    assert np.array_equal(after == MISSING, before == MISSING)
    assert (after == 1).sum() > 100


@pytest.mark.parametrize('modality', ['depth', 'rgb'])
@pytest.mark.parametrize('shift', [0, 1, 5])
def test_misregistration_shifts_and_fills_the_rim(modality, shift):
    height, width = SIZE
    step = dict(type='Misregistration', modality=modality, shift=shift)
    seen = set()
    for i in range(40):
        before, after = corrupted(step, name=str(i))
        for down, right in ((shift, 0), (-shift, 0), (0, shift), (0, -shift)):
            rows, columns = np.arange(height) - down, np.arange(width) - right
            expected = before[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)]
            if modality == 'depth':
                expected[(rows < 0) | (rows >= height)] = MISSING
                expected[:, (columns < 0) | (columns >= width)] = MISSING
            if np.array_equal(after, expected):
                seen.add((down, right))
                break
        else:
            pytest.fail('not one of the four shifts')
    assert len(seen) == (4 if shift else 1)


@pytest.mark.parametrize('light', [1, 0.25, 0.01])
def test_low_light_has_mean_and_shot_noise_of_a_sensor(light):
    gray, electrons = 180, 5000
    image = np.full((200, 200, 3), gray, np.uint8)
    step = dict(type='LowLight', modality='rgb', light=light, electrons=electrons)
    dark = TRANSFORMS.build(step)(sample() | dict(img=image))['img']
    counted = (dark / 255) ** 2.2 * electrons
    expected = light * (gray / 255) ** 2.2 * electrons
    assert counted.mean() == pytest.approx(expected, rel=0.03)
    # rounding to gray levels adds to the Poisson noise, most of all in the dark
    assert counted.var() == pytest.approx(expected, rel=0.25)
    assert np.corrcoef(dark[..., 0].ravel(), dark[..., 1].ravel())[0, 1] < 0.05


def test_low_light_never_makes_or_fills_holes():
    given = sample() | dict(missing_values=dict(rgb=MISSING, depth=MISSING))
    step = TRANSFORMS.build(dict(type='LowLight', modality='rgb', light=0.01))
    before, after = given['img'], step(dict(given))['img']
    assert (before == MISSING).any() and (after == 1).sum() > 100
    assert np.array_equal(after == MISSING, before == MISSING)


@pytest.mark.parametrize('dtype', [np.uint16, np.float32])
@pytest.mark.parametrize('step', [1, 2, 50, 1000, 3000])
def test_quantized_depth_is_at_most_half_a_step_off(dtype, step):
    before, after = corrupted(dict(type='QuantizedDepth', modality='depth', step=step), dtype=dtype)
    assert np.array_equal(after == MISSING, before == MISSING)
    readings = before != MISSING
    assert np.abs(after[readings].astype(float) - before[readings]).max() <= step / 2
    assert len(np.unique(after[readings])) <= np.ceil(8000 / step)
    if step == 1 and dtype == np.uint16:
        assert np.array_equal(after, before)


@pytest.mark.parametrize('fill', [0, 2500, (500, 6000)])
@pytest.mark.parametrize('dtype', [np.uint16, np.float32])
def test_dead_modality_holds_nothing_of_the_scene(fill, dtype):
    step = dict(type='DeadModality', modality='depth', fill=fill)
    before, after = corrupted(step, dtype=dtype)
    other = sample(dtype=dtype) | dict(modality_depth=before * 0 + 7)
    assert np.array_equal(TRANSFORMS.build(step)(other)['modality_depth'], after)
    if np.ndim(fill) == 0:
        assert (after == fill).all()
    else:
        assert after.min() >= 500 and after.max() < 6000
        assert after.mean() == pytest.approx(3250, rel=0.02)
        assert after.std() == pytest.approx(5500 / 12**0.5, rel=0.02)


def test_noise_of_8_bits_has_all_values():
    _, after = corrupted(dict(type='DeadModality', modality='rgb', fill=(0, 256)))
    assert set(np.unique(after)) == set(range(256))


@pytest.mark.parametrize('optional', [False, True])
@pytest.mark.parametrize('fill', [0, 2500])
def test_an_optional_modality_without_a_reading_is_absent(fill, optional):
    given = dict(sample(), present=('rgb', 'depth'), optional=('depth',) if optional else ())
    after = TRANSFORMS.build(dict(type='DeadModality', modality='depth', fill=fill))(given)
    is_lost = optional and fill == MISSING
    assert after['present'] == (('rgb',) if is_lost else ('rgb', 'depth'))
    assert (after['modality_depth'] == fill).all()


@pytest.mark.parametrize(
    ('step', 'message'),
    [
        (dict(type='DepthHoles', modality='depth', area=1.2), '0 <= area <= 1, got 1.2'),
        (dict(type='DepthHoles', modality='depth', area=0.5, size=0), '0 < size <= 1, got 0'),
        (dict(type='DepthHoles', modality='rgb', area=0.5), "`missing` .* of 'rgb', got none"),
        (dict(type='GaussianNoise', modality='rgb', std=-1), 'std >= 0, got -1'),
        (
            dict(type='Misregistration', modality='rgb', shift=1.5),
            'a whole number >= 0, got 1.5',
        ),
        (dict(type='Misregistration', modality='rgb', shift=60), r'60 x 80 px\), got 60'),
        (dict(type='LowLight', modality='rgb', light=0), 'light <= 1, got 0'),
        (dict(type='LowLight', modality='rgb', light=1, electrons=0), 'electrons > 0, got 0'),
        (dict(type='LowLight', modality='depth', light=1), "8-bit files of 'depth', got uint16"),
        (dict(type='QuantizedDepth', modality='depth', step=0), 'step > 0, got 0'),
        (dict(type='DeadModality', modality='rgb', fill=(5, 5)), r'low < high, got \(5, 5\)'),
        (dict(type='DeadModality', modality='rgb', fill=256), r'0\.\.255.*got 256'),
        (dict(type='DeadModality', modality='rgb', fill=(0, 257)), r'0\.\.255.*got \(0, 257\)'),
        (dict(type='GaussianNoise', modality='hha', std=1), r"\('rgb', 'depth'\), got 'hha'"),
    ],
    ids=str,
)
def test_wrong_input(step, message):
    with pytest.raises(ValueError, match=message):
        corrupted(step)


def test_needs_what_loading_leaves():
    step = TRANSFORMS.build(EVERY[0])
    with pytest.raises(ValueError, match='loaded by LoadMultimodalImages, got one with the keys'):
        step(dict(img=np.zeros(SIZE), modalities=('depth',)))


@pytest.mark.parametrize('step', EVERY[1:3], ids=str)
def test_in_a_pipeline(rgbd_dataset_cfg, step):
    """From files: right behind loading, the data set takes it."""
    cfg = rgbd_dataset_cfg(count=1)
    clean = DATASETS.build(cfg)[0]
    cfg['pipeline'].insert(1, step)
    damaged = DATASETS.build(cfg)[0]
    changed = slice(0, 3) if step['modality'] == 'rgb' else slice(3, 4)
    same = slice(3, 4) if step['modality'] == 'rgb' else slice(0, 3)
    assert (damaged['inputs'][same].int() == clean['inputs'][same].int()).all()
    assert (damaged['inputs'][changed].int() != clean['inputs'][changed].int()).any()
    labels = (s['data_samples'].gt_sem_seg.data for s in (clean, damaged))
    assert (next(labels) == next(labels)).all()
