"""Measures one label map."""

import hashlib
import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mmamf.datasets.transforms.image_header import declared_size, exif_orientation
from mmamf.datasets.transforms.read_image import decode_raster, read_content
from mmamf.datasets.transforms.read_label import StoredLabel, decode_label

from .file_format import LOSSY, find_format
from .file_prints import LabelPrint
from .measure_image import count_codes, hash_content
from .tiff_header import read_tiff_header

KEPT = 1000  # number of values or colors in a print
MAX_CLASSES = 32  # maps with more values are no class maps, or too slow to cut into regions
REGIONS_OF = (
    3  # one map in so many, by its hash, is cut into regions: that takes as long as reading
)
FEW = 16  # values up to which counting one after the other is faster than a histogram
THINNED = 160  # longest side in pixels, about, of the map in which regions are measured
PICTURES = ('PNG', 'BMP', 'GIF', 'PNM')  # Pillow knows from their header whether they have colors
PNG_RGB = (2, 6)  # color types


def measure_label(path: str, root: Path) -> LabelPrint:
    """Measure a label map. A file that cannot be read gives a print with its error.

    A lossy file is measured too, although a training refuses it, so that its true values show.

    Args:
        path: Its path below the root.
        root: The folder of the data set.
    """
    full = str(Path(root) / path)
    try:
        content = read_content(full, kind='label map')
    except (FileNotFoundError, ValueError) as error:
        return LabelPrint(path, str(error))
    known = dict(path=path, format=find_format(content), content=hash_content(content))
    try:
        return _measure(full, content, known)
    except Exception as error:  # whatever is wrong with one file, the others are measured
        return LabelPrint(error=str(error), size=declared_size(content) or (0, 0), **known)


def _measure(full: str, content: bytes, known: dict) -> LabelPrint:
    orientation, lossy, colored = exif_orientation(content), known['format'] in LOSSY, False
    if known['format'] == 'TIFF':
        header = read_tiff_header(content)
        orientation, lossy, colored = header.orientation, header.lossy, header.bands == 3
    elif known['format'] == 'NPY':
        colored = decode_raster(full, content).image.shape[2:] == (3,)
    elif known['format'] == 'PNG':
        colored = content[25] in PNG_RGB
    elif known['format'] in PICTURES:
        colored = 'RGB' in Image.open(io.BytesIO(content)).mode
    label = decode_lossy(full, content) if lossy else decode_label(full, content, colored)
    image = label.values
    codes, key = (image, _key) if image.ndim == 2 else (_color_codes(image), _color)
    values, counts = count_values(codes)
    most = np.argsort(-counts, kind='stable')[:KEPT]
    pairs = {key(value): int(n) for value, n in zip(values[most].tolist(), counts[most])}
    chosen = int(known['content'], 16) % REGIONS_OF == 0
    small = chosen and len(values) <= MAX_CLASSES
    regions = measure_regions(codes, values, counts) if small else ()
    palette = label.palette
    return LabelPrint(
        **known,
        lossy=lossy,
        dtype=image.dtype.name,
        size=image.shape[:2],
        orientation=orientation,
        nodata=label.nodata,
        values=pairs if image.ndim == 2 else {},
        colors=pairs if image.ndim == 3 else {},
        distinct=len(values),
        palette='' if palette is None else hashlib.md5(palette.tobytes()).hexdigest(),
        palette_colors=() if palette is None else tuple(map(tuple, palette[:256].tolist())),
        object_sizes=tuple((key(value), *numbers) for value, *numbers in regions),
    )


def decode_lossy(path: str, content: bytes) -> StoredLabel:
    """Decode a label map of a lossy format, which a training would refuse."""
    image = decode_raster(path, content).image
    return StoredLabel(image if image.ndim == 2 else image[..., ::-1])  # from BGR


def _color_codes(image: np.ndarray) -> np.ndarray:
    if image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            f'expected one channel, or three of 8 bits, got {image.dtype} of shape {image.shape}'
        )
    red, green, blue = (image[..., band].astype(np.int32) for band in range(3))
    return red << 16 | green << 8 | blue


def _color(code: int) -> tuple[int, int, int]:
    return code >> 16, code >> 8 & 255, code & 255


def _key(value: float) -> float | str:
    return 'nan' if value != value else value


def count_values(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different values of a map, sorted, and the number of pixels of each.

    Neighbors in a row mostly have the same value, so runs are sorted instead of pixels.

    Shape:
        - image: (H, W).
        - Output: (number of values,) each.
    """
    if image.dtype == np.uint8:
        largest = int(image.max())
        if largest >= FEW:
            return count_codes(image)[0]
        counts = np.array([np.count_nonzero(image == value) for value in range(largest + 1)])
        values = np.flatnonzero(counts)
        return values, counts[values]
    flat = image.ravel()
    starts = np.flatnonzero(np.append(True, flat[1:] != flat[:-1]))  # NaN is a run of its own
    lengths = np.diff(np.append(starts, flat.size))
    values, place = np.unique(flat[starts], return_inverse=True)
    return values, np.bincount(place, lengths).astype(np.int64)


def measure_regions(
    image: np.ndarray, values: np.ndarray, counts: np.ndarray
) -> tuple[tuple[float, float, float], ...]:
    """Measure the connected region in which the median pixel of each value lies, and its width.

    The area of that region is the typical size of an object. The median over regions would be that
    of specks, for example of soil between leaves, which are many and hold few pixels. The width is
    that of a strip with the same area and border as all regions of the value: a disk counts as half
    its diameter.

    A long map is thinned to about 160 px, because regions would take longer than reading the file.
    Regions thinner than the step are seen in parts, or not at all. The width is measured along
    whole rows and columns, because it is smaller than the step where it matters.

    Shape:
        - image: (H, W).
        - values, counts: (number of values,) each, see :func:`count_values`.

    Returns:
        (value, area, width) of each value, in pixels of the file.
    """
    step = max(1, round(max(image.shape) / THINNED))
    thin = np.ascontiguousarray(image[::step, ::step])
    sizes, widths = [], _measure_widths(image, values, counts, 2 * step)
    for value, width in zip(values.tolist(), widths):
        mask = (thin == value).view(np.uint8)
        left, top, columns, rows = cv2.boundingRect(mask)  # most classes fill a part only
        if not columns:  # thinned away
            continue
        mask = mask[top : top + rows, left : left + columns]
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
        area = _area_around_median(stats[1:, cv2.CC_STAT_AREA]) * step * step
        sizes.append((value, area, width))
    return tuple(sizes)


def _measure_widths(
    image: np.ndarray, values: np.ndarray, counts: np.ndarray, every: int
) -> list[float]:
    """Measure the width of each value from its chords along one row or column in ``every``.

    By Crofton's formula, the border is pi / 2 times the mean number of chords along both axes, each
    counted over all lines; the width is twice the area by the border. Two axes are few: a strip
    along one of them counts 1.27 times its width, and a diagonal one 0.9 times.
    """
    chords = np.zeros(len(values))
    for lines in (image[::every], image[:, ::every].T):
        lines = np.ascontiguousarray(lines)
        starts = np.ones(lines.shape, bool)
        np.not_equal(lines[:, 1:], lines[:, :-1], out=starts[:, 1:])
        chords += np.bincount(np.searchsorted(values, lines[starts]), minlength=len(values))
    return (4 / np.pi * counts / (every * np.maximum(chords, 1))).tolist()


def _area_around_median(areas: np.ndarray) -> float:
    """Return the area of the region that holds the median pixel, regions sorted by their area."""
    areas = np.sort(areas)
    reached = areas.cumsum()
    return float(areas[np.searchsorted(reached, reached[-1] / 2)])
