"""Reads one label file of any lossless format, with its values as stored."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from .image_header import Refused, check_header, check_size
from .read_image import decode_raster, read_content
from .stored_values import check_alpha, has_16_bits, load_values, open_picture

# Pillow reads these, because it keeps the indices of palettes. OpenCV turns them into colors.
PICTURES = ('PNG', 'BMP', 'GIF', 'PPM', 'PCX')
LOSSY = ('JPEG', 'JPEG2000', 'WEBP', 'AVIF')
WORDS = {2: 'two channels', 3: 'RGB', 4: 'RGBA'}


class StoredLabel(NamedTuple):
    """The content of a label file.

    Shape:
        - ``values``: (H, W), or (H, W, 3) in RGB.
        - ``palette``: (number of entries, 3) in RGB, None if the file has none.
    """

    values: np.ndarray
    palette: np.ndarray | None = None
    nodata: tuple[float, ...] = ()


def read_label(path: str, backend_args: dict | None = None, colored: bool = False) -> StoredLabel:
    """Read a label file.

    Args:
        path: A PNG, TIFF, ``.npy``, BMP, GIF, PGM, PPM or PCX file, or an EXR file as
            :func:`read_raster` reads it, local or of any mmengine file backend.
        backend_args: Arguments of the mmengine file backend.
        colored: Whether to read colors, even if the file has indices of a palette.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is corrupt or truncated, too large, not an image, or of a lossy
            format; if it does not have one channel (or three with ``colored``); if its colors have
            16 bits or differ only in alpha.
    """
    return decode_label(path, read_content(path, backend_args, 'label map'), colored)


def decode_label(path: str, content: bytes, colored: bool = False) -> StoredLabel:
    """Decode the bytes of a label file, see :func:`read_label`.

    Args:
        path: The file, for its suffix and errors.
        content: Its bytes.
        colored: Whether to read colors, even if the file has indices of a palette.
    """
    _refuse_lossy(path, content)
    try:
        label = _read_picture(content, colored)
    except Refused as error:
        raise ValueError(f'label map {path}: {error}') from error
    except MemoryError as error:
        raise ValueError(f'label map {path}: expected a file that fits into memory') from error
    except Exception as error:  # Pillow raises many kinds of errors on damaged files
        raise ValueError(f'label map {path} is corrupt or truncated: {error}') from error
    if label is None:
        raster = decode_raster(path, content, 3 if colored else 1, lossless=True)
        values = raster.image
        if values.ndim == 3 and not path.lower().endswith('.npy'):
            values = values[..., ::-1]  # BGR
        if values.ndim == 2 and colored:
            values = np.dstack([values] * 3)
        label = StoredLabel(values, raster.palette, raster.nodata)
    shape = label.values.shape
    if len(shape) == 2 or (colored and shape[2:] == (3,)):
        return label
    raise ValueError(
        f'label map {path}: expected one channel of class indices, got '
        f'{WORDS.get(shape[2], "bands")} (shape {shape}); if its colors stand for classes, name '
        'them in LoadLabelMap(colors=...)'
    )


def _refuse_lossy(path: str, content: bytes) -> None:
    Image.init()
    plugins = ((name, Image.OPEN.get(name)) for name in LOSSY)
    found = [name for name, plugin in plugins if plugin and plugin[1](content[:16])]
    if found:
        raise ValueError(
            f'label map {path}: expected a lossless format, got {found[0]}, which may change class '
            'indices. Write label maps as PNG, TIFF or .npy, from the lossless originals'
        )


def _read_picture(content: bytes, colored: bool) -> StoredLabel | None:
    """Read a file in one of the formats of Pillow; return None if it has another format."""
    plugins = (Image.OPEN[name] for name in PICTURES)
    factory = next((make for make, accept in plugins if accept(content[:16])), None)
    if factory is None:
        return None
    check_header(content)
    # The plugin is called directly, because Image.open has its own limit of 179 million pixels.
    # check_size has one limit for all readers.
    factory(io.BytesIO(content)).verify()  # checks a PNG's checksums, which decoding ignores
    picture = open_picture(factory, content)
    check_size(picture.height, picture.width)
    if getattr(picture, 'is_animated', False):
        raise Refused(f'expected one picture, got {picture.n_frames}')
    wide = has_16_bits(picture, content)
    values = load_values(picture, content)
    if colored and picture.mode in ('1', 'L', 'LA', 'P', 'PA', 'RGB', 'RGBA'):
        if wide:
            raise Refused('expected colors of 8 bits per channel, got 16')
        if picture.getbands()[-1] == 'A':
            check_alpha(np.array(picture.convert('RGBA')))
        return StoredLabel(np.array(picture.convert('RGB')))
    palette = None
    if picture.mode == 'P':
        palette = np.array(picture.getpalette('RGB'), np.uint8).reshape(-1, 3)
    return StoredLabel(values, palette)
