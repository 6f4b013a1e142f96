"""Names the format of an image file from its first bytes."""

FIRST_BYTES = (
    (b'\x89PNG', 'PNG'),
    (b'\xff\xd8', 'JPEG'),
    (b'II*\0', 'TIFF'),
    (b'MM\0*', 'TIFF'),
    (b'II+\0', 'TIFF'),  # BigTIFF
    (b'MM\0+', 'TIFF'),
    (b'\x93NUMPY', 'NPY'),
    (b'\x76\x2f\x31\x01', 'EXR'),
    (b'BM', 'BMP'),
    (b'GIF8', 'GIF'),
    (b'\0\0\0\x0cjP  ', 'JPEG2000'),
    (b'\xff\x4f\xff\x51', 'JPEG2000'),
    (b'#?R', 'HDR'),
)
LOSSY = ('JPEG', 'JPEG2000', 'WEBP', 'AVIF')  # they may change class indices


def find_format(content: bytes) -> str:
    """Name a file's format, such as 'PNG'; 'unknown' if it is none of the usual ones.

    Args:
        content: The bytes of the file.
    """
    if content[:4] == b'RIFF' and content[8:12] == b'WEBP':
        return 'WEBP'
    if content[4:12] in (b'ftypavif', b'ftypavis'):
        return 'AVIF'
    if content[:1] == b'P' and content[1:2] in b'1234567' and content[2:3].isspace():
        return 'PNM'
    return next((name for start, name in FIRST_BYTES if content.startswith(start)), 'unknown')
