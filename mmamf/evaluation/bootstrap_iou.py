from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWS = 1000
LEVEL = 95  # percent of the draws inside an interval


class Interval(NamedTuple):
    """A value in percent, with its 95 % interval; NaN where nothing can be computed."""

    value: float
    low: float
    high: float


def bootstrap_iou(areas: Sequence[np.ndarray], seed: int = 0) -> list[Interval]:
    """Compute the IoU of every class, and last the mIoU, with intervals over images.

    From `An Introduction to the Bootstrap <https://doi.org/10.1201/9780429246593>`_: test sets of
    as many images are drawn from the images, with replacement. An interval holds the middle 95 % of
    their values. Pixels of an image depend on each other, so images are drawn, not pixels. Draws
    without any pixel of a class do not count for it.

    Args:
        areas: For each image, the pixels of each class in intersection and union.
        seed: Seed of the draws.

    Shape:
        - areas: (2, K) each.

    Raises:
        ValueError: If there is no image.
    """
    drawn, whole = _draw(areas, seed)
    return [_interval(value, draws) for value, draws in zip(whole, drawn.T)]


def bootstrap_difference(
    areas: Sequence[np.ndarray], others: Sequence[np.ndarray], seed: int = 0
) -> Interval:
    """Compute by how much the first mIoU is above the second, over the same draws of images.

    Args:
        areas: See :func:`bootstrap_iou`.
        others: Areas of another prediction of the same images.
        seed: See :func:`bootstrap_iou`.

    Raises:
        ValueError: If there is no image.
    """
    (drawn, whole), (other_drawn, other_whole) = (_draw(a, seed) for a in (areas, others))
    return _interval(whole[-1] - other_whole[-1], drawn[:, -1] - other_drawn[:, -1])


def _draw(areas: Sequence[np.ndarray], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute the IoUs and the mIoU of all draws, (DRAWS, K + 1), and of all images, (K + 1,)."""
    if not len(areas):
        raise ValueError('bootstrap_iou: expected the areas of at least one image, got none')
    stacked = np.stack(areas).astype(np.float64)  # (N, 2, K)
    count = len(stacked)
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), DRAWS)
    sums = np.concatenate([weights, np.ones((1, count))]) @ stacked.reshape(count, -1)
    intersection, union = sums.reshape(-1, 2, stacked.shape[2]).swapaxes(0, 1)
    with np.errstate(invalid='ignore'):
        iou = 100 * intersection / union
    known = ~np.isnan(iou)
    mean = np.where(known, iou, 0).sum(1) / np.maximum(known.sum(1), 1)
    values = np.column_stack([iou, np.where(known.any(1), mean, np.nan)])
    return values[:-1], values[-1]


def _interval(value: float, draws: np.ndarray) -> Interval:
    draws = draws[~np.isnan(draws)]
    if np.isnan(value) or not len(draws):
        return Interval(float('nan'), float('nan'), float('nan'))
    outside = (100 - LEVEL) / 2
    return Interval(float(value), *map(float, np.percentile(draws, (outside, 100 - outside))))
