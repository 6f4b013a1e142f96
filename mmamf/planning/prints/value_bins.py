"""The fixed bins of the histograms: the same for all files of a dtype, so that they can be added.

``uint8`` has a bin for each value. All other dtypes have bins whose width grows with the value, so
that millimeters and meters are resolved alike: 32 bins per doubling for integers, which is one per
value below 64, and 16 for floats from 2**-10 to 2**17. 0 has a bin of its own.

A histogram is counted in codes first. The code of a value is its 8 or 16 bits. For floats, it is
the upper half of the 32 bits: sign, exponent and 7 bits of the mantissa.
"""

from functools import lru_cache

import numpy as np

EXACT = ('uint8', 'uint16', 'int16')  # each value has its own code
FLOATS = 'float32'  # stands for all others
SMALLEST, LARGEST = -10, 17  # powers of 2 of the first and last bin of floats


def coded_as(dtype: np.dtype | str) -> str:
    """Name the dtype that an image is measured in.

    Args:
        dtype: The dtype of its file.
    """
    name = np.dtype(dtype).name
    return {'bool': 'uint8', 'int8': 'int16'}.get(name, name if name in EXACT else FLOATS)


@lru_cache
def bin_edges(dtype: str) -> np.ndarray:
    """Return the edges of a dtype's bins; bin i is ``edges[i] <= value < edges[i + 1]``.

    Args:
        dtype: A name of NumPy.

    Shape:
        (number of bins + 1,), float64.
    """
    coded = coded_as(dtype)
    if coded == 'uint8':
        return np.arange(257.0)
    if coded == FLOATS:
        steps = 2.0 ** np.arange(SMALLEST, LARGEST)[:, None] * (1 + np.arange(16) / 16)
        zero = [-(2.0**SMALLEST), 2.0**SMALLEST]
        up = np.append(steps.ravel(), [2.0**LARGEST, np.inf])
        return np.concatenate([-up[:0:-1], zero, up[1:]])
    largest = 16 if coded == 'uint16' else 15
    steps = 2.0 ** np.arange(6, largest)[:, None] * (1 + np.arange(32) / 32)
    up = np.concatenate([np.arange(64), steps.ravel(), [2.0**largest]])
    # the mirrored bins are shifted by 1, so that the largest negative bin is [-1, 0)
    return up if coded == 'uint16' else np.concatenate([-up[:0:-1], up])


@lru_cache
def values_of_codes(coded: str) -> np.ndarray:
    """Return the value of each code; for floats, the one closest to 0.

    Shape:
        (256,) or (65536,), float64.
    """
    if coded == FLOATS:
        bits = np.arange(2**16, dtype=np.uint32) << 16
        with np.errstate(invalid='ignore'):
            return bits.view(np.float32).astype(np.float64)
    return np.arange(2**16 if coded == 'int16' else 2 ** (8 * np.dtype(coded).itemsize)) - (
        2.0**15 if coded == 'int16' else 0.0
    )


@lru_cache
def bins_of_codes(coded: str) -> np.ndarray:
    """Return the bin of each code; NaN and infinity are in the last bin."""
    edges = bin_edges(coded)
    values = np.nan_to_num(values_of_codes(coded), nan=np.inf)
    return np.clip(np.searchsorted(edges, values, side='right') - 1, 0, len(edges) - 2)


def code(image: np.ndarray) -> np.ndarray:
    """Return the code of each value of an image in a dtype of :func:`coded_as`.

    Shape:
        As the image, uint8 or uint16.
    """
    if image.dtype.kind == 'u':
        return image
    if image.dtype == np.int16:
        return image.view(np.uint16) ^ np.uint16(2**15)
    # the upper half is the second on little-endian machines, the only ones with torch's wheels
    return np.ascontiguousarray(image.view(np.uint16)[..., 1::2])
