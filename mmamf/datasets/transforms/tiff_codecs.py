"""Replaces two decoders of imagecodecs, which tifffile needs, if it is not installed.

imagecodecs is large. Most TIFF files need at most two of its codecs: LZW, which GDAL and OpenCV
write, and the predictor of floating-point values.
"""

import struct

import cv2
import numpy as np
from tifffile import tifffile

MAX_SIDE = 2**20  # longest side of an image that OpenCV reads
SHORT, LONG = 3, 4  # types of TIFF tags
LZW, MIN_IS_BLACK = 5, 1


def install() -> None:
    """Give tifffile the decoders that it lacks."""
    codecs = tifffile.imagecodecs  # imagecodecs, or tifffile's replacement without these decoders
    for decoder in (lzw_decode, floatpred_decode):
        if not hasattr(codecs, decoder.__name__):
            setattr(codecs, decoder.__name__, decoder)
    # tifffile warns of every file with the usual -3.4028234663852886e+38, which we read ourselves.
    tifffile.logger().addFilter(lambda record: 'GDAL_NODATA' not in record.getMessage())


def find_lacking(page: tifffile.TiffPage) -> str | None:
    """Name the codec that a page needs and that is not available; None if nothing is lacking.

    Raises:
        ValueError: If the page names a compression or predictor that does not exist.
    """
    for kinds, codecs, number in (
        (tifffile.COMPRESSION, tifffile.TIFF.DECOMPRESSORS, page.compression),
        (tifffile.PREDICTOR, tifffile.TIFF.UNPREDICTORS, page.predictor),
    ):
        if number not in codecs:
            return f'the {kinds.__name__.lower()} {kinds(number).name}'
    own = tifffile.imagecodecs.lzw_decode is lzw_decode
    packed = page.bitspersample not in (8, 16, 32, 64, 128)
    if own and packed and (page.bitspersample != 1 or page.compression == LZW):
        return f'{page.compression.name} of {page.bitspersample} bit(s) per sample'
    return None


def lzw_decode(data: bytes, out: int) -> bytes:
    """Decode one strip or tile with OpenCV, which reads it from a small gray TIFF around it.

    Args:
        data: The encoded bytes.
        out: Number of decoded bytes.

    Raises:
        ValueError: If OpenCV cannot decode them.
    """
    # any shape with this number of bytes works
    height = next(rows for rows in range(-(-out // MAX_SIDE), out + 1) if out % rows == 0)
    tags = [
        (256, LONG, out // height),  # ImageWidth
        (257, LONG, height),  # ImageLength
        (258, SHORT, 8),  # BitsPerSample
        (259, SHORT, LZW),  # Compression
        (262, SHORT, MIN_IS_BLACK),  # PhotometricInterpretation
        (273, LONG, 8),  # StripOffsets: after the header
        (278, LONG, height),  # RowsPerStrip
        (279, LONG, len(data)),  # StripByteCounts
    ]
    content = struct.pack('<2sHI', b'II', 42, 8 + len(data)) + data
    content += struct.pack('<H', len(tags))
    content += b''.join(struct.pack('<HHII', tag, kind, 1, value) for tag, kind, value in tags)
    content += struct.pack('<I', 0)  # no further page
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError(f'expected LZW data of {out} bytes, got {len(data)} that are damaged')
    return image.tobytes()


def floatpred_decode(data: np.ndarray, axis: int, out: np.ndarray) -> np.ndarray:
    """Undo the predictor of floating-point values (TIFF Technical Note 3).

    Each row holds the first bytes of all values, then the second bytes, and so on. Each byte is
    stored as the difference from the byte one step before it, in the same band.

    Args:
        data: The decompressed bytes, in the dtype of the result.
        axis: Axis of the pixels of a row. It is -2, before the bands.
        out: Not used.

    Shape:
        (..., W, C), as in ``data``.
    """
    *rows, width, bands = data.shape
    size = data.dtype.itemsize
    steps = np.ascontiguousarray(data).view(np.uint8).reshape(*rows, size * width, bands)
    planes = steps.cumsum(axis=-2, dtype=np.uint8).reshape(*rows, size, width, bands)
    values = np.ascontiguousarray(np.moveaxis(planes, -3, -1))  # (..., W, C, bytes)
    return values.view(data.dtype.newbyteorder('>'))[..., 0].astype(data.dtype)
