"""Stock geometry on any set of modalities, against the stock transform on each of them alone."""

import copy
import pickle
import random
from dataclasses import replace

import cv2
import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from mmamf.datasets.adapt_pipeline import adapt_pipeline
from mmamf.datasets.transforms.each_modality import EachModality
from mmamf.structures.dtypes import DTYPES
from mmamf.structures.modality import Modality, read_modalities

SIZE = 45, 62
RESIZES = [
    dict(type='Resize', scale=(37, 71)),
    dict(type='Resize', scale_factor=(0.4, 1.7)),
    dict(type='mmcv.Resize', scale=(90, 80), keep_ratio=True),
    dict(type='RandomResize', scale=(64, 48), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomChoiceResize', scales=[(32, 24), (64, 50), (80, 90)]),
    dict(type='ResizeShortestEdge', scale=60, max_size=70),
    dict(type='ResizeToMultiple', size_divisor=32),
    dict(type='RandomScale', ratio_range=(0.5, 2.0), min_side=30),
]
COPIES = [
    dict(type='RandomCrop', crop_size=(30, 31)),
    dict(type='RandomCrop', crop_size=(30, 31), cat_max_ratio=0.3),
    dict(type='CenterCrop', crop_size=(30, 21)),
    *[
        dict(type=f'{scope}.RandomFlip', prob=0.7, direction=direction)
        for scope in ('mmcv', 'mmseg')
        for direction in ('horizontal', 'vertical', 'diagonal', ['horizontal', 'diagonal'])
    ],
    dict(type='RandomRotFlip', rotate_prob=0.0, flip_prob=1.0),
]
FILLS = [
    dict(type='Pad', size=(70, 60)),
    dict(type='Pad', size_divisor=32, pad_val=dict(img=7, seg=3)),
    dict(type='Pad', pad_to_square=True),
    dict(type='CenterCrop', crop_size=(70, 21), auto_pad=True),
    dict(type='CenterCrop', crop_size=70, auto_pad=True, pad_cfg=dict(type='Pad', pad_val=4)),
    dict(type='RandomCutOut', prob=0.8, n_holes=3, cutout_shape=(9, 14)),
    dict(type='RandomCutOut', prob=1.0, n_holes=(1, 4), cutout_ratio=(0.3, 0.2), seg_fill_in=255),
]
TURNS = [
    dict(type='RandomRotate', prob=1.0, degree=40),
    dict(type='RandomRotate', prob=1.0, degree=(20, 25), auto_bound=True, pad_val=9),
    dict(type='RandomRotate', prob=1.0, degree=(20, 25), center=(10, 12), seg_pad_val=3),
    dict(type='RandomRotFlip', rotate_prob=1.0),
]
EVERY = [*RESIZES, *COPIES, *FILLS, *TURNS]
SPECS = [
    dict(channels=channels, dtype=dtype, interpolation=interpolation)
    for channels, dtype, interpolation in [
        (1, 'uint8', None),
        (2, 'uint8', 'area'),
        (3, 'uint8', 'bicubic'),
        (4, 'uint16', None),
        (12, 'uint8', None),
        (1, 'int16', 'bicubic'),
        (12, 'uint16', 'lanczos'),
        (3, 'float32', None),
        (12, 'float64', 'nearest'),
        (1, 'float64', None),
        (2, 'int16', 'nearest'),
        (1, 'uint16', 'nearest'),
    ]
]


def name_of(step: dict) -> str:
    return '-'.join(str(value) for value in step.values() if not isinstance(value, dict))


every = pytest.mark.parametrize('step', EVERY, ids=name_of)


def make(specs: list[dict], holes: float = 0.0, seed: int = 0) -> dict:
    """A loaded sample of modalities m0, m1, ..., with readings of 100 to 200."""
    rng = np.random.default_rng(seed)
    described = read_modalities(dict(spec, name=f'm{i}') for i, spec in enumerate(specs))
    sample = dict(
        modalities=tuple(described),
        present=tuple(described),
        descriptions=described,
        modality_paths={name: f'{name}.png' for name in described},
        missing_values={},
        img_shape=SIZE,
        ori_shape=SIZE,
        seg_fields=['gt_seg_map'],
        gt_seg_map=rng.integers(0, 5, SIZE, dtype=np.uint8),
    )
    for i, (name, modality) in enumerate(described.items()):
        image = rng.uniform(100, 200, (*SIZE, modality.channels)).astype(modality.dtype)
        image = image[..., 0] if modality.channels == 1 else image
        marker = modality.missing_values[0] if modality.missing_values else None
        if holes:
            missing = rng.random(SIZE) < holes
            image[missing] = marker if image.dtype.kind in 'iu' else np.nan
        sample['missing_values'][name] = marker
        sample['img' if i == 0 else f'modality_{name}'] = image
        if i:
            sample['seg_fields'].append(f'modality_{name}')
    return sample


def images_of(sample: dict) -> dict[str, np.ndarray]:
    first = sample['modalities'][0]
    return {
        name: sample['img' if name == first else f'modality_{name}']
        for name in sample['modalities']
    }


def seeded(step, sample: dict, seed: int) -> dict:
    np.random.seed(seed)
    random.seed(seed)
    return step(copy.deepcopy(sample))


def alone(step: dict, image: np.ndarray, modality: Modality, label: np.ndarray, seed: int):
    """The stock transform on one modality, its channels one after the other if it must be."""
    step = dict(step)
    if 'esize' in step['type'] or step['type'] == 'RandomScale':
        if step['type'] != 'ResizeShortestEdge':
            step['interpolation'] = modality.resizing
    parts = np.atleast_3d(image)
    most = 4 if step in (*FILLS, *TURNS) else parts.shape[2]
    moved = []
    for i in range(0, parts.shape[2], most):
        part = np.ascontiguousarray(parts[..., i : i + most])
        if step['type'] == 'RandomCutOut':
            step['fill_in'] = (0,) * part.shape[2]
        built = TRANSFORMS.build(step)
        if step['type'] == 'ResizeShortestEdge':
            built.resize.interpolation = modality.resizing
        given = dict(img=part, gt_seg_map=label, seg_fields=['gt_seg_map'])
        out = seeded(built, given, seed)
        moved.append(np.atleast_3d(out['img']))
    out['img'] = np.concatenate(moved, 2).reshape(*moved[0].shape[:2], *image.shape[2:])
    return out


def holes_of(image: np.ndarray, marker: float | None) -> np.ndarray:
    if image.dtype.kind == 'f':
        return np.isnan(image)
    return np.zeros(image.shape, bool) if marker is None else image == marker


@every
def test_equals_the_stock_transform_on_each_modality_alone(step):
    """Where nothing is filled; for 1 to 12 channels and every dtype."""
    sample = make(SPECS)
    wrapped = EachModality(TRANSFORMS.build(step))
    for seed in range(3):
        out = seeded(wrapped, sample, seed)
        ones = alone(step, np.ones(SIZE, np.float32), Modality('m'), sample['gt_seg_map'], seed)
        filled = ones['img'] != 1
        if step in TURNS:  # a weight of 1 may be 1 - 1e-7, and the border may have one of 0
            filled = np.abs(ones['img'] - 1) > 1e-4
            filled = cv2.dilate(filled.astype(np.uint8), np.ones((3, 3))) > 0
        for name, before in images_of(sample).items():
            modality = sample['descriptions'][name]
            image, marker = images_of(out)[name], out['missing_values'][name]
            assert image.shape[:2] == out['img_shape'] == filled.shape
            expected = alone(step, before, modality, sample['gt_seg_map'], seed)['img']
            if modality.resizing == 'nearest' and step in TURNS:
                continue  # the stock transform interpolates
            inside = ~filled
            np.testing.assert_array_equal(image[inside], expected[inside])
            if step not in (*FILLS, *TURNS):
                assert image.dtype == before.dtype and marker is None
            elif step in FILLS:
                missing = holes_of(image, marker)
                assert missing[filled].all() and not missing[inside].any()


@every
def test_labels_are_those_of_the_stock_transform(step):
    sample = make(SPECS[:3])
    for seed in range(3):
        out = seeded(EachModality(TRANSFORMS.build(step)), sample, seed)
        label = sample['gt_seg_map']
        stock = alone(step, sample['img'], Modality('m'), label, seed)
        keys = set(stock) - {'img', 'seg_fields', 'pad_shape', 'img_shape', 'gt_seg_map'}
        for key in keys:
            assert out[key] == stock[key], key
        if step['type'] == 'RandomRotFlip' and step['rotate_prob']:  # it would mix class indices
            assert set(np.unique(out['gt_seg_map'])) == {0, 1, 2, 3, 4, 255}
        else:
            np.testing.assert_array_equal(out['gt_seg_map'], stock['gt_seg_map'])


@every
@pytest.mark.parametrize('dtype', DTYPES)
def test_missing_readings_are_not_mixed_into_their_neighbors(step, dtype):
    """What the file has there does not matter, and no pixel is anything but readings."""
    whole = np.dtype(dtype).kind in 'iu'
    outs = []
    for marker in (1, 99) if whole else (None, None):
        specs = [
            dict(channels=c, dtype=dtype, interpolation=interpolation, missing=marker)
            for c in (1, 4, 12)
            for interpolation in ('bilinear', 'nearest', 'area')
        ]
        sample = make(specs, holes=0.15)
        outs.append(seeded(EachModality(TRANSFORMS.build(step)), sample, 3))
    for name in outs[0]['modalities']:
        one, other = (images_of(out)[name] for out in outs)
        holes = [holes_of(images_of(out)[name], out['missing_values'][name]) for out in outs]
        np.testing.assert_array_equal(*holes)
        assert holes[0].any() and not holes[0].all()
        np.testing.assert_array_equal(one[~holes[0]], other[~holes[0]])
        assert 99.999 < one[~holes[0]].min() and one[~holes[0]].max() < 200.001


@every
def test_the_order_of_modalities_does_not_matter(step):
    sample = make(SPECS)
    names = sample['modalities']
    turned = dict(sample, modalities=names[::-1])
    images = images_of(sample)
    turned['seg_fields'] = ['gt_seg_map', *[f'modality_{name}' for name in names[:-1]]]
    turned['modality_m0'], turned['img'] = images['m0'], images[names[-1]]
    step = EachModality(TRANSFORMS.build(step))
    one, other = seeded(step, sample, 5), seeded(step, turned, 5)
    for name in names:
        np.testing.assert_array_equal(images_of(one)[name], images_of(other)[name])
    np.testing.assert_array_equal(one['gt_seg_map'], other['gt_seg_map'])


@every
def test_one_draw_for_all_and_no_more(step):
    """Modalities with the same pixels stay the same, and what is drawn later is what it was."""
    sample = make([SPECS[0]] * 3)
    for image in ('modality_m1', 'modality_m2'):
        sample[image] = sample['img'].copy()
    for i in range(5):
        out = seeded(EachModality(TRANSFORMS.build(step)), sample, i)
        after = np.random.rand(), random.random()
        for image in ('modality_m1', 'modality_m2'):
            np.testing.assert_array_equal(out[image], out['img'])
        alone(step, sample['img'], Modality('m'), sample['gt_seg_map'], i)
        assert after == (np.random.rand(), random.random())


@every
def test_absent_modalities_stay_zero_and_workers_get_a_copy(step):
    sample = make(SPECS[:3])
    sample['modality_m1'][:] = 0
    sample['present'] = ('m0', 'm2')
    step = EachModality(TRANSFORMS.build(step))
    out = seeded(step, sample, 1)
    assert out['present'] == ('m0', 'm2')
    assert out['modality_m1'].shape == (*out['img_shape'], 2)
    assert out['modality_m1'].dtype == np.uint8 and not out['modality_m1'].any()
    again = seeded(pickle.loads(pickle.dumps(step)), sample, 1)
    for key in ('img', 'modality_m2', 'gt_seg_map'):
        np.testing.assert_array_equal(out[key], again[key])
    assert type(step.step).__name__.strip('_') in repr(step)


def test_rotation_takes_the_nearest_reading_beside_holes_and_border():
    sample = make([dict(channels=1, dtype='uint8'), dict(channels=1, dtype='uint8', kind='depth')])
    sample['modality_m1'] = sample['img'].copy()
    out = seeded(EachModality(TRANSFORMS.build(TURNS[0])), sample, 0)
    smooth, nearest = out['img'], out['modality_m1']
    np.testing.assert_array_equal(np.isnan(smooth), np.isnan(nearest))
    assert np.isnan(smooth[0, 0]) and (smooth != nearest).mean() > 0.5
    assert np.isin(nearest[~np.isnan(nearest)], sample['img']).all()


def test_a_reading_with_the_value_of_the_marker_stays_a_reading():
    """Linear interpolation between -10 and 10 passes 0, which means "missing" in the file."""
    sample = make([dict(channels=1, dtype='int16', missing=0)])
    sample['img'] = np.tile(np.array([-10, 10], np.int16), (8, 4))
    out = EachModality(TRANSFORMS.build(dict(type='Resize', scale=(31, 8))))(sample)
    assert (out['img'] == 0).any() and out['missing_values'] == dict(m0=None)


# ---- normal maps


def vectors(shape=SIZE, seed=0) -> np.ndarray:
    """Unit vectors that change slowly, x to the right, y up, z toward the camera."""
    y, x = np.mgrid[: shape[0], : shape[1]] / 40.0
    xyz = np.dstack([0.6 * np.sin(x + seed), 0.6 * np.cos(y - x), 0 * x + 0.7])
    return xyz / np.linalg.norm(xyz, axis=-1, keepdims=True)


def as_stored(xyz: np.ndarray, dtype: str) -> np.ndarray:
    if dtype.startswith('float'):
        return xyz.astype(dtype)
    largest = np.iinfo(dtype).max
    return np.rint((xyz + 1) / 2 * largest).astype(dtype)


def normal_sample(dtype: str, suffix: str, **spec) -> dict:
    sample = make([dict(channels=3, dtype=dtype, kind='normal', **spec)])
    sample['modality_paths'] = dict(m0=f'm0{suffix}')
    image = as_stored(vectors(), dtype)
    sample['img'] = image if suffix == '.npy' else image[..., ::-1].copy()
    return sample


def decoded(image: np.ndarray, dtype: str, suffix: str) -> np.ndarray:
    image = image.astype(float)
    if not dtype.startswith('float'):
        image = image / np.iinfo(dtype).max * 2 - 1
    return image if suffix == '.npy' else image[..., ::-1]


NORMALS = pytest.mark.parametrize(
    ('dtype', 'suffix', 'error'),
    [
        ('uint8', '.png', 0.008),
        ('uint8', '.npy', 0.008),
        ('uint16', '.png', 5e-5),
        ('float32', '.tif', 1e-6),
        ('float64', '.npy', 1e-6),
    ],
)


@NORMALS
@pytest.mark.parametrize('step', [*RESIZES, *TURNS], ids=name_of)
def test_normals_have_unit_length(dtype, suffix, error, step):
    out = seeded(EachModality(TRANSFORMS.build(step)), normal_sample(dtype, suffix), 2)
    xyz = decoded(out['img'], dtype, suffix)
    length = np.linalg.norm(xyz, axis=-1)
    readings = np.isfinite(length)
    assert readings.mean() > 0.4
    np.testing.assert_allclose(length[readings], 1, atol=error)


@NORMALS
@pytest.mark.parametrize('kind', ['normal', 'normal_y_down'])
@pytest.mark.parametrize('degree', [30, -77])
def test_normals_rotate_with_the_picture(dtype, suffix, error, kind, degree):
    """A vector that points along an edge of the picture still does."""
    sample = normal_sample(dtype, suffix)
    sample['descriptions'] = dict(m0=replace(sample['descriptions']['m0'], kind=kind))
    step = dict(type='RandomRotate', prob=1.0, degree=(degree, degree))
    out = EachModality(TRANSFORMS.build(step))(sample)
    xyz = decoded(out['img'], dtype, suffix)
    # clockwise, as seen: right turns down
    cos, sin = np.cos(np.radians(degree)), np.sin(np.radians(degree))
    matrix = np.array([[cos, sin], [-sin, cos]] if kind == 'normal' else [[cos, -sin], [sin, cos]])
    stock = TRANSFORMS.build(dict(step, pad_val=np.nan))
    stock.pal_val = (np.nan,) * 3
    plain = stock(dict(img=vectors()))['img']
    plain[..., :2] = plain[..., :2] @ matrix.T
    plain /= np.linalg.norm(plain, axis=-1, keepdims=True)
    both = np.isfinite(plain) & np.isfinite(xyz)
    assert both.mean() > 0.4
    np.testing.assert_allclose(xyz[both], plain[both], atol=1.5 * error)


@pytest.mark.parametrize('missing', [None, 0])
def test_flips_of_8_bit_normals_are_exact(missing):
    sample = normal_sample('uint8', '.png', missing=missing)
    if missing is not None:
        sample['img'][:9] = missing
    for direction, signs in dict(
        horizontal=(1, 1, -1), vertical=(1, -1, 1), diagonal=(1, -1, -1)
    ).items():  # of blue, green and red
        step = dict(type='RandomFlip', prob=1.0, direction=direction)
        out = EachModality(TRANSFORMS.build(step))(copy.deepcopy(sample))
        image = TRANSFORMS.build(step)(dict(img=sample['img']))['img'].astype(int)
        expected = np.where(np.array(signs) > 0, image, 255 - image)
        holes = np.isnan(out['img']) if missing is not None else np.zeros(image.shape, bool)
        assert holes.mean() == pytest.approx(0 if missing is None else 9 / SIZE[0])
        np.testing.assert_array_equal(out['img'][~holes], expected[~holes])
    still = dict(type='RandomFlip', prob=0.0)
    np.testing.assert_array_equal(
        EachModality(TRANSFORMS.build(still))(copy.deepcopy(sample))['img'], sample['img']
    )


@pytest.mark.parametrize('seed', range(8))
def test_quarter_turns_of_normals(seed):
    """Four arrows that point at the edges of the picture still do."""
    arrows = np.zeros((21, 21, 3), np.float32)
    for row, column, x, y in ((0, 10, 0, 1), (20, 10, 0, -1), (10, 0, -1, 0), (10, 20, 1, 0)):
        arrows[row, column] = x, y, 0
    sample = make([dict(channels=3, dtype='float32', kind='normal')])
    sample.update(img=arrows.copy(), modality_paths=dict(m0='m0.npy'))
    sample['gt_seg_map'] = np.zeros((21, 21), np.uint8)
    step = dict(type='RandomRotFlip', rotate_prob=0.0, flip_prob=1.0)
    out = seeded(EachModality(TRANSFORMS.build(step)), sample, seed)
    np.testing.assert_allclose(out['img'], arrows, atol=1e-7)


def test_kept_pixels_of_normals_are_kept():
    """Where nothing is interpolated, vectors keep their bits, unit length or not."""
    sample = normal_sample('uint8', '.png')
    sample['img'] //= 2
    for step in (
        dict(type='Resize', scale=SIZE[::-1]),
        dict(type='RandomRotate', prob=0.0, degree=10),
        dict(type='RandomCrop', crop_size=SIZE),
    ):
        out = EachModality(TRANSFORMS.build(step))(copy.deepcopy(sample))
        np.testing.assert_array_equal(out['img'], sample['img'])


@pytest.mark.parametrize('channels', [1, 2, 4, [0, 1]])
def test_vectors_have_three_components(channels):
    with pytest.raises(ValueError, match="expected 3 channels of the kind 'normal', got"):
        Modality('n', channels=channels, kind='normal')


def test_a_list_of_channels_names_x_y_and_z():
    """Bands come in their own order: here z, x, y of a file are taken as x, y, z."""
    sample = normal_sample('float32', '.tif')
    modality = Modality('m0', channels=[1, 2, 0], dtype='float32', kind='normal')
    sample['descriptions'] = dict(m0=modality)
    sample['img'] = vectors().astype(np.float32)  # as loaded: x, y, z
    step = dict(type='RandomFlip', prob=1.0, direction='horizontal')
    out = EachModality(TRANSFORMS.build(step))(sample)
    expected = vectors()[:, ::-1].astype(np.float32) * np.array([-1, 1, 1], np.float32)
    np.testing.assert_array_equal(out['img'], expected)


# ---- colors


COLORS = [
    dict(type='PhotoMetricDistortion'),
    dict(type='CLAHE'),
    dict(type='AdjustGamma', gamma=1.7),
    dict(type='RGB2Gray'),
    dict(type='RandomGrayscale', prob=0.7, keep_channels=True),
]


@pytest.mark.parametrize('step', COLORS, ids=name_of)
@pytest.mark.parametrize('first', [0, 1, 2])
def test_colors_change_alone_wherever_they_stand(step, first):
    specs = [
        dict(channels=3, dtype='uint8'),
        dict(channels=1, dtype='uint16', kind='depth', missing=0),
        dict(channels=3, dtype='uint8', kind='normal'),
        dict(channels=12, dtype='uint8'),
        dict(channels=3, dtype='float32'),
    ]
    sample = make(specs[first:] + specs[:first])
    steps = [TRANSFORMS.build(step)]
    stock = TRANSFORMS.build(step)
    adapt_pipeline(steps, sample['descriptions'])
    color = f'm{(len(specs) - first) % len(specs)}'
    for seed in range(4):
        before, after = images_of(sample), images_of(seeded(steps[0], sample, seed))
        for name, image in before.items():
            if name == color:
                image = seeded(stock, dict(img=image), seed)['img']
                image = image.round().astype(np.uint8)
                assert image.dtype == after[name].dtype
            np.testing.assert_array_equal(after[name], image)


def test_colors_keep_their_holes_and_change_alike():
    sample = make([dict(channels=3, dtype='uint8', missing=0)] * 2)
    sample['modality_m1'] = sample['img'].copy()
    sample['img'][3:9] = sample['modality_m1'][20:24] = 0
    steps = [TRANSFORMS.build(dict(type='Pad', size=(70, 60))), TRANSFORMS.build(COLORS[0])]
    adapt_pipeline(steps, sample['descriptions'])
    out = seeded(steps[0], sample, 0)
    out = seeded(steps[1], out, 1)
    holes, others = np.isnan(out['img']), np.isnan(out['modality_m1'])
    assert holes[3:9].all() and holes[:, SIZE[1] :].all() and not holes[10:40, : SIZE[1]].any()
    both = ~holes & ~others
    np.testing.assert_array_equal(out['img'][both], out['modality_m1'][both])
    assert not np.isin(out['img'][both], sample['img']).all()


def test_another_number_of_channels_is_refused():
    sample = make([dict(channels=3, dtype='uint8')])
    steps = [TRANSFORMS.build(dict(type='RGB2Gray', out_channels=1))]
    adapt_pipeline(steps, sample['descriptions'])
    with pytest.raises(ValueError, match=r'RGB2Gray: expected an image of shape \(45, 62, 3\)'):
        steps[0](sample)
