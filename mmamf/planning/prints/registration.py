"""Measures how far two modalities are apart.

Sensors show different values at the same place, but mostly edges at the same places. So the
gradients of both are compared, without their sign: a warm object may be dark.
"""

import math
from collections.abc import Sequence
from functools import reduce

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from .peak_search import Pair, PeakSearch
from .summaries import Offset

WORKING = 320  # longest side in pixels of the compared images
BLUR = 1.5  # of the gradients, in pixels: edges of two sensors are some pixels wide
SLOPE = 6  # px: an edge is narrower
FEW = 3  # samples, below which nothing can agree
CLOSE = 3.0  # pixels of the compared images within which two halves of the samples agree
EMPTY = 1e-3  # standard deviation of the gradients of a frame without edges
NOISE, CLEAR = 7.0, 14.0  # heights of a peak by chance, and of one that leaves no doubt


def gradient_image(
    image: np.ndarray, holes: np.ndarray, size: tuple[int, int] | None = None
) -> np.ndarray:
    """Return the strength of an image's edges, from 0 to 1, small and blurred.

    Args:
        image: (H, W, C).
        holes: Where it has no reading. They get the nearest reading: depth cameras have holes along
            the edges of objects, where the edge must not be lost. They are filled after the image
            is made small, because searching the nearest reading takes longer than all the rest.
        size: (W, H) of the result; at most 320 px long by default.

    Shape:
        - holes: (H, W, C), bool.
        - Output: (H', W'), float32.
    """
    height, width, bands = image.shape
    if size is None:
        factor = min(1, WORKING / max(height, width))
        size = (max(round(width * factor), 1), max(round(height * factor), 1))
    gray = image.astype(np.float32) @ np.full(bands, 1 / bands, np.float32)
    if holes.any():
        holes = reduce(np.logical_or, np.moveaxis(holes, -1, 0))  # faster than any(-1)
        gray = _fill(np.where(holes, 0, gray), holes, size)
    else:
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    gray = cv2.medianBlur(gray, 3)
    strength = np.hypot(cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1))
    # soft, so that one strong edge does not outweigh all others
    strength /= strength + max(float(np.percentile(strength, 90)), 1e-12)
    strength = cv2.GaussianBlur(strength, (0, 0), BLUR)
    # a slope, such as the floor in a depth map, is no edge
    return np.maximum(strength - cv2.GaussianBlur(strength, (0, 0), SLOPE), 0)


def _fill(gray: np.ndarray, holes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Make an image small whose holes are 0; where no reading is left, take the nearest."""
    seen = cv2.resize((~holes).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    if not seen.any():
        return small
    nearest = distance_transform_edt(seen == 0, return_distances=False, return_indices=True)
    return (small / np.maximum(seen, 1e-6))[tuple(nearest)]


def measure_offset(modality: str, pairs: Sequence[Pair], width: int) -> Offset:
    """Measure one offset from the gradients of several samples.

    One half of the samples finds it, the other half checks it: the certainty says how far the peak
    of the other half stands out, and is 0 if it is at another place. Fewer than 3 samples prove
    little.

    Args:
        modality: Name of the modality that moves.
        pairs: The gradients, all of one size, which :func:`gradient_image` has made.
        width: Width in pixels of the images on disk.
    """
    pairs = [pair for pair in pairs if min(pair.fixed.std(), pair.moving.std()) > EMPTY]
    if not pairs:
        return Offset(modality, 0.0, 0.0, 0.0, 1.0, 0.0, 0)
    found = PeakSearch(pairs[::2]).find()
    check = PeakSearch(pairs[1::2] or pairs).peak(found.angle, found.scale)
    certainty = float(np.clip((check.height - NOISE) / (CLEAR - NOISE), 0, 1))
    certainty *= math.dist(found.shift, check.shift) <= CLOSE
    certainty *= min(1, len(pairs) / FEW)
    factor = width / pairs[0].fixed.shape[1]
    dx, dy = (factor * sum(shifts) / 2 for shifts in zip(found.shift, check.shift))
    return Offset(modality, dx, dy, found.angle, found.scale, certainty, len(pairs))
