"""Measures one image of a modality."""

import hashlib
from pathlib import Path

import cv2
import numpy as np

from mmamf.datasets.transforms.file_content import read_content
from mmamf.datasets.transforms.image_header import declared_size
from mmamf.datasets.transforms.missing_readings import NO_READING, SENTINELS

from .file_format import find_format
from .file_prints import BandPrint, ImagePrint
from .stored_image import StoredImage, decode_stored
from .value_bins import FLOATS, bin_edges, bins_of_codes, code, coded_as, values_of_codes

EXACT_PIXELS = 2**24  # OpenCV counts in float32, which holds whole numbers up to this one
SATURATED_SHARE = 0.01
SENSOR_BITS = (10, 12, 14)  # thermal and raw cameras store these in 16 bits
LOOK = (9, 8)  # (W, H): 8 x 8 differences are 64 bits


def measure_image(path: str, root: Path) -> ImagePrint:
    """Measure an image. A file that cannot be read gives a print with its error.

    Args:
        path: Its path below the root.
        root: The folder of the data set.
    """
    full = str(Path(root) / path)
    try:
        content = read_content(full)
    except (FileNotFoundError, ValueError) as error:
        return ImagePrint(path, str(error))
    known = dict(path=path, format=find_format(content), content=hash_content(content))
    try:
        return _measure(decode_stored(full, content), known)
    except Exception as error:  # whatever is wrong with one file, the others are measured
        return ImagePrint(error=str(error), size=declared_size(content) or (0, 0), **known)


def hash_content(content: bytes) -> str:
    """Hash the bytes of a file."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _measure(stored: StoredImage, known: dict) -> ImagePrint:
    dtype = stored.image.dtype.name
    coded = coded_as(dtype)
    if stored.image.dtype.kind == 'c':
        raise ValueError(f'{known["path"]}: expected real numbers, got {dtype}')
    with np.errstate(over='ignore'):
        image = np.ascontiguousarray(stored.image.astype(coded, copy=False))
    codes = code(image)
    counts = [_count(codes, band) for band in stored.order]
    measure = _measure_floats if coded == FLOATS else _measure_integers
    bands, sentinels, total = [], {}, np.zeros(len(counts[0]))
    for place, count in zip(stored.order, counts):
        band, found, readings = measure(image[..., place], count, stored.nodata)
        bands.append(band)
        total += readings
        for value, pixels in found.items():
            sentinels[value] = sentinels.get(value, 0) + pixels
    histogram = np.bincount(bins_of_codes(coded), total, len(bin_edges(coded)) - 1)
    not_finite = 0
    if coded == FLOATS and any(
        count[~np.isfinite(values_of_codes(coded))].any() for count in counts
    ):
        not_finite = int((~np.isfinite(image)).any(-1).sum())
    all_zero = 0
    if all(band.zeros for band in bands):
        all_zero = bands[0].zeros if len(bands) == 1 else int((~image.any(-1)).sum())
    return ImagePrint(
        **known,
        dtype=dtype,
        size=image.shape[:2],
        orientation=stored.orientation,
        planar=stored.planar,
        nodata=stored.nodata,
        sentinels=sentinels,
        not_finite=not_finite,
        all_zero=all_zero,
        bands=tuple(bands),
        equal_bands=_equal_bands(image, stored.order, counts),
        histogram=tuple(histogram.astype(np.int64).tolist()),
        look=_look(image),
    )


def _count(codes: np.ndarray, band: int) -> np.ndarray:
    """Count the pixels of each code."""
    bins = 2 ** (8 * codes.dtype.itemsize)
    rows = max(EXACT_PIXELS // codes.shape[1], 1)
    parts = (codes[start : start + rows] for start in range(0, len(codes), rows))
    return sum(
        cv2.calcHist([part], [band], None, [bins], [0, bins])[:, 0].astype(np.float64)
        for part in parts
    )


def _measure_integers(
    image: np.ndarray, counts: np.ndarray, nodata: tuple[float, ...]
) -> tuple[BandPrint, dict[float, int], np.ndarray]:
    """Derive all from the number of pixels of each value.

    Returns:
        The print, the sentinels, and the number of readings of each code.
    """
    values = values_of_codes(coded_as(image.dtype))
    present = np.flatnonzero(counts)
    saturated = counts[-1]
    top = int(values[present[-1]])
    if top in [2**bits - 1 for bits in SENSOR_BITS] and image.dtype != np.uint8:
        if counts[present[-1]] >= SATURATED_SHARE * image.size:
            saturated = counts[present[-1]]
    readings = counts.copy()
    readings[np.isin(values, nodata)] = 0
    if 0 in nodata:  # zeros have their own number
        readings[values == 0] = counts[values == 0]
    sentinels = {}
    if image.dtype.kind == 'i':
        named = np.isin(values, SENTINELS) & (readings > 0)
        rest = values[(readings > 0) & ~named]
        for place in np.flatnonzero(named):
            if not rest.size or not rest[0] < values[place] < rest[-1]:
                sentinels[float(values[place])] = int(readings[place])
                readings[place] = 0
    zeros = int(counts[values == 0][0])
    others = np.where(values == 0, 0, readings)
    found = np.flatnonzero(others)
    number, value = others[found], values[found]
    band = BandPrint(
        count=int(number.sum()),
        sum=float(number @ value),
        squares=float(number @ value**2),
        smallest=float(value[0]) if found.size else np.nan,
        largest=float(value[-1]) if found.size else np.nan,
        zeros=zeros,
        saturated=int(saturated),
        constant=present.size == 1,
    )
    return band, sentinels, readings


def _measure_floats(
    image: np.ndarray, counts: np.ndarray, nodata: tuple[float, ...]
) -> tuple[BandPrint, dict[float, int], np.ndarray]:
    """Measure floats in few passes: a mask only if some value is no reading.

    Returns:
        The print, the sentinels, and the number of readings of each code.
    """
    image = np.ascontiguousarray(image)
    values = values_of_codes(FLOATS)
    sentinels = {}
    for value, pixels in _candidates(image, counts, values).items():
        if abs(value) > NO_READING or _is_extreme(image, value):
            sentinels[value] = pixels
    readings = np.where(np.isfinite(values), counts, 0)
    for value in (*nodata, *sentinels):
        if np.isfinite(value) and value != 0:
            readings[_code_of(value)] = 0
    zeros = int(counts[values == 0].sum())
    mask = None
    if readings.sum() != counts.sum() or zeros:
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
        constant=np.count_nonzero(counts) == 1 and _is_constant(image),
    )
    return band, {float(value): pixels for value, pixels in sentinels.items()}, readings


def _is_constant(image: np.ndarray) -> bool:
    return np.array_equal(image, np.full_like(image, image[0, 0]), equal_nan=True)


def _candidates(image: np.ndarray, counts: np.ndarray, values: np.ndarray) -> dict[float, int]:
    """Count the pixels of each value that programs write for "no reading"."""
    found = {}
    for value in SENTINELS:
        if counts[_code_of(value)]:
            pixels = int(np.count_nonzero(image == np.float32(value)))
            if pixels:
                found[float(value)] = pixels
    with np.errstate(invalid='ignore'):
        huge = np.isfinite(values) & (np.abs(values) > NO_READING)
    if counts[huge].any():
        some = image[np.isfinite(image) & (np.abs(image) > NO_READING)]
        for value, pixels in zip(*np.unique(some, return_counts=True)):
            found[float(value)] = int(pixels)
    return found


def _is_extreme(image: np.ndarray, value: float) -> bool:
    """Tell whether all other readings lie on one side of a value."""
    finite = np.isfinite(image) & (np.abs(image) <= NO_READING)
    rest = image[finite & ~np.isin(image, np.float32(SENTINELS))]
    return not rest.size or not rest.min() < value < rest.max()


def _code_of(value: float) -> int:
    return int(np.float32(value).view(np.uint32)) >> 16


def _equal_bands(
    image: np.ndarray, order: tuple[int, ...], counts: list[np.ndarray]
) -> tuple[tuple[int, int], ...]:
    """List the pairs of equal bands. Only bands with equal histograms are compared."""
    pairs = []
    for second in range(len(order)):
        for first in range(second):
            if np.array_equal(counts[first], counts[second]):
                one, other = image[..., order[first]], image[..., order[second]]
                if np.array_equal(one, other, equal_nan=image.dtype.kind == 'f'):
                    pairs.append((first, second))
    return tuple(pairs)


def _look(image: np.ndarray) -> int:
    """Return the difference hash: whether each cell of a small gray image is darker than the next.

    The idea is Neal Krawetz's, http://www.hackerfactor.com/blog/?/archives/529-Kind-of-Like-That.
    """
    if image.dtype.kind == 'f':
        image = np.nan_to_num(image, posinf=0, neginf=0)
    bands = [image] if image.shape[2] <= 4 else [image[..., i] for i in range(image.shape[2])]
    small = [cv2.resize(band, LOOK, interpolation=cv2.INTER_AREA) for band in bands]
    gray = np.dstack(small).mean(-1)
    return int.from_bytes(np.packbits(gray[:, 1:] > gray[:, :-1]).tobytes(), 'big')
