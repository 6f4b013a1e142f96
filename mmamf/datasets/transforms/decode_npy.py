import io

import numpy as np
from numpy.lib import format as npy

from .image_header import Refused

NUMBERS = 'buifc'  # kinds of dtypes; not objects, texts, records and dates


def decode_npy(content: bytes) -> np.ndarray:
    """Decode what :func:`numpy.save` wrote, of the machine's byte order.

    The array is never larger than the file, whatever the header claims.

    Raises:
        ValueError: If it is no array of numbers.
        Exception: Almost anything, if the header is damaged.
    """
    if content[:2] == b'PK':
        raise Refused('expected one array as np.save writes it, got an archive of np.savez')
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
