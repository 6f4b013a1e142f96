"""Reading one image file of any format that sensors and renderers write."""

import io
import struct

import cv2
import mmcv
import numpy as np
from mmengine import fileio
from PIL import Image

# Keep the file's depth (8, 16 or 32 bits) and its number of channels; alpha is dropped and EXIF
# orientation is applied, as mmcv's color_type='color' does.
AS_STORED = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR
PICTURE = (None, 1, 3)  # channels of what OpenCV reads well
BYTE_ORDER = {b'II*\0': '<', b'MM\0*': '>', b'II+\0': '<', b'MM\0+': '>'}  # of TIFF, of BigTIFF


class _Bands(ValueError):
    """A whole file with other bands than expected."""


def read_image(
    path: str, backend_args: dict | None = None, channels: int | None = None
) -> np.ndarray:
    """Read a PNG, JPEG, TIFF, EXR or ``.npy`` file, or what else OpenCV decodes, in its own units.

    NaN and infinity are left to the caller. Color images come in BGR order, as mmcv reads them; ``.npy`` arrays as they were saved, and
    bands, which are other than 1 or 3 channels, in the order of the file.

    Args:
        path: The file, local or of any mmengine file backend. ``.exr`` needs the environment
            variable ``OPENCV_IO_ENABLE_OPENEXR=1``, set before OpenCV is imported.
        backend_args: Arguments of the mmengine file backend.
        channels: How many are expected, if that is known. For other than 1 and 3, TIFF files are
            read by tifffile, interleaved, planar or a page per band, and the alpha of a PNG is a
            band.

    Shape:
        (H, W), or (H, W, C) with C > 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If tifffile, or imagecodecs for a compressed TIFF, is needed and not installed.
        ValueError: If the file is corrupt or truncated, is no image, or is a TIFF with more
            bands than OpenCV would read.
    """
    try:
        content = fileio.get(path, backend_args=backend_args)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'image file not found: {path}') from error
    try:
        image = _decode(path, content, channels)
    except _Bands as error:
        raise ValueError(f'{path}: {error}') from error
    except (cv2.error, OSError, SyntaxError, ValueError, struct.error) as error:
        if 'OPENCV_IO_ENABLE_OPENEXR' in str(error):
            raise ValueError(
                f'{path} is an OpenEXR file, which OpenCV reads only if the environment variable '
                'OPENCV_IO_ENABLE_OPENEXR=1 is set before Python starts'
            ) from error
        raise ValueError(f'{path} is corrupt or truncated: {error}') from error
    if image is None:
        raise ValueError(
            f'{path} is corrupt, truncated or not an image: expected PNG, JPEG, TIFF, EXR or .npy, '
            f'got {len(content)} bytes that OpenCV cannot decode'
        )
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.ndim not in (2, 3):
        raise ValueError(f'{path}: expected an array (H, W) or (H, W, C), got shape {image.shape}')
    return image


def read_raster(
    path: str, backend_args: dict | None = None, channels: int | None = None
) -> tuple[np.ndarray, tuple[float, ...]]:
    """Read an image as :func:`read_image` does, and the values that its file calls "no reading".

    The values are those of a TIFF's tag 42113 (GDAL_NODATA); other files name none.
    """
    return read_image(path, backend_args, channels), ()


def _decode(path: str, content: bytes, channels: int | None) -> np.ndarray | None:
    if path.lower().endswith('.npy'):
        return np.load(io.BytesIO(content), allow_pickle=False)
    if content[:2] == b'\xff\xd8' and b'\xff\xd9' not in content[-64:]:
        # A JPEG without its end marker, which OpenCV 4.5 returns half gray without a word. Pillow
        # raises if it is truncated, and accepts other bytes behind a whole image.
        Image.open(io.BytesIO(content)).load()
    is_tiff = content[:4] in BYTE_ORDER
    if channels not in PICTURE:
        return _decode_tiff(path, content) if is_tiff else _decode_bands(content)
    bands, alpha = _count_bands(content) if is_tiff else (1, 0)
    if alpha and bands in PICTURE:  # OpenCV would multiply the colors by alpha
        return _decode_tiff(path, content)[..., bands - 1 :: -1]
    image = mmcv.imfrombytes(content, flag=AS_STORED, backend='cv2')
    if bands > 1 and (image is None or bands > 3 or image.ndim == 2):
        raise _Bands(f'expected {channels or "1 or 3"} channel(s), got a TIFF of {bands} bands')
    return image


def _decode_bands(content: bytes) -> np.ndarray | None:
    image = mmcv.imfrombytes(content, flag='unchanged', backend='cv2')
    if image is None or image.shape[2:] != (4,):
        return image
    return image[..., [2, 1, 0, 3]]  # BGRA


def _decode_tiff(path: str, content: bytes) -> np.ndarray:
    try:
        import tifffile  # here, because few need it
    except ImportError as error:
        raise ImportError(
            'tifffile is needed for TIFF files with alpha, or other than 1 or 3 bands: '
            'pip install tifffile'
        ) from error
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        series = file.series[0]  # overviews come behind it
        try:
            image, axes = series.asarray(), series.axes
        except ValueError as error:
            if 'imagecodecs' not in str(error):
                raise
            raise ImportError(f'{path}: {error}: pip install imagecodecs') from error
    if image.ndim > 3 or not {'Y', 'X'} <= set(axes):
        raise _Bands(f'expected the axes of rows, pixels and bands, got {axes} {image.shape}')
    order = [i for i, axis in enumerate(axes) if axis not in 'YX']
    return np.ascontiguousarray(image.transpose(axes.index('Y'), axes.index('X'), *order))


def _count_bands(content: bytes) -> tuple[int, int]:
    """Read how many bands besides alpha a TIFF has, and how many of alpha.

    One and none if it does not say.
    """
    order, big = BYTE_ORDER[content[:4]], b'+' in content[2:4]
    place, offset, number, field = (8, 'Q', 'Q', 'HHQH') if big else (4, 'I', 'H', 'HHIH')
    size = 20 if big else 12  # of an entry
    if len(content) < 16:
        return 1, 0
    (start,) = struct.unpack_from(order + offset, content, place)
    first = start + struct.calcsize(order + number)
    if first > len(content):
        return 1, 0
    (count,) = struct.unpack_from(order + number, content, start)
    bands, alpha = 1, 0
    for entry in range(first, min(first + size * count, len(content) - size + 1), size):
        tag, _, length, value = struct.unpack_from(order + field, content, entry)
        if tag == 277:  # SamplesPerPixel
            bands = value
        elif tag == 338 and length == 1:  # ExtraSamples: one, alpha if it is 1 or 2
            alpha = int(value in (1, 2))
    return bands - alpha, alpha
