"""What the first bytes of an image file say, before anything is decoded."""

import os
import re
import struct

from PIL import Image

# OpenCV has a limit of its own by this name.
LIMIT_VARIABLE = 'OPENCV_IO_MAX_IMAGE_PIXELS'
MAX_PIXELS = int(os.environ.get(LIMIT_VARIABLE, 2**28))  # 16384 x 16384
MAX_BYTES = 8 * MAX_PIXELS  # of all bands
ORIENTATION = 274  # the tag's number, in EXIF as in TIFF

# Where files tell their width and height: as numbers of 4 bytes, or as text.
BINARY_SIZES = (
    (re.compile(rb'\x89PNG\r\n\x1a\n.{8}(.{8})', re.DOTALL), '>II'),
    (re.compile(rb'BM.{16}(.{8})', re.DOTALL), '<ii'),  # a negative height: from the top
    (re.compile(rb'\x59\xa6\x6a\x95(.{8})', re.DOTALL), '>II'),  # Sun raster
)
TEXT_SIZES = (
    re.compile(rb'P[1-6Ff]\s(?:\s*#[^\n]*\n)*\s*(?P<width>\d+)\s+(?:#[^\n]*\n)*(?P<height>\d+)'),
    re.compile(rb'P7.{0,1000}?WIDTH (?P<width>\d+)\s+HEIGHT (?P<height>\d+)', re.DOTALL),
    re.compile(rb'#\?R.{0,1000}?-Y (?P<height>\d+) \+X (?P<width>\d+)', re.DOTALL),  # Radiance
)
EXR_SIZE = re.compile(rb'\x76\x2f\x31\x01.{0,4000}?dataWindow\0box2i\0.{4}(.{16})', re.DOTALL)
# Markers of JPEG that hold the size: all of "start of frame".
JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
# Compression has its limits: deflate makes of 1032 bytes one at least, and JPEG spends a bit on the
# 64 pixels of a block. A header that claims more lies.
DEFLATE, JPEG_PIXELS = 1032, 512
PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by the type of color
# Where EXIF starts, in JPEG, PNG (behind the chunk's name) and WebP (behind its length, too).
EXIF_MARKS = {b'\xff\xd8': (b'Exif\0\0', 0), b'\x89P': (b'eXIf', 4), b'RI': (b'EXIF', 8)}


class Refused(ValueError):
    """A file that may be whole, but is not what was expected."""


class MissingCodec(Refused, ImportError):
    """A file that a package would read which is not installed."""


def declared_size(content: bytes) -> tuple[int, int] | None:
    """Return the (height, width) that a file claims, None if it is of no kind known here."""
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
    """Refuse a file, none of TIFF and NumPy, whose header claims more than it can hold.

    Raises:
        Refused: If the image is larger than is allowed.
        ValueError: If so many pixels do not fit into the file.
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
    """Refuse an image that would take more memory than is allowed.

    Raises:
        Refused: If it has more than ``MAX_PIXELS``, or takes more than ``MAX_BYTES``.
    """
    pixels = height * width
    if pixels > MAX_PIXELS or pixels * bytes_per_pixel > MAX_BYTES:
        raise Refused(
            f'expected at most {MAX_PIXELS} pixels and {MAX_BYTES} bytes, got a header that claims '
            f'{width} x {height} pixels of {bytes_per_pixel} byte(s) or more; if that is right, '
            f'cut the image into tiles, or set the environment variable {LIMIT_VARIABLE} before '
            'Python starts'
        )


def exif_orientation(content: bytes) -> int:
    """Return the orientation that EXIF data of a JPEG, PNG or WebP file tell, 1 if there are none.

    1 is "as stored", 2 to 8 are turned or mirrored.
    """
    mark, skipped = EXIF_MARKS.get(content[:2], (None, 0))
    start = content.find(mark) if mark else -1
    if start < 0:
        return 1
    exif = Image.Exif()
    try:
        exif.load(content[start + skipped : start + skipped + 2**16])
        orientation = exif.get(ORIENTATION, 1)
    except Exception:  # damaged; nobody needs them
        return 1
    return orientation if orientation in range(1, 9) else 1


def _check_chunks(content: bytes) -> None:
    """Follow the chunks of a PNG: OpenCV takes as much memory as the first length says."""
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
        if marker == 0xFF:  # a byte that fills
            place += 1
        else:
            place += 2 + struct.unpack_from('>H', content, place + 2)[0]
    return None
