"""Finds and marks pixels without a reading.

Between loading and packing, float images mark them by NaN. Integer images mark them by one number,
the marker. So geometric transforms and corruptions keep the dtype of the files, and bilinear
interpolation never turns a hole into a number.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from mmamf.structures.dtypes import can_hold
from mmamf.structures.modality import Modality

# Numbers that programs write for "no reading". Numbers above NO_READING are found without a list.
SENTINELS = (-999, -9999, -99999, -999999, -10000, -32767, -32768, -(2**31), -1e20, 1e20)
SENTINEL_SHARE = 1e-3  # from this share of the pixels on, they are no coincidence
NO_READING = 1e30  # a larger number is no measurement in any unit


def find_missing(
    image: np.ndarray, values: Iterable[float] = (), valid_range: Sequence[float] | None = None
) -> np.ndarray:
    """Find missing readings: the given values, values outside the range, NaN and infinity.

    Floats are compared in float32 precision, because people often write a value with fewer digits
    than the file has. In 8-bit images with several channels, which are colors, a pixel is missing
    if all its channels are. In all other images, each channel counts on its own.

    Args:
        image: The image in units of its file.
        values: Values that mean "no reading".
        valid_range: Smallest and largest reading.

    Shape:
        - image: (H, W) or (H, W, C).
        - Output: the same shape, bool.
    """
    holes = _find_values(image, values)
    if valid_range is not None:
        smallest, largest = valid_range
        holes |= (image < smallest) | (image > largest)
    if image.dtype == np.uint8 and image.ndim == 3 and holes.any():
        holes[:] = holes.all(-1, keepdims=True)
    return holes


def _find_values(image: np.ndarray, values: Iterable[float]) -> np.ndarray:
    if image.dtype.kind == 'f':
        holes = ~np.isfinite(image)
        with np.errstate(over='ignore'):
            rounded = image.astype(np.float32, copy=False)
            for value in filter(math.isfinite, values):
                nearest = np.float32(value)
                holes |= rounded == nearest if np.isfinite(nearest) else image == value
        return holes
    holes = np.zeros(image.shape, bool)
    for value in values:
        if can_hold(image.dtype, value):
            holes |= image == int(value)
    return holes


def find_sentinel(image: np.ndarray, holes: np.ndarray) -> float | None:
    """Return the smallest or largest reading if many pixels have it and it looks like "no reading".

    Args:
        image: The image in units of its file.
        holes: Missing readings that :func:`find_missing` found.
    """
    if image.dtype.kind == 'u':
        return None
    readings = image[~holes] if holes.any() else image
    for extreme in (readings.min(), readings.max()) if readings.size else ():
        # the tolerance is for 1e20 in float32
        named = np.isclose(float(extreme), SENTINELS, rtol=1e-6, atol=0)
        if named.any() and np.mean(image == extreme) >= SENTINEL_SHARE:
            return SENTINELS[int(named.argmax())]
    return None


def marker_of(modality: Modality) -> float | None:
    """Return the marker of a modality's missing readings in memory; None if it names no value.

    Args:
        modality: Its description.
    """
    if not modality.missing_values:
        return None
    if np.dtype(modality.dtype).kind == 'f':
        return math.nan
    return next(value for value in modality.missing_values if can_hold(modality.dtype, value))


def mark_missing(
    image: np.ndarray, holes: np.ndarray, marker: float | None
) -> tuple[np.ndarray, float | None]:
    """Mark missing readings in an image.

    An integer image without a marker becomes float32 if it has missing readings.

    Args:
        image: The image in units of its file.
        holes: Missing readings that :func:`find_missing` found.
        marker: Marker that :func:`marker_of` returned.

    Returns:
        The image and its marker.
    """
    if not holes.any():
        return image, marker
    if image.dtype.kind != 'f' and marker is None:
        image, marker = image.astype(np.float32), math.nan
    value = math.nan if image.dtype.kind == 'f' else marker
    return np.where(holes, image.dtype.type(value), image), marker


def missing_as_nan(image: np.ndarray, marker: float | None) -> np.ndarray:
    """Turn marked readings into NaN. An integer image that has any becomes float32.

    Args:
        image: The image after the transforms.
        marker: Its marker.

    Raises:
        ValueError: If a transform has made a float image with NaN an integer image.
    """
    if image.dtype.kind != 'f' and marker is not None and math.isnan(marker):
        raise ValueError(
            f'missing readings are lost: expected floats, in which NaN marks them, got '
            f'{image.dtype} from some transform. Name the value of missing readings as `missing` '
            'in the description, or leave that transform out'
        )
    holes = find_missing(image, () if marker is None else (marker,))
    if not holes.any():
        return image
    return np.where(holes, np.float32(math.nan), image.astype(np.float32, copy=False))


def describe_missing(image: np.ndarray, values: Sequence[float]) -> str:
    """Describe, for an error, the values of an image without any reading.

    Args:
        image: The image in units of its file.
        values: Values that mean "no reading".
    """
    if len(set(values)) == 1 and np.isfinite(image).all():
        return f'the missing value {values[0]}'
    return f'missing values such as {image.flat[0]}'
