"""Mirrored normals against a rendering of the mirrored scene."""

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from mmamf.datasets.adapt_pipeline import adapt_pipeline
from mmamf.datasets.transforms.mirror_normals import MirrorNormals
from mmamf.structures.modality import read_modalities

# planes n . p = d before a camera at 0 that looks along z, as (n, d); x right, y down
PLANES = [
    ((0.31, 0.12, -0.94), -3.1),
    ((0.83, -0.05, -0.55), -2.2),
    ((-0.62, 0.21, -0.76), -2.9),
    ((0.11, -0.91, -0.4), -1.3),
]


def render(planes: list) -> tuple[np.ndarray, np.ndarray]:
    """Cast a ray per pixel: normals as a picture (H, W, 3), and depth (H, W, 1)."""
    height, width = 12, 16
    y, x = np.mgrid[:height, :width]
    rays = np.dstack([(x - width / 2 + 0.5) / 10, (y - height / 2 + 0.5) / 10, np.ones(x.shape)])
    depths, normals = [], []
    for normal, distance in planes:
        normal = np.array(normal) / np.linalg.norm(normal)
        depth = distance / (rays @ normal)
        depths.append(np.where(depth > 0, depth, np.inf))
        normals.append(normal)
    nearest = np.argmin(depths, axis=0)
    picture = np.rint((np.array(normals)[nearest] + 1) / 2 * 255)
    return picture.astype(np.float32), np.min(depths, axis=0)[..., None].astype(np.float32)


def mirrored(planes: list, axis: int) -> list:
    sign = np.where(np.arange(3) == axis, -1, 1)
    return [(np.array(normal) * sign, distance) for normal, distance in planes]


def flip(direction: str, ratio: float = 1.0):
    cfg = dict(type='mmagic.Flip', keys='img', flip_ratio=ratio, direction=direction)
    return TRANSFORMS.build(cfg)


@pytest.fixture
def sample():
    normal, depth = render(PLANES)
    return dict(domains=('depth', 'normal'), img=[depth, normal], target='normal')


@pytest.mark.parametrize(('direction', 'axis'), [('horizontal', 0), ('vertical', 1)])
def test_equals_the_rendering_of_the_mirrored_scene(sample, direction, axis):
    before = sample['img'][1].copy()
    results = MirrorNormals()(flip(direction)(sample))
    normal, depth = render(mirrored(PLANES, axis))
    np.testing.assert_array_equal(results['img'][1], normal)
    np.testing.assert_allclose(results['img'][0], depth, rtol=1e-6)
    assert not np.array_equal(normal, np.flip(before, 1 - axis))  # what a plain flip gives


@pytest.mark.parametrize('between', [True, False])
def test_twice_mirrored_is_the_identity(sample, between):
    before = [image.copy() for image in sample['img']]
    steps = [flip('horizontal'), *[MirrorNormals()] * between, flip('horizontal'), MirrorNormals()]
    for step in steps:
        sample = step(sample)
    for image, expected in zip(sample['img'], before, strict=True):
        np.testing.assert_array_equal(image, expected)


def test_leaves_what_was_not_mirrored(sample):
    before = sample['img'][1].copy()
    results = MirrorNormals()(flip('horizontal', ratio=0.0)(sample))
    np.testing.assert_array_equal(results['img'][1], before)


def test_leaves_other_domains(sample):
    expected = sample['img'][1][:, ::-1].copy()
    results = MirrorNormals(domains=['tangent'])(flip('horizontal')(sample))
    np.testing.assert_array_equal(results['img'][1], expected)


def test_before_flip_is_refused(sample):
    with pytest.raises(ValueError, match="expected mmagic's Flip before"):
        MirrorNormals()(sample)


@pytest.mark.parametrize(('direction', 'axes'), [('horizontal', [0]), ('diagonal', [0, 1])])
@pytest.mark.parametrize('names', [('normal', 'depth'), ('depth', 'normal')])
def test_flips_of_a_segmentation(direction, axes, names):
    """No MirrorNormals is needed there."""
    normal, depth = render(PLANES)
    images = dict(normal=normal[..., ::-1].astype(np.uint8), depth=depth[..., 0])
    described = [
        dict(name='normal', channels=3, dtype='uint8', kind='normal'),
        dict(name='depth', channels=1, dtype='float32', kind='depth'),
    ]
    key = 'img' if names[0] == 'normal' else 'modality_normal'
    sample = dict(
        modalities=names,
        descriptions=read_modalities(described),
        missing_values=dict(normal=None, depth=None),
        modality_paths=dict(normal='normal.png', depth='depth.npy'),
        img=images[names[0]],
        seg_fields=[f'modality_{names[1]}'],
        **{f'modality_{names[1]}': images[names[1]]},
    )
    before = sample[key].copy()
    steps = [TRANSFORMS.build(dict(type='mmseg.RandomFlip', prob=1.0, direction=direction))]
    adapt_pipeline(steps, sample['descriptions'])
    results = steps[0](sample)
    planes = PLANES
    for axis in axes:
        planes = mirrored(planes, axis)
    expected, depth = render(planes)
    np.testing.assert_array_equal(results[key][..., ::-1], expected)
    np.testing.assert_array_equal(before, images['normal'])  # not written into
    other = 'img' if key != 'img' else 'modality_depth'
    np.testing.assert_allclose(results[other], depth[..., 0], rtol=1e-6)


def test_in_a_segmentation_it_would_mirror_twice():
    described = read_modalities([dict(name='normal', channels=3, dtype='uint8', kind='normal')])
    with pytest.raises(ValueError, match="MirrorNormals in .* vectors twice.*kind='normal'"):
        adapt_pipeline([MirrorNormals()], described)
