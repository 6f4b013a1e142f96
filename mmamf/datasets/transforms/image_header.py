"""Reads and checks the header of an image file before it is decoded."""

import os
import re
import struct

import cv2
from PIL import Image

# Keep the file's depth (8, 16 or 32 bits) and its number of channels, and drop alpha. Ignore the
# orientation, so that the pixels of all files of a sample stay registered.
AS_STORED = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
PICTURE = (None, 1, 3)  # expected numbers of channels that mean gray or color, without alpha

# OpenCV's own limit has the same name.
LIMIT_VARIABLE = 'OPENCV_IO_MAX_IMAGE_PIXELS'
MAX_PIXELS = int(os.environ.get(LIMIT_VARIABLE, 2**28))  # 16384 x 16384
MAX_BYTES = 8 * MAX_PIXELS  # of all bands
ORIENTATION = 274  # number of the tag, the same in EXIF and TIFF

# Where the header has width and height: as numbers of 4 bytes, or as text.
BINARY_SIZES = (
    (re.compile(rb'\x89PNG\r\n\x1a\n.{8}(.{8})', re.DOTALL), '>II'),
    (re.compile(rb'BM.{16}(.{8})', re.DOTALL), '<ii'),  # negative height: rows from the top
    (re.compile(rb'\x59\xa6\x6a\x95(.{8})', re.DOTALL), '>II'),  # Sun raster
)
TEXT_SIZES = (
    re.compile(rb'P[1-6Ff]\s(?:\s*#[^\n]*\n)*\s*(?P<width>\d+)\s+(?:#[^\n]*\n)*(?P<height>\d+)'),
    re.compile(rb'P7.{0,1000}?WIDTH (?P<width>\d+)\s+HEIGHT (?P<height>\d+)', re.DOTALL),
    re.compile(rb'#\?R.{0,1000}?-Y (?P<height>\d+) \+X (?P<width>\d+)', re.DOTALL),  # Radiance
)
EXR_SIZE = re.compile(rb'\x76\x2f\x31\x01.{0,4000}?dataWindow\0box2i\0.{4}(.{16})', re.DOTALL)
# JPEG markers that hold the size: all "start of frame" markers.
JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
# Most that one byte of a file can hold: 1032 bytes in Deflate, 8 blocks of 64 pixels in JPEG. A
# header that claims more is wrong.
DEFLATE, JPEG_PIXELS = 1032, 512
PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # color type -> samples per pixel
# EXIF starts after these marks plus some bytes: 4 in PNG for the chunk's name, 8 in WebP for its
# name and length.
EXIF_MARKS = {b'\xff\xd8': (b'Exif\0\0', 0), b'\x89P': (b'eXIf', 4), b'RI': (b'EXIF', 8)}
ENDS = 2**17  # bytes at the start and end of a file, where EXIF is; it has 64 KiB at most


class Refused(ValueError):
    """Raised for a file that may be intact, but is not what was expected."""


class MissingCodec(Refused, ImportError):
    """Raised for a file that needs a package that is not installed."""


def declared_size(content: bytes) -> tuple[int, int] | None:
    """Return the (height, width) in a file's header; None if its format is not known here."""
    if content[:2] == b'\xff\xd8':
        return _jpeg_size(content)
    for pattern, layout in BINARY_SIZES:
        if found := pattern.match(content):
            width, height = struct.unpack(layout, found[1])
            return abs(height), width
    for pattern in TEXT_SIZES:
        if found := pattern.match(content):
            return int(found['height']), int(found['width'])
    if found := EXR_SIZE.match(content):
        left, top, right, bottom = struct.unpack('<4i', found[1])
        return bottom - top + 1, right - left + 1
    return None


def check_header(content: bytes) -> None:
    """Refuse a file whose header claims more pixels than it can hold.

    TIFF and NumPy files are checked elsewhere.

    Raises:
        Refused: If the image is larger than allowed.
        ValueError: If the file is too short for so many pixels.
    """
    size = declared_size(content)
    if size is None:
        return
    check_size(*size)
    if content[:2] == b'\xff\xd8':
        most = len(content) * JPEG_PIXELS
    elif content[:2] == b'\x89P':
        _check_chunks(content)
        bits = content[24] * PNG_SAMPLES.get(content[25], 1)
        most = len(content) * DEFLATE * 8 // max(bits, 1)
    else:
        return
    if size[0] * size[1] > most:
        raise ValueError(
            f'its header claims {size[1]} x {size[0]} pixels, more than {len(content)} bytes hold'
        )


def check_size(height: int, width: int, bytes_per_pixel: int = 1) -> None:
    """Refuse an image that needs more memory than allowed.

    Raises:
        Refused: If it has more than ``MAX_PIXELS``, or takes more than ``MAX_BYTES``.
    """
    pixels = height * width
    if pixels > MAX_PIXELS or pixels * bytes_per_pixel > MAX_BYTES:
        raise Refused(
            f'expected at most {MAX_PIXELS} pixels and {MAX_BYTES} bytes, got a header that claims '
            f'{width} x {height} pixels of {bytes_per_pixel} byte(s) or more. If that is right, '
            f'cut the image into tiles, or set the environment variable {LIMIT_VARIABLE} before '
            'Python starts'
        )


def exif_orientation(content: bytes) -> int:
    """Return the EXIF orientation of a JPEG, PNG or WebP file; 1 if it has none.

    1 is "as stored", 2 to 8 are turned or mirrored. Only the ends of a file are searched.
    """
    mark, skipped = EXIF_MARKS.get(content[:2], (None, 0))
    if mark is None:
        return 1
    start = content.find(mark, 0, ENDS)
    if start < 0:
        start = content.find(mark, max(len(content) - ENDS, ENDS - len(mark)))
    if start < 0:
        return 1
    exif = Image.Exif()
    try:
        exif.load(content[start + skipped : start + skipped + 2**16])
        orientation = exif.get(ORIENTATION, 1)
    except Exception:  # damaged EXIF data are ignored
        return 1
    return orientation if orientation in range(1, 9) else 1


def _check_chunks(content: bytes) -> None:
    """Check the chunks of a PNG, because OpenCV allocates as much memory as a length claims."""
    place, name = 8, b''
    while name != b'IEND':
        if place + 12 > len(content):
            raise ValueError(f'expected the chunk IEND, got the end of the file behind {name!r}')
        length, name = struct.unpack_from('>I4s', content, place)
        place += 12 + length


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(content):
        if content[place] != 0xFF:
            return None
        marker = content[place + 1]
        if marker in JPEG_FRAMES:
            return struct.unpack_from('>HH', content, place + 5)
        if marker == 0xFF:  # a fill byte
            place += 1
        else:
            place += 2 + struct.unpack_from('>H', content, place + 2)[0]
    return None
