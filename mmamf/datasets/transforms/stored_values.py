"""Reads the numbers of a picture as its file stores them. Pillow alone changes some of them."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from .image_header import Refused

PNG = b'\x89PNG'
GRAY = 0  # color type of a PNG


def open_picture(factory: Callable[[io.BytesIO], Image.Image], content: bytes) -> Image.Image:
    """Open a picture with a plugin of Pillow, and keep the indices of a BMP with a palette.

    Pillow drops the palette of a BMP if it is black and white, or the gray values 0, 1, 2, ... It
    reads black and white as one bit per pixel, even if the file has more. So Pillow gets a copy of
    the file whose palette begins with another color. Afterwards black is put back, with which all
    these palettes begin.

    Args:
        factory: The plugin's class.
        content: The bytes of the file.
    """
    picture = factory(io.BytesIO(content))
    if content[:2] != b'BM' or picture.mode not in ('1', 'L') or _bmp_depth(content) == 1:
        return picture
    start = 14 + int.from_bytes(content[14:18], 'little')  # where the palette starts
    picture = factory(io.BytesIO(content[:start] + b'\1\2\3' + content[start + 3 :]))
    picture.load()
    picture.putpalette([0, 0, 0, *picture.getpalette('RGB')[3:]])
    return picture


def load_values(picture: Image.Image, content: bytes) -> np.ndarray:
    """Decode an open picture, and undo Pillow's stretching to 8 or 16 bits.

    Shape:
        (H, W) or (H, W, C).
    """
    largest = _largest_stored(picture, content)
    picture.load()
    values = np.array(picture)
    if largest is None:
        return values
    top = 255 if values.dtype == np.uint8 else 65535
    return np.rint(np.arange(top + 1) * (largest / top)).astype(values.dtype)[values]


def is_low_gray(content: bytes) -> bool:
    """Tell whether a file is a gray PNG below 8 bits or a text PGM, which OpenCV stretches."""
    return content[:2] == b'P2' or (content[:4] == PNG and content[25] == GRAY and content[24] < 8)


def read_low_gray(content: bytes) -> np.ndarray:
    """Decode a file of :func:`is_low_gray` as uint8 or uint16.

    Shape:
        (H, W).
    """
    Image.init()
    factory, _ = Image.OPEN['PNG' if content[:4] == PNG else 'PPM']
    values = load_values(factory(io.BytesIO(content)), content)
    return values.astype(np.uint16 if values.dtype == np.int32 else np.uint8)


def has_16_bits(picture: Image.Image, content: bytes) -> bool:
    """Tell whether a picture has more than 8 bits per channel. Call it before loading."""
    largest = _largest_stored(picture, content) or 0
    return largest > 255 or (picture.format == 'PNG' and content[24] == 16)


def check_alpha(image: np.ndarray) -> None:
    """Refuse pixels that have the same color, or gray value, but different alpha.

    Args:
        image: (H, W, C), whose last channel is alpha.

    Raises:
        Refused: If there are such pixels.
    """
    if (image[..., -1] == image[0, 0, -1]).all():
        return
    pixels = image.reshape(-1, image.shape[2]).T
    pixels = pixels[:, np.lexsort(pixels[::-1])]  # by color, then by alpha
    differs = pixels[:, 1:] != pixels[:, :-1]
    if (differs[-1] & ~differs[:-1].any(0)).any():
        raise Refused(
            'expected one value of alpha for each color, got several. Alpha is not read: if it '
            'tells the classes, save it as a gray file'
        )


def _largest_stored(picture: Image.Image, content: bytes) -> int | None:
    """Return the largest value that the file can store; None if Pillow does not stretch it."""
    if picture.format == 'PNG' and picture.mode == 'L' and content[24] in (2, 4):
        return 2 ** content[24] - 1
    if picture.format == 'PPM':
        decoder, *_, args = picture.tile[0]
        if decoder in ('ppm', 'ppm_plain') and picture.mode in ('L', 'I', 'RGB'):
            return args[1]
    return None


def _bmp_depth(content: bytes) -> int:
    return content[24 if content[14] == 12 else 28]  # OS/2 files have a short header of 12 bytes
