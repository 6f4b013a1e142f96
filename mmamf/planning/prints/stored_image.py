"""Decodes an image file with all its bands, as no config describes it yet."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmamf.datasets.transforms.read_image import decode_raster, read_content

from .file_format import find_format
from .tiff_header import read_tiff_header

GRAY_ALPHA = 4  # color type of a PNG


class StoredImage(NamedTuple):
    """An image with all its bands.

    Args:
        image: (H, W, C), in the order of memory.
        order: Index in memory of each band of the file (red, green, blue).
        nodata: Values that the file declares as "no reading".
        orientation: EXIF or TIFF orientation; 1 is "as stored".
        planar: Whether a TIFF stores one plane per band.
    """

    image: np.ndarray
    order: tuple[int, ...]
    nodata: tuple[float, ...]
    orientation: int
    planar: bool


def decode_stored(path: str, content: bytes) -> StoredImage:
    """Decode the bytes of a file.

    A gray or color file is read as in training, without alpha. A TIFF with another number of bands,
    or with several pages, is read with all of them.

    Args:
        path: The file, for its suffix and errors.
        content: Its bytes.

    Raises:
        ValueError: If the file cannot be read.
    """
    channels, planar = None, False
    if find_format(content) == 'TIFF':
        try:
            header = read_tiff_header(content)
        except Exception as error:  # tifffile raises many kinds of errors on damaged files
            raise ValueError(f'{path} is corrupt or truncated: {error}') from error
        planar = header.planar
        if header.pages > 1 or header.bands not in (1, 3):
            channels = 0
    elif find_format(content) == 'PNG' and content[25:26] == bytes([GRAY_ALPHA]):
        channels = 1
    raster = decode_raster(path, content, channels)
    image = raster.image.reshape(*raster.image.shape[:2], -1)
    bgr = channels is None and image.shape[2] == 3 and not path.lower().endswith('.npy')
    order = (2, 1, 0) if bgr else tuple(range(image.shape[2]))
    return StoredImage(image, order, raster.nodata, raster.orientation, planar)


def read_bands(path: Path) -> np.ndarray:
    """Read all bands of an image, in the order of the file: colors as RGB.

    Shape:
        (H, W) or (H, W, C).
    """
    stored = decode_stored(str(path), read_content(str(path)))
    image = stored.image[..., list(stored.order)]
    return image[..., 0] if image.shape[2] == 1 else image
