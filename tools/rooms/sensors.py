"""Turns noise-free images into the images of a color camera and a depth camera."""

import numpy as np

from .renderer import View

FULL_LIGHT = 3000.0  # electrons of a medium pixel in full light
READ_NOISE = 2.5  # electrons
MAX_GAIN = 60.0  # below this many electrons of a medium pixel, the gain is at its limit
MEDIUM_GRAY = 0.22  # linear value of a medium pixel after exposure
NEAREST, FARTHEST = 0.4, 5.5  # m, range of the depth camera
BASELINE = 0.03  # m between projector and sensor of the depth camera


def tone_map(linear: np.ndarray) -> np.ndarray:
    """Apply the sRGB curve to linear values and round to 8 bit."""
    linear = np.clip(linear, 0, 1)
    curved = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * curved).astype(np.uint8)


def exposed(linear: np.ndarray) -> np.ndarray:
    """Scale linear values so that the medium brightness becomes medium gray."""
    brightness = linear if linear.ndim == 2 else linear.mean(-1)
    return linear * (MEDIUM_GRAY / max(float(np.median(brightness)), 1e-6))


def take_photo(view: View, light_level: float, rng: np.random.Generator) -> np.ndarray:
    """Take an 8-bit photo with shot noise, read noise and a limited gain.

    The exposure makes the medium brightness gray. In a dark room few electrons arrive, so the noise
    is visible. Below `MAX_GAIN` the photo stays dark.

    Shape:
        - Output: (H, W, 3), uint8, RGB
    """
    medium = FULL_LIGHT * light_level
    electrons = rng.poisson(np.clip(exposed(view.radiance) / MEDIUM_GRAY * medium, 0, 1e8))
    electrons = electrons + rng.normal(0, READ_NOISE, electrons.shape)
    return tone_map(electrons * (MEDIUM_GRAY / max(medium, MAX_GAIN)))


def measure_depth(view: View, fov: float, rng: np.random.Generator) -> np.ndarray:
    """Measure depth with noise that grows with the distance squared, and with holes.

    There is no reading outside the range, behind a nearer object as seen from the projector, at the
    rim of objects, on surfaces at a grazing angle, and on dark glossy surfaces.

    Args:
        view: Noise-free images.
        fov: Horizontal field of view, degrees.
        rng: Source of the noise.

    Shape:
        - Output: (H, W), uint16, millimeters, 0 for no reading
    """
    depth = view.depth
    noise = 0.0012 + 0.0019 * (depth - NEAREST) ** 2  # m, after Nguyen et al. 2012 on the Kinect
    measured = depth + rng.normal(size=depth.shape) * noise
    chance = rng.random(depth.shape)
    lost = (depth < NEAREST) | (depth > FARTHEST)
    lost |= _in_shadow(depth, fov)
    lost |= _at_rim(depth) & (chance < 0.5)
    lost |= chance > np.clip((view.facing - 0.04) / 0.16, 0, 1)
    dark = np.clip(1 - view.albedo.mean(-1) / 0.25, 0, 1)
    lost |= view.glossy & (chance < 0.9 * dark)
    lost |= chance > 0.998  # random dropouts
    return np.where(lost, 0, np.rint(1000 * measured)).astype(np.uint16)


def _in_shadow(depth: np.ndarray, fov: float) -> np.ndarray:
    """Find pixels that a nearer object in the same row hides from the projector."""
    width = depth.shape[1]
    disparity = width / 2 / np.tan(np.deg2rad(fov / 2)) * BASELINE / depth  # px
    seen = np.arange(width) + disparity  # column in the projector's view
    return seen < np.maximum.accumulate(seen, axis=1) - 0.5


def _at_rim(depth: np.ndarray) -> np.ndarray:
    """Find pixels beside a step in depth of more than 8 %."""
    rim = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        before = np.moveaxis(depth, axis, 0)
        step = np.abs(np.diff(before, axis=0)) > 0.08 * np.minimum(before[1:], before[:-1])
        view = np.moveaxis(rim, axis, 0)
        view[1:] |= step
        view[:-1] |= step
    return rim
