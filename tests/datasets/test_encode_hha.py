"""HHA against an implementation point by point, and against scenes whose truth is known."""

import math

import cv2
import numpy as np
import pytest

from mmamf.datasets.encode_hha import encode_hha, gravity_direction, surface_normals

INTRINSICS = (30.0, 31.0, 15.3, 11.8)  # for 24 x 32 px
LEVEL = (0.0, 1.0, 0.0)


def point(depth, x, y, intrinsics):
    fx, fy, cx, cy = intrinsics
    z = float(depth[y, x])
    return np.array([(x - cx) / fx * z, (y - cy) / fy * z, z])


def reference_normal(depth, x, y, intrinsics, radius):
    """Least squares of n . (X / Z, Y / Z, 1) = 1 / Z over the points around a pixel; or None."""
    rows, targets = [], []
    for v in range(max(0, y - radius), min(depth.shape[0], y + radius + 1)):
        for u in range(max(0, x - radius), min(depth.shape[1], x + radius + 1)):
            if depth[v, u] > 0:
                p = point(depth, u, v, intrinsics)
                rows.append(p / p[2])
                targets.append(1 / p[2])
    if not rows:
        return None
    solution, _, rank, _ = np.linalg.lstsq(np.array(rows), np.array(targets), rcond=1e-9)
    if rank < 3:
        return None
    fx, fy, cx, cy = intrinsics
    away = solution @ [(x - cx) / fx, (y - cy) / fy, 1] > 0
    return (1 if away else -1) * solution / np.linalg.norm(solution)


def reference_gravity(normals):
    direction = np.array([0.0, 1.0, 0.0])
    for degrees in [45] * 5 + [15] * 5:
        scatter = np.zeros((3, 3))
        for normal in normals:
            between = math.degrees(math.acos(min(1, abs(normal @ direction))))
            if between < degrees:
                scatter -= np.outer(normal, normal)
            elif between > 90 - degrees:
                scatter += np.outer(normal, normal)
        _, vectors = np.linalg.eigh(scatter)
        direction = vectors[:, 0] * (1 if vectors[:, 0] @ direction > 0 else -1)
    return direction


def reference_hha(depth, intrinsics):
    """The steps of the paper's release, one point at a time; before rounding."""
    height, width = depth.shape
    pixels = [(x, y) for y in range(height) for x in range(width)]
    coarse = [reference_normal(depth, x, y, intrinsics, 10) for x, y in pixels]
    gravity = reference_gravity([normal for normal in coarse if normal is not None])
    heights = {
        (x, y): -100 * (point(depth, x, y, intrinsics) @ gravity)
        for x, y in pixels
        if depth[y, x] > 0
    }
    lowest = min(heights.values())
    if lowest > -90:
        lowest = -130
    hha = np.zeros((height, width, 3))
    for (x, y), h in heights.items():
        hha[y, x, 0] = 31000 / max(100 * depth[y, x], 100)
        hha[y, x, 1] = h - lowest
        normal = reference_normal(depth, x, y, intrinsics, 3)
        if normal is not None:
            hha[y, x, 2] = math.degrees(math.acos(max(-1, min(1, normal @ gravity)))) + 128 - 90
    return hha.clip(0, 255)


@pytest.fixture
def make_room():
    """Maker of the depth map of a room, without noise, and what is true of it.

    ``make_room(gravity, camera=1.5, size=(24, 32), intrinsics=INTRINSICS)``: a floor ``camera`` m
    below the camera, a ceiling 2.6 m above the floor and a wall that is 4 m away. Returns the depth
    in m, the surface of each pixel (0 floor, 1 wall, 2 ceiling) and its height over the floor in m.
    """

    def make(gravity=LEVEL, camera=1.5, size=(24, 32), intrinsics=INTRINSICS):
        gravity = np.asarray(gravity) / np.linalg.norm(gravity)
        forward = np.array([0.0, 0.0, 1.0]) - gravity[2] * gravity
        forward /= np.linalg.norm(forward)
        fx, fy, cx, cy = intrinsics
        x, y = np.meshgrid(np.arange(size[1]), np.arange(size[0]))
        rays = np.stack(((x - cx) / fx, (y - cy) / fy, np.ones(size)), axis=-1)
        planes = ((gravity, camera), (forward, 4.0), (-gravity, 2.6 - camera))
        with np.errstate(divide='ignore'):
            distances = np.stack([offset / (rays @ normal) for normal, offset in planes])
        distances[distances <= 0] = np.inf
        depth = distances.min(0)
        return depth, distances.argmin(0), camera - depth * (rays @ gravity)

    return make


def tilted(pitch, roll):
    """Gravity of a camera that looks down by ``pitch`` degrees and is rolled by ``roll``."""
    pitch, roll = math.radians(pitch), math.radians(roll)
    down = math.cos(pitch)
    return np.array([down * math.sin(roll), down * math.cos(roll), math.sin(pitch)])


def inside(surfaces, surface, radius):
    """Pixels whose whole window is of one surface."""
    return cv2.erode((surfaces == surface).astype(np.uint8), np.ones((2 * radius + 1,) * 2)) > 0


@pytest.mark.parametrize('gravity', [LEVEL, tilted(15, -6)], ids=['level', 'tilted'])
@pytest.mark.parametrize('missing', [0, 0.3, 0.9])
def test_equals_point_by_point(make_room, gravity, missing):
    rng = np.random.default_rng(0)
    depth, *_ = make_room(gravity)
    depth *= rng.normal(1, 0.005, depth.shape)
    depth[rng.random(depth.shape) < missing] = 0
    expected = reference_hha(depth, INTRINSICS)
    hha = encode_hha(depth, INTRINSICS)
    assert hha.dtype == np.uint8 and hha.shape == (24, 32, 3)
    # the nearest integer, whichever of two if they are equally near
    assert np.abs(hha - expected).max() <= 0.5 + 1e-6
    if missing == 0.9:
        assert ((hha[..., 2] == 0) & (depth > 0)).any()  # too lonely for a plane


@pytest.mark.parametrize('radius', [3, 10])
def test_normals_equal_least_squares(make_room, radius):
    rng = np.random.default_rng(1)
    depth, *_ = make_room(tilted(20, 5))
    depth *= rng.normal(1, 0.02, depth.shape)
    depth[rng.random(depth.shape) < 0.5] = 0
    normals = surface_normals(depth, INTRINSICS, radius)
    for y in range(0, 24, 2):
        for x in range(0, 32, 2):
            expected = reference_normal(depth, x, y, INTRINSICS, radius)
            if expected is None:
                assert np.isnan(normals[y, x]).all()
            else:
                np.testing.assert_allclose(normals[y, x], expected, atol=1e-6)


@pytest.mark.parametrize('pitch, roll', [(0, 0), (10, 0), (25, 0), (0, 10), (15, -8), (-10, 5)])
def test_room_of_known_truth(make_room, pitch, roll):
    intrinsics = (80.0, 80.0, 79.5, 59.5)
    gravity = tilted(pitch, roll)
    depth, surfaces, height = make_room(gravity, size=(120, 160), intrinsics=intrinsics)
    found = gravity_direction(surface_normals(depth, intrinsics, 10))
    assert math.degrees(math.acos(min(1, found @ gravity))) < 1

    hha = encode_hha(depth, intrinsics).astype(int)
    np.testing.assert_allclose(hha[..., 0], (310 / depth).clip(max=255), atol=0.5)
    assert (surfaces == 0).any() and (surfaces == 1).any()
    assert hha[..., 1][surfaces == 0].max() <= 3
    np.testing.assert_allclose(hha[..., 1], (100 * height).clip(0, 255), atol=5)
    for surface, angle in enumerate((0, 90, 180)):
        at = inside(surfaces, surface, 3)
        np.testing.assert_allclose(hha[..., 2][at], angle + 38, atol=1.5)


def test_holes_are_black_and_leave_the_rest_alone(make_room):
    intrinsics = (80.0, 80.0, 79.5, 59.5)
    depth, surfaces, _ = make_room(tilted(15, 0), size=(120, 160), intrinsics=intrinsics)
    whole = encode_hha(depth, intrinsics).astype(int)
    hole = np.random.default_rng(2).random(depth.shape) < 0.3
    hole[20:50, 30:80] = True
    holed = encode_hha(np.where(hole, 0, depth), intrinsics).astype(int)
    assert not holed[hole].any()
    planar = (inside(surfaces, 0, 3) | inside(surfaces, 1, 3)) & ~hole
    assert planar.sum() > 5000
    np.testing.assert_allclose(holed[planar], whole[planar], atol=2)


def test_disparity():
    depth = np.array([[0.3, 1.0, 1.25, 2.0, 3.1, 10.0, 700.0]] * 7)
    hha = encode_hha(depth, INTRINSICS)
    np.testing.assert_array_equal(hha[0, :, 0], [255, 255, 248, 155, 100, 31, 0])


@pytest.mark.parametrize('below, at_optical_axis', [(0.5, 130), (0.89, 130), (0.95, 95)])
def test_ground_out_of_sight(below, at_optical_axis):
    # a wall from the optical axis, in the first row, down to `below` m under the camera
    depth = np.full((21, 31), 2.0)
    fy = 20 * 2.0 / below
    hha = encode_hha(depth, (fy, fy, 15, 0))
    assert (hha[0, :, 1] == at_optical_axis).all()
    assert (hha[..., 2] == 128).all()


def test_a_single_wall_keeps_the_camera_upright():
    wall = np.full((24, 32), 2.0)
    np.testing.assert_allclose(
        gravity_direction(surface_normals(wall, INTRINSICS, 10)), LEVEL, atol=1e-6
    )


def test_readings_without_any_plane():
    depth = np.zeros((24, 32))
    depth[5] = 2.0  # one row
    hha = encode_hha(depth, INTRINSICS)
    assert (hha[5, :, 0] == 155).all() and not hha[..., 2].any()
    np.testing.assert_array_equal(gravity_direction(np.full((4, 3), np.nan)), LEVEL)


def test_float32_and_input_untouched(make_room):
    depth = make_room(tilted(15, 3))[0].astype(np.float32)
    before = depth.copy()
    hha = encode_hha(depth, INTRINSICS)
    np.testing.assert_array_equal(depth, before)
    np.testing.assert_array_equal(hha, encode_hha(depth.astype(np.float64), INTRINSICS))


@pytest.mark.parametrize(
    'depth, intrinsics, message',
    [
        (np.zeros((6, 8)), INTRINSICS, 'expected at least one reading, got only 0'),
        (np.ones((6, 8), np.uint16), INTRINSICS, r'floating-point array .*got uint16 of shape'),
        (np.ones((6, 8, 1)), INTRINSICS, r'got float64 of shape \(6, 8, 1\)'),
        (np.full((6, 8), np.nan), INTRINSICS, 'finite values >= 0, got nan'),
        (np.full((6, 8), -1.0), INTRINSICS, r'finite values >= 0, got -1.0 to -1.0'),
        (np.ones((6, 8)), (0.0, 30.0, 4, 3), r'fx, fy > 0, got \(0.0, 30.0, 4, 3\)'),
        (np.ones((6, 8)), (30.0, np.inf, 4, 3), 'expected fx, fy, cx, cy in px'),
        (np.ones((6, 8)), (30.0, 30.0, 4), 'expected fx, fy, cx, cy in px'),
    ],
)
def test_wrong_input(depth, intrinsics, message):
    with pytest.raises(ValueError, match=message):
        encode_hha(depth, intrinsics)
