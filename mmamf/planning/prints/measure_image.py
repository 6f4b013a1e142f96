"""Measures one image of a modality."""

import zlib
from pathlib import Path

import cv2
import numpy as np

from mmamf.datasets.transforms.image_header import declared_size
from mmamf.datasets.transforms.read_image import read_content

from .file_format import find_format
from .file_prints import ImagePrint
from .measure_band import measure_floats, measure_integers
from .stored_image import StoredImage, decode_stored
from .value_bins import FLOATS, bin_edges, bins_of_codes, code, coded_as, values_of_codes

EXACT_PIXELS = 2**24  # OpenCV counts in float32, which holds whole numbers up to this one
LOOK = (9, 8)  # (W, H): 8 x 8 differences are 64 bits
LOOKED_AT = 96  # shortest side in pixels of what is made so small


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
    """Hash the bytes of a file: CRC-32, the fastest by far, and their number.

    Two files are taken for equal only if they look equal, too.
    """
    return f'{zlib.crc32(content):08x}{len(content):x}'


def _measure(stored: StoredImage, known: dict) -> ImagePrint:
    dtype = stored.image.dtype.name
    coded = coded_as(dtype)
    if stored.image.dtype.kind == 'c':
        raise ValueError(f'{known["path"]}: expected real numbers, got {dtype}')
    with np.errstate(over='ignore'):
        image = np.ascontiguousarray(stored.image.astype(coded, copy=False))
    codes = code(image)
    counts = count_codes(codes)
    counts = [counts[place] for place in stored.order]
    measure = measure_floats if coded == FLOATS else measure_integers
    bands, sentinels, histogram = [], {}, np.zeros(len(bin_edges(coded)) - 1)
    for place, (found, number) in zip(stored.order, counts):
        values = values_of_codes(coded)[found]
        band, special, readings = measure(image[..., place], values, number, stored.nodata)
        bands.append(band)
        histogram += np.bincount(bins_of_codes(coded)[found], readings, len(histogram))
        for value, pixels in special.items():
            sentinels[value] = sentinels.get(value, 0) + pixels
    not_finite = 0
    if not all(np.isfinite(values_of_codes(coded)[found]).all() for found, _ in counts):
        not_finite = int((~np.isfinite(image)).any(-1).sum())
    all_zero = 0
    if all(band.zeros for band in bands):
        all_zero = bands[0].zeros if len(bands) == 1 else _count_all_zero(image)
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


def _count_all_zero(image: np.ndarray) -> int:
    if image.shape[2] > 4:  # more than OpenCV compares
        return int((~image.any(-1)).sum())
    zero = (0,) * image.shape[2]
    return cv2.countNonZero(cv2.inRange(image, zero, zero))


def count_codes(codes: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """List, for each band, the codes in it, sorted, and the number of pixels of each.

    Shape:
        - codes: (H, W) or (H, W, C), uint8 or uint16.
        - Output: (number of codes,) each; the numbers are float64.
    """
    bins = int(codes.max()) + 1  # of 16 bits, few are used
    rows = max(EXACT_PIXELS // codes.shape[1], 1)
    parts = [codes[start : start + rows] for start in range(0, len(codes), rows)]
    listed = []
    for band in range(codes.shape[2] if codes.ndim == 3 else 1):
        counts = np.zeros(bins)
        for part in parts:
            counts += cv2.calcHist([part], [band], None, [bins], [0, bins])[:, 0]
        found = np.flatnonzero(counts != 0)  # a mask is searched faster than numbers
        listed.append((found, counts[found]))
    return listed


def _equal_bands(
    image: np.ndarray, order: tuple[int, ...], counts: list[tuple[np.ndarray, np.ndarray]]
) -> tuple[tuple[int, int], ...]:
    """List the pairs of equal bands. Only bands with equal histograms are compared."""
    pairs = []
    for second in range(len(order)):
        for first in range(second):
            if all(map(np.array_equal, counts[first], counts[second])):
                one, other = image[..., order[first]], image[..., order[second]]
                if np.array_equal(one, other, equal_nan=image.dtype.kind == 'f'):
                    pairs.append((first, second))
    return tuple(pairs)


def _look(image: np.ndarray) -> int:
    """Return the difference hash: whether each cell of a small gray image is darker than the next.

    The idea is Neal Krawetz's, http://www.hackerfactor.com/blog/?/archives/529-Kind-of-Like-That.
    """
    step = max(1, min(image.shape[:2]) // LOOKED_AT)
    image = np.ascontiguousarray(image[::step, ::step])
    if image.dtype.kind == 'f':
        image = np.nan_to_num(image, posinf=0, neginf=0)
    bands = [image] if image.shape[2] <= 4 else [image[..., i] for i in range(image.shape[2])]
    small = [cv2.resize(band, LOOK, interpolation=cv2.INTER_AREA) for band in bands]
    gray = np.dstack(small).mean(-1)
    return int.from_bytes(np.packbits(gray[:, 1:] > gray[:, :-1]).tobytes(), 'big')
