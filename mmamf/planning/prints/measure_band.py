"""Measures one band of an image."""

import cv2
import numpy as np

from mmamf.datasets.transforms.missing_readings import NO_READING, SENTINELS

from .file_prints import BandPrint

SATURATED_SHARE = 0.01
SENSOR_BITS = (10, 12, 14)  # thermal and raw cameras store these in 16 bits


def measure_integers(
    image: np.ndarray, values: np.ndarray, counts: np.ndarray, nodata: tuple[float, ...]
) -> tuple[BandPrint, dict[float, int], np.ndarray]:
    """Derive all from the number of pixels of each value.

    Returns:
        The print, the sentinels, and the number of readings of each value.
    """
    limit = np.iinfo(image.dtype).max
    at_top = counts[-1]
    narrow = values[-1] in [2**bits - 1 for bits in SENSOR_BITS] and limit > 255
    saturated = values[-1] == limit or (narrow and at_top >= SATURATED_SHARE * image.size)
    readings = counts.copy()
    if nodata:
        readings[np.isin(values, nodata) & (values != 0)] = 0  # zeros have their own number
    sentinels = {}
    if image.dtype.kind == 'i':
        named = np.isin(values, SENTINELS) & (readings > 0)
        rest = values[(readings > 0) & ~named]
        for place in np.flatnonzero(named):
            if not rest.size or not rest[0] < values[place] < rest[-1]:
                sentinels[float(values[place])] = int(readings[place])
                readings[place] = 0
    others = (values != 0) & (readings > 0)
    number, value = readings[others], values[others]
    band = BandPrint(
        count=int(number.sum()),
        sum=float(number @ value),
        squares=float(number @ value**2),
        smallest=float(value[0]) if value.size else np.nan,
        largest=float(value[-1]) if value.size else np.nan,
        zeros=int(counts[values == 0].sum()),
        saturated=int(at_top) if saturated else 0,
        constant=values.size == 1,
    )
    return band, sentinels, readings


def measure_floats(
    image: np.ndarray, values: np.ndarray, counts: np.ndarray, nodata: tuple[float, ...]
) -> tuple[BandPrint, dict[float, int], np.ndarray]:
    """Measure floats in few passes: with a mask only if some value is no reading.

    Args:
        values: The values of the codes, which are those of the image cut to fewer bits.
        counts: Number of pixels of each code.

    Returns:
        The print, the sentinels, and the number of readings of each code.
    """
    image = np.ascontiguousarray(image)
    sentinels = {}
    for value, pixels in _candidates(image, values).items():
        if abs(value) > NO_READING or _is_extreme(image, value):
            sentinels[value] = pixels
    readings = np.where(np.isfinite(values), counts, 0)
    for value in (*nodata, *sentinels):
        if np.isfinite(value) and value != 0:
            readings[values == _cut(value)] = 0
    zeros = int(counts[values == 0].sum())
    mask = None
    if zeros or readings.sum() != counts.sum():
        keep = np.isfinite(image) & (image != 0)
        for value in (*nodata, *sentinels):
            keep &= image != np.float32(value)
        mask = keep.view(np.uint8)
    count = image.size if mask is None else cv2.countNonZero(mask)
    smallest = largest = np.nan
    mean = deviation = 0.0
    saturated = 0
    if count:
        smallest, largest, _, _ = cv2.minMaxLoc(image, mask)
        mean, deviation = (float(part[0, 0]) for part in cv2.meanStdDev(image, mask=mask))
        at_top = int(np.count_nonzero(image == np.float32(largest)))
        saturated = at_top if at_top >= SATURATED_SHARE * image.size else 0
    band = BandPrint(
        count=count,
        sum=mean * count,
        squares=(deviation**2 + mean**2) * count,
        smallest=smallest,
        largest=largest,
        zeros=zeros,
        saturated=saturated,
        constant=values.size == 1 and _is_constant(image),
    )
    return band, sentinels, readings


def _is_constant(image: np.ndarray) -> bool:
    return np.array_equal(image, np.full_like(image, image[0, 0]), equal_nan=True)


def _candidates(image: np.ndarray, values: np.ndarray) -> dict[float, int]:
    """Count the pixels of each value that programs write for "no reading"."""
    found = {}
    for value in SENTINELS:
        if _cut(value) in values:
            pixels = int(np.count_nonzero(image == np.float32(value)))
            if pixels:
                found[float(value)] = pixels
    if (np.isfinite(values) & (np.abs(values) >= _cut(NO_READING))).any():
        huge = image[np.isfinite(image) & (np.abs(image) > NO_READING)]
        for value, pixels in zip(*np.unique(huge, return_counts=True)):
            found[float(value)] = int(pixels)
    return found


def _is_extreme(image: np.ndarray, value: float) -> bool:
    """Tell whether all other readings lie on one side of a value."""
    finite = np.isfinite(image) & (np.abs(image) <= NO_READING)
    rest = image[finite & ~np.isin(image, np.float32(SENTINELS))]
    return not rest.size or not rest.min() < value < rest.max()


def _cut(value: float) -> float:
    """Return the value of a float's code."""
    bits = np.float32(value).view(np.uint32) & np.uint32(0xFFFF0000)
    return float(bits.view(np.float32))
