"""Searches the movement that lays some images on others best."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from scipy import fft

ANGLES = (-4, -2, 0, 2, 4)  # degrees at which the search starts
SCALES = (0.94, 0.97, 1, 1.03, 1.06)
STEPS = ((1, 0.015), (0.5, 0.008), (0.25, 0.004))  # of angle and scale, by which it goes on
DETAIL = 0.12  # cycles per pixel: finer detail of two sensors is noise


class Pair(NamedTuple):
    """The edges of one sample: of the first modality, and of the one that moves.

    Shape:
        (H, W) each, float32.
    """

    fixed: np.ndarray
    moving: np.ndarray


class Peak(NamedTuple):
    """A movement, and how well it fits.

    Args:
        angle: Degrees, clockwise, by which the moving images turn around their center.
        scale: Factor of their size.
        shift: Pixels to the right and down, after that.
        height: Height of the peak of correlation, in standard deviations of all other shifts.
    """

    angle: float
    scale: float
    shift: tuple[float, float]
    height: float


class PeakSearch:
    """Searches the one movement that fits all pairs.

    It is phase correlation (Kuglin and Hines, "The phase correlation image alignment method", 1975)
    for each angle and scale. We differ in two things: two cameras on one mount have one offset, so
    the correlations of all samples are added before the peak is searched; and fine detail, which
    two kinds of sensors do not share, is left out.

    Args:
        pairs: At least one pair, all of one size.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.moving = [pair.moving for pair in pairs]
        self.size = pairs[0].fixed.shape
        height, width = self.size
        self.window = cv2.createHanningWindow((width, height), cv2.CV_32F)
        rows, columns = fft.fftfreq(height)[:, None], fft.rfftfreq(width)
        weights = np.exp(-(rows**2 + columns**2) / (2 * DETAIL**2))
        self.weights = weights.astype(np.float32)  # half the bytes take half the time
        self.fixed = [self._phases(pair.fixed) for pair in pairs]

    def find(self) -> Peak:
        """Find the highest peak."""
        best = max(
            (self.peak(angle, scale) for angle in ANGLES for scale in SCALES),
            key=lambda peak: peak.height,
        )
        for turn, growth in STEPS:
            nearby = ((-turn, 0), (turn, 0), (0, -growth), (0, growth))
            peaks = (self.peak(best.angle + a, best.scale + s) for a, s in nearby)
            best = max(best, *peaks, key=lambda peak: peak.height)
        return best

    def peak(self, angle: float, scale: float) -> Peak:
        """Find the highest peak for one angle and scale."""
        height, width = self.size
        center = ((width - 1) / 2, (height - 1) / 2)
        turn = cv2.getRotationMatrix2D(center, -angle, scale)  # OpenCV turns counterclockwise
        total = 0
        for fixed, moving in zip(self.fixed, self.moving):
            turned = cv2.warpAffine(moving, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
            total = total + fixed * np.conj(self._phases(turned))
        surface = fft.irfft2(total * self.weights, self.size)
        surface = (surface - surface.mean()) / max(surface.std(), 1e-12)
        row, column = np.unravel_index(surface.argmax(), surface.shape)
        shift = (
            _between(surface[row], column),
            _between(surface[:, column], row),
        )
        return Peak(angle, scale, shift, float(surface[row, column]))

    def _phases(self, image: np.ndarray) -> np.ndarray:
        spectrum = fft.rfft2((image - image.mean()) * self.window)
        size = np.abs(spectrum)
        return spectrum / np.maximum(size, 1e-6 * size.max())


def _between(line: np.ndarray, place: int) -> float:
    """Return the signed shift at the top of the parabola through a peak and its neighbors."""
    before, top, after = line[place - 1], line[place], line[(place + 1) % len(line)]
    bend = before - 2 * top + after
    shift = place - len(line) if place > len(line) // 2 else place
    return float(shift + (0.5 * (before - after) / bend if bend else 0))
