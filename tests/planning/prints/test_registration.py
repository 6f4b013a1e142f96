import cv2
import numpy as np
import pytest

from mmamf.planning.prints.peak_search import Pair
from mmamf.planning.prints.registration import gradient_image, measure_offset

SAMPLES = 6


def draw_scene(
    random: np.random.Generator, height: int = 240, width: int = 320
) -> tuple[np.ndarray, np.ndarray]:
    """Draw shapes before a floor: in color, and as depth in mm with holes of 0."""
    color = np.full((height, width, 3), random.integers(60, 200, 3), np.float32)
    depth = np.repeat(np.linspace(6000, 2000, height, dtype=np.float32)[:, None], width, 1)
    for _ in range(20):
        corners = random.uniform((0, 0), (width, height)) + random.uniform(-50, 50, (5, 2))
        corners = cv2.convexHull(corners.astype(np.int32))
        cv2.fillConvexPoly(color, corners, random.uniform(0, 255, 3).tolist())
        cv2.fillConvexPoly(depth, corners, float(random.uniform(500, 6000)))
    color += random.normal(0, 8, color.shape)
    depth += random.normal(0, 10, depth.shape)
    depth[random.random(depth.shape) < 0.03] = 0
    return color.clip(0, 255).astype(np.uint8), depth.clip(0).astype(np.uint16)


def moved(
    image: np.ndarray, dx: float = 0, dy: float = 0, angle: float = 0, scale: float = 1
) -> np.ndarray:
    """Move an image to the right and down, and turn it clockwise around its center."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle, scale)
    turn[:, 2] += dx, dy
    return cv2.warpAffine(
        image, turn, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )


@pytest.fixture(scope='module')
def scenes():
    random = np.random.default_rng(0)
    return [draw_scene(random) for _ in range(SAMPLES)]


def measure(firsts, others):
    pairs = []
    for first, other in zip(firsts, others):
        fixed = gradient_image(first, np.zeros(first.shape, bool))
        other = other.reshape(*other.shape[:2], -1)
        holes = np.repeat((other == 0).all(-1, keepdims=True), other.shape[2], 2)
        pairs.append(Pair(fixed, gradient_image(other, holes, fixed.shape[::-1])))
    return measure_offset('depth', pairs, firsts[0].shape[1])


@pytest.mark.parametrize(
    'planted',
    [
        dict(),
        dict(dx=3),
        dict(dx=-7, dy=3),
        dict(angle=2),
        dict(scale=1.03),
        dict(dx=5, dy=-2, angle=-2, scale=0.97),
    ],
)
def test_planted_offset_is_found(scenes, planted):
    offset = measure(*zip(*((color, moved(depth, **planted)) for color, depth in scenes)))
    # it says how to move back
    assert offset.dx == pytest.approx(-planted.get('dx', 0), abs=0.6)
    assert offset.dy == pytest.approx(-planted.get('dy', 0), abs=0.6)
    assert offset.angle == pytest.approx(-planted.get('angle', 0), abs=0.5)
    assert offset.scale == pytest.approx(1 / planted.get('scale', 1), abs=0.01)
    assert offset.certainty > 0.9 and offset.samples == SAMPLES


def test_offset_is_in_pixels_of_the_file(scenes):
    firsts = [cv2.resize(color, None, fx=3, fy=3) for color, _ in scenes]
    others = [
        moved(cv2.resize(depth, None, fx=3, fy=3, interpolation=0), 12) for _, depth in scenes
    ]
    assert measure(firsts, others).dx == pytest.approx(-12, abs=1)


def test_inverted_contrast_does_not_matter(scenes):
    firsts = [color for color, _ in scenes]
    offset = measure(firsts, [moved(255 - color, dx=4) for color in firsts])
    assert offset.dx == pytest.approx(-4, abs=0.3) and offset.certainty > 0.9


@pytest.mark.parametrize('count', [1, 3, SAMPLES])
def test_unrelated_images_give_no_certainty(scenes, count):
    colors, depths = zip(*scenes)
    offset = measure(colors[:count], (depths[1:] + depths[:1])[:count])
    assert offset.certainty < 0.5


def test_one_sample_proves_little(scenes):
    assert measure(scenes[0][:1], scenes[0][1:]).certainty < 0.5


def test_empty_frames_give_no_offset():
    empty = [np.zeros((60, 80, 3), np.uint8)] * 3
    offset = measure(empty, empty)
    assert (offset.certainty, offset.samples, offset.scale) == (0, 0, 1)
