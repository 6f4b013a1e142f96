"""Reading one image file of any format that sensors and renderers write."""

import io
import logging
import os
from typing import NamedTuple

import cv2
import mmcv
import numpy as np
from mmengine.logging import print_log
from numpy.lib import format as npy
from PIL import Image

from .file_content import read_content
from .image_header import MissingCodec, Refused, check_header, exif_orientation
from .stored_values import is_low_gray, read_low_gray

# Keep the file's depth (8, 16 or 32 bits) and its number of channels, drop alpha, and leave every
# pixel where it is stored, as in all other files of a sample.
AS_STORED = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
PICTURE = (None, 1, 3)  # channels of what OpenCV reads well
ARRAY = 'expected one array as np.save writes it (.npy)'
NUMBERS = 'buifc'  # kinds of dtypes of .npy; not objects, texts, records and dates
TIFF = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')  # how it starts; the last two: BigTIFF
JPEG_2000 = (b'\0\0\0\x0cjP  ', b'\xff\x4f\xff\x51')

_warned = set()  # what was warned of in this process, and in which folder


class Raster(NamedTuple):
    """A decoded file: its image, the values in it that mean "no reading", a TIFF's palette."""

    image: np.ndarray | None
    nodata: tuple[float, ...] = ()
    palette: np.ndarray | None = None


def read_image(
    path: str, backend_args: dict | None = None, channels: int | None = None
) -> np.ndarray:
    """Read the image of a file as :func:`read_raster` does."""
    image, _ = read_raster(path, backend_args, channels)
    return image


def read_raster(
    path: str, backend_args: dict | None = None, channels: int | None = None
) -> tuple[np.ndarray, tuple[float, ...]]:
    """Read a PNG, JPEG, TIFF, EXR or ``.npy`` file, or what else OpenCV decodes, in its own units.

    Color images come in BGR order, as mmcv reads them; ``.npy`` arrays as they were saved, and
    bands, which are other than 1 or 3 channels, in the order of the file. Pixels come as they are
    stored: a file that asks to be turned (EXIF or TIFF orientation) is not, and a warning says so
    once per folder. NaN and infinity are left to the caller.

    TIFF files have the values that tifffile reads, whatever their layout: interleaved, planar,
    tiled, or a page per band.

    Args:
        path: The file, local or of any mmengine file backend. ``.exr`` needs the environment
            variable ``OPENCV_IO_ENABLE_OPENEXR=1``, set before OpenCV is imported.
        backend_args: Arguments of the mmengine file backend.
        channels: How many are expected, if that is known. For other than 1 and 3, the alpha of a
            TIFF or PNG is a band. With 1, a TIFF with a palette gives its indices, else colors. 0
            stands for all bands that there are, in the order of the file, colors as well.

    Returns:
        The image, (H, W) or (H, W, C) with C > 1, and the values that the file itself calls "no
        reading": those of a TIFF's tag 42113 (GDAL_NODATA); other files name none.

    Raises:
        FileNotFoundError: If there is no such file.
        MissingCodec: If imagecodecs is needed for a compressed TIFF and not installed. This is a
            ValueError and an ImportError.
        ValueError: If the file is corrupt or truncated, is no image, is a TIFF with other bands
            than expected, or claims more than 2**28 pixels or 8 bytes for each of them. The
            environment variable ``OPENCV_IO_MAX_IMAGE_PIXELS`` sets another number of pixels.
    """
    image, nodata, _ = decode_raster(path, read_content(path, backend_args), channels)
    return image, nodata


def decode_raster(
    path: str, content: bytes, channels: int | None = None, lossless: bool = False
) -> Raster:
    """Decode the bytes of a file as :func:`read_raster` does, and a TIFF's palette.

    Args:
        path: The file, for its suffix and errors.
        content: Its bytes.
        channels: How many are expected, if that is known.
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
    except Exception as error:  # the decoders raise almost anything on damaged files
        if 'OPENCV_IO_ENABLE_OPENEXR' in str(error):
            raise ValueError(
                f'{path} is an OpenEXR file, which OpenCV reads only if the environment variable '
                'OPENCV_IO_ENABLE_OPENEXR=1 is set before Python starts'
            ) from error
        said = str(error)
        if not isinstance(error, ValueError | OSError):  # no words for people
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
    if path.lower().endswith('.npy'):
        return Raster(decode_npy(content))
    if content[:4] == b'PK\3\4':
        raise Refused(f'{ARRAY}, got an archive, as np.savez writes')
    if content[:4] in TIFF:
        return _decode_tiff(path, content, channels, lossless)
    check_header(content)
    orientation = exif_orientation(content)
    if orientation != 1:
        _warn_of_orientation(path, orientation)
    cut = content[:2] == b'\xff\xd8' and b'\xff\xd9' not in content[-64:]
    if cut or content.startswith(JPEG_2000):
        # A JPEG without its end marker, which OpenCV 4.5 returns half gray without a word, or a
        # JPEG 2000, on which OpenCV ends the process if it is damaged. Pillow raises, and accepts
        # other bytes behind a whole image.
        Image.open(io.BytesIO(content)).load()
    if is_low_gray(content):
        return Raster(read_low_gray(content))
    if channels not in PICTURE:
        return Raster(_decode_bands(content))
    image = mmcv.imfrombytes(content, flag=AS_STORED, backend='cv2')
    if channels == 1 and image is not None and _has_gray_alpha(content):
        image = image[..., 0]
    return Raster(image)


def _decode_bands(content: bytes) -> np.ndarray | None:
    image = mmcv.imfrombytes(content, flag='unchanged', backend='cv2')
    if image is None or image.ndim == 2:
        return image
    if _has_gray_alpha(content):
        return image[..., [0, 3]]
    return image[..., [2, 1, 0, *range(3, image.shape[2])]]  # from BGR or BGRA


def _has_gray_alpha(content: bytes) -> bool:
    """Tell whether a file is a PNG of gray and alpha, which OpenCV turns into colors."""
    return content[:4] == b'\x89PNG' and content[25] == 4


def decode_npy(content: bytes) -> np.ndarray:
    """Decode what :func:`numpy.save` wrote, of the machine's byte order.

    The array is never larger than the file, whatever the header claims.

    Raises:
        ValueError: If it is no array of numbers.
        Exception: Almost anything, if the header is damaged.
    """
    if content[:2] == b'PK':
        raise Refused(f'{ARRAY}, got an archive, as np.savez writes')
    stream = io.BytesIO(content)
    version = npy.read_magic(stream)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in read_header:  # 3.0 is for records with names in Unicode
        raise ValueError(f'expected version 1.0 or 2.0 of the format, got {version}')
    shape, fortran_order, dtype = read_header[version](stream)
    if dtype.kind not in NUMBERS:
        raise ValueError(f'expected an array of numbers, got the dtype {dtype}')
    if any(side < 1 for side in shape):
        raise Refused(f'expected an array (H, W) or (H, W, C), got shape {shape}')
    values = np.frombuffer(content, dtype, int(np.prod(shape, dtype=object)), stream.tell())
    array = values.reshape(shape, order='F' if fortran_order else 'C')
    # a copy, which may be written to
    return np.array(array, dtype.newbyteorder('='), order='C')


def _decode_tiff(path: str, content: bytes, channels: int | None, lossless: bool) -> Raster:
    from .tiff_content import TiffContent  # here, as tifffile takes long to import and few need it

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
            'colors, in which that index cannot be told: its pixels are readings',
        )
    return Raster(tiff.image, () if tiff.colored else tiff.nodata, tiff.palette)


def _warn_of_orientation(path: str, orientation: int) -> None:
    _warn_once(
        path,
        'orientation',
        f'{path} has the orientation {orientation} in its header, which is not applied: every file '
        'of a sample is read as it is stored. If the other files of the sample are upright, turn '
        'the pixels of this one (`mogrify -auto-orient` does)',
    )


def _warn_once(path: str, kind: str, message: str) -> None:
    folder = os.path.dirname(path)
    if (kind, folder) not in _warned:
        _warned.add((kind, folder))
        print_log(f'{message} (said once for {folder or "."})', 'current', logging.WARNING)
