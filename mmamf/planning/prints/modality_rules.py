"""The decisions about one modality, each with its reason."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..samples.path_words import DEPTHS, DISPARITIES

NORMAL_WORDS = ('normal', 'normals')
EDGE_WORDS = ('edge', 'edges', 'contour', 'contours', 'boundary', 'boundaries')
# A camera of the usual kinds sees from 0.3 m to 20 m: half of its readings lie in between.
MILLIMETERS = (300, 20000)
METERS = (0.2, 100)
APART = 0.05  # of the median: readings of a sensor do not reach down to so near 0, holes are 0
PEAK = 20  # so many times as many zeros as readings near 0 are no readings either
HOLES = 1e-3  # share of the pixels from which zeros are no coincidence
UNIT_LENGTH = 0.1  # deviation of the squared length of surface normals that rounding explains


class ValueCounts(NamedTuple):
    """All values of a modality.

    Args:
        dtype: The dtype of most files.
        pixels: Number of values, of all bands.
        zeros: Number of zeros.
        all_zero: Number of pixels that are 0 in all bands.
        bands: Number of bands.
        histogram: Readings per bin, with zeros.
        edges: Edges of the bins.
    """

    dtype: str
    pixels: int
    zeros: int
    all_zero: int
    bands: int
    histogram: np.ndarray
    edges: np.ndarray

    def without_zeros(self) -> np.ndarray:
        """Return the readings per bin without zeros."""
        zero_bin = np.searchsorted(self.edges, 0, side='right') - 1
        others = self.histogram.copy()
        others[zero_bin] = max(others[zero_bin] - self.zeros, 0)
        return others

    def quantile(self, share: float) -> float:
        """Return the value below which a share of the readings other than 0 lies."""
        others = self.without_zeros()
        if not others.sum():
            return 0.0
        place = int(np.searchsorted(np.cumsum(others), share * others.sum()))
        low, high = self.edges[place], self.edges[place + 1]
        return float(low if np.isinf(high) or self.dtype == 'uint8' else (low + high) / 2)


def words_of(name: str) -> set[str]:
    """Split a name such as 'leftDepth_16' into words."""
    return set(re.findall('[a-z]+', re.sub('([a-z])([A-Z])', r'\1 \2', name).lower()))


def guess_kind(name: str, values: ValueCounts, squared_length: float) -> str:
    """Guess what a modality shows.

    The name says depth or not: a thermal picture has the same kind of numbers. Normals and edges
    must have the values too, because a wrong guess would turn vectors that are none.

    Args:
        name: Name of the modality.
        values: Its values.
        squared_length: Mean of x² + y² + z² if three bands are read as a vector; NaN otherwise.
    """
    words = words_of(name)
    unit = abs(squared_length - 1) <= UNIT_LENGTH
    if unit and words & {*NORMAL_WORDS}:
        return 'normal'
    if values.bands == 1 and words & DEPTHS:
        return 'depth'
    two_valued = np.count_nonzero(values.histogram) <= 2
    sparse = 2 * values.zeros >= values.pixels
    if values.bands == 1 and words & {*EDGE_WORDS} and (two_valued or sparse):
        return 'edge'
    return 'image'


def zeros_are_missing(kind: str, values: ValueCounts) -> bool:
    """Decide whether 0 means "no reading".

    It does if zeros are a peak apart: more than 1 in 1000, and nearly no reading close to them, or
    far fewer than zeros, as around the body in a medical scan. In 8-bit colors, black is a color: a
    black area is more often a shadow or a frame of the picture. In an edge map, 0 is "no edge". A
    normal (0, 0, 0) has no direction, so it is missing.
    """
    if kind == 'edge':
        return False
    if kind == 'normal':
        return values.all_zero * values.bands >= HOLES * values.pixels
    if values.dtype == 'uint8' and values.bands > 1:
        return False
    if np.count_nonzero(values.without_zeros()) < 3:  # a mask
        return False
    if values.zeros < HOLES * values.pixels:
        return False
    near, usual = values.quantile(0.01), values.quantile(0.5)
    signed = values.edges[0] < 0 and values.without_zeros()[: len(values.edges) // 2].any()
    others = values.without_zeros()
    close = others[values.edges[:-1] < APART * usual].sum()
    return not signed and (near > APART * usual or values.zeros > PEAK * close)


def guess_unit(kind: str, name: str, values: ValueCounts) -> tuple[str, float]:
    """Guess the unit, and the factor to meters.

    Numbers that a data set has multiplied by 256 or 5000 look like millimeters of a larger room, so
    only the range can be judged, and a median outside of it is 'unknown'.
    """
    if kind == 'image' and values.dtype == 'uint8' and values.bands == 3:
        return 'color', 1.0
    if kind != 'depth':
        return 'unknown', 1.0
    if words_of(name) & DISPARITIES:
        return 'disparity', 1.0
    if values.dtype == 'uint8':
        return '8-bit', 1.0
    usual = values.quantile(0.5)
    if values.dtype.startswith('float') and METERS[0] <= usual <= METERS[1]:
        return 'm', 1.0
    if MILLIMETERS[0] <= usual <= MILLIMETERS[1]:
        return 'mm', 0.001
    return 'unknown', 1.0


def collect_missing(
    zeros: bool,
    not_finite: int,
    nodata: Iterable[float],
    sentinels: Mapping[float, int],
    pixels: int,
) -> tuple[float, ...]:
    """List the values that mean "no reading".

    A sentinel counts from 1 pixel in 10,000 on, because a reading may be -999 by chance; a number
    beyond 1e30 never is a reading.
    """
    found = {0.0} if zeros else set()
    found |= {float(value) for value in nodata if value == value}
    found |= {v for v, n in sentinels.items() if n >= 1e-4 * pixels or abs(v) > 1e30}
    return (*sorted(found), *([float('nan')] if not_finite else []))


def is_colored(kind: str, dtypes: Iterable[str], bands: int, equal: Sequence) -> bool:
    """Tell whether three bands are red, green and blue. Nothing but their number can say so."""
    return kind == 'image' and bands == 3 and set(dtypes) <= {'uint8', 'uint16'} and not equal
