"""Reads one image file of any format that sensors and renderers write."""

import io
import logging
import os
from typing import NamedTuple

import mmcv
import numpy as np
from mmengine import fileio
from mmengine.logging import print_log
from PIL import Image

from .decode_npy import decode_npy
from .image_header import (
    AS_STORED,
    PICTURE,
    MissingCodec,
    Refused,
    check_header,
    exif_orientation,
)
from .stored_values import is_low_gray, read_low_gray

TIFF = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')  # first bytes; the last two are BigTIFF
JPEG_2000 = (b'\0\0\0\x0cjP  ', b'\xff\x4f\xff\x51')

_warned = set()  # (subject, folder) of the warnings in this process


class Raster(NamedTuple):
    """A decoded file.

    Args:
        image: The image.
        nodata: Values that mean "no reading".
        palette: The palette of a TIFF.
        orientation: EXIF or TIFF orientation, which is not applied; 1 is "as stored".
    """

    image: np.ndarray | None
    nodata: tuple[float, ...] = ()
    palette: np.ndarray | None = None
    orientation: int = 1


def read_image(
    path: str, backend_args: dict | None = None, channels: int | None = None
) -> np.ndarray:
    """Read a file with :func:`read_raster` and return only the image."""
    image, _ = read_raster(path, backend_args, channels)
    return image


def read_raster(
    path: str, backend_args: dict | None = None, channels: int | None = None
) -> tuple[np.ndarray, tuple[float, ...]]:
    """Read a PNG, JPEG, TIFF, EXR or ``.npy`` file, or another that OpenCV decodes, in its units.

    Color images come in BGR order, as in mmcv. ``.npy`` arrays and images with a number of channels
    other than 1 or 3 keep the order of the file. The orientation in EXIF or TIFF is ignored, with
    one warning per folder. NaN and infinity stay in the image.

    A TIFF may have any layout: interleaved, planar, tiled, or one page per band. Its values are
    those that tifffile reads.

    Args:
        path: The file, local or of any mmengine file backend. ``.exr`` needs the environment
            variable ``OPENCV_IO_ENABLE_OPENEXR=1``, set before OpenCV is imported.
        backend_args: Arguments of the mmengine file backend.
        channels: Expected number of channels, if known. 1 reads the indices of a TIFF with a
            palette; other numbers read its colors. If it is not 1 or 3, the alpha of a TIFF or PNG
            counts as a channel. 0 reads all channels in the order of the file, also of colors.

    Returns:
        The image, (H, W) or (H, W, C) with C > 1, and the values that mean "no reading" according
        to the file. Only a TIFF names them, in its tag 42113 (GDAL_NODATA).

    Raises:
        FileNotFoundError: If there is no such file.
        MissingCodec: If a compressed TIFF needs imagecodecs, which is not installed. This is a
            ValueError and an ImportError.
        ValueError: If the file is corrupt or truncated, is not an image, is a TIFF with unexpected
            bands, or claims more than 2**28 pixels or 2**31 bytes. The environment variable
            ``OPENCV_IO_MAX_IMAGE_PIXELS`` sets another number of pixels, and 8 bytes for each.
    """
    raster = decode_raster(path, read_content(path, backend_args), channels)
    return raster.image, raster.nodata


def read_content(path: str, backend_args: dict | None = None, kind: str = 'image file') -> bytes:
    """Read a whole file.

    Args:
        path: The file, local or of any mmengine file backend.
        backend_args: Arguments of the mmengine file backend.
        kind: Name of the file's kind in errors.

    Raises:
        FileNotFoundError: If there is no such file, or it is a link that leads nowhere.
        ValueError: If it is empty, is a folder, or cannot be read.
    """
    try:
        content = fileio.get(path, backend_args=backend_args)
    except (FileNotFoundError, NotADirectoryError) as error:
        link = f' (a link to {os.readlink(path)})' if os.path.islink(path) else ''
        raise FileNotFoundError(f'{kind} not found: {path}{link}') from error
    except IsADirectoryError as error:
        raise ValueError(f'{path}: expected a file, got a folder') from error
    except MemoryError as error:
        raise ValueError(f'{path}: expected a file that fits into memory') from error
    except (OSError, ValueError) as error:  # no permission, circular links, a failing disk
        raise ValueError(f'{path!r} cannot be read: {error}') from error
    if not content:
        raise ValueError(
            f'{path} is corrupt or truncated: expected an image, got a file of 0 bytes'
        )
    return content


def decode_raster(
    path: str, content: bytes, channels: int | None = None, lossless: bool = False
) -> Raster:
    """Decode the bytes of a file, see :func:`read_raster`, and the palette of a TIFF.

    Args:
        path: The file, for its suffix and errors.
        content: Its bytes.
        channels: Expected number of channels, if known.
        lossless: Whether to refuse a TIFF whose compression changes values.
    """
    try:
        raster = _decode(path, content, channels, lossless)
    except Refused as error:
        raise type(error)(f'{path}: {error}') from error
    except ImportError as error:
        raise MissingCodec(f'{path}: TIFF files need tifffile: pip install tifffile') from error
    except MemoryError as error:
        raise ValueError(f'{path}: expected an image that fits into memory') from error
    except Exception as error:  # decoders raise many kinds of errors on damaged files
        if 'OPENCV_IO_ENABLE_OPENEXR' in str(error):
            raise ValueError(
                f'{path} is an OpenEXR file: OpenCV reads it only if the environment variable '
                'OPENCV_IO_ENABLE_OPENEXR=1 is set before Python starts'
            ) from error
        said = str(error)
        if not isinstance(error, ValueError | OSError):  # its text alone does not say enough
            said = f'its decoder stopped with {type(error).__name__} ({error})'
        raise ValueError(f'{path} is corrupt or truncated: {said}') from error
    image = raster.image
    if image is None:
        raise ValueError(
            f'{path} is corrupt, truncated or not an image: expected PNG, JPEG, TIFF, EXR or .npy, '
            f'got {len(content)} bytes that OpenCV cannot decode'
        )
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(f'{path}: expected an array (H, W) or (H, W, C), got shape {image.shape}')
    return raster._replace(image=image)


def _decode(path: str, content: bytes, channels: int | None, lossless: bool) -> Raster:
    if content[:2] == b'PK':
        raise Refused('expected one array as np.save writes it (.npy), got an archive of np.savez')
    if path.lower().endswith('.npy'):
        return Raster(decode_npy(content))
    if content[:4] in TIFF:
        return _decode_tiff(path, content, channels, lossless)
    check_header(content)
    orientation = exif_orientation(content)
    if orientation != 1:
        _warn_of_orientation(path, orientation)
    cut = content[:2] == b'\xff\xd8' and b'\xff\xd9' not in content[-64:]
    if cut or content.startswith(JPEG_2000):
        # OpenCV 4.5 reads a JPEG without end marker as half gray, without an error. It ends the
        # process on a damaged JPEG 2000. Pillow raises an error for both, and accepts extra bytes
        # after an intact image.
        Image.open(io.BytesIO(content)).load()
    if is_low_gray(content):
        return Raster(read_low_gray(content), orientation=orientation)
    if channels not in PICTURE:
        return Raster(_decode_bands(content), orientation=orientation)
    image = mmcv.imfrombytes(content, flag=AS_STORED, backend='cv2')
    if channels == 1 and image is not None and _has_gray_alpha(content):
        image = image[..., 0]
    return Raster(image, orientation=orientation)


def _decode_bands(content: bytes) -> np.ndarray | None:
    image = mmcv.imfrombytes(content, flag='unchanged', backend='cv2')
    if image is None or image.ndim == 2:
        return image
    if _has_gray_alpha(content):
        return image[..., [0, 3]]
    return image[..., [2, 1, 0, *range(3, image.shape[2])]]  # from BGR or BGRA


def _has_gray_alpha(content: bytes) -> bool:
    """Tell whether a file is a gray PNG with alpha, which OpenCV turns into colors."""
    return content[:4] == b'\x89PNG' and content[25] == 4


def _decode_tiff(path: str, content: bytes, channels: int | None, lossless: bool) -> Raster:
    from .tiff_content import TiffContent  # here, because tifffile is slow to import

    tiff = TiffContent(content, channels, lossless)
    if tiff.orientation != 1:
        _warn_of_orientation(path, tiff.orientation)
    if tiff.pages_left_out:
        _warn_once(
            path,
            'pages',
            f'{path} has {tiff.pages_left_out + 1} pages; the first is read, the others are not',
        )
    if tiff.nodata and tiff.colored and not lossless:
        _warn_once(
            path,
            'nodata',
            f'{path} calls the index {tiff.nodata[0]:g} of its palette "no data" and is read as '
            'colors. Other indices may have the same color, so pixels of that index count as '
            'readings',
        )
    nodata = () if tiff.colored else tiff.nodata
    return Raster(tiff.image, nodata, tiff.palette, tiff.orientation)


def _warn_of_orientation(path: str, orientation: int) -> None:
    _warn_once(
        path,
        'orientation',
        f'{path} has the orientation {orientation} in its header. It is not applied: every file of '
        'a sample is read as it is stored. If the other files of the sample are upright, turn the '
        'pixels of this one (`mogrify -auto-orient` does that)',
    )


def _warn_once(path: str, kind: str, message: str) -> None:
    folder = os.path.dirname(path)
    if (kind, folder) not in _warned:
        _warned.add((kind, folder))
        print_log(f'{message} (said once for {folder or "."})', 'current', logging.WARNING)
