"""Decodes the arrays that numpy saves."""

import io

import numpy as np
from numpy.lib import format as npy

from .image_header import Refused

NUMBERS = 'buifc'  # allowed kinds of .npy dtypes; objects, texts, records and dates are not


def decode_npy(content: bytes) -> np.ndarray:
    """Decode a file of :func:`numpy.save` into an array with the machine's byte order.

    The array is never larger than the file, whatever the header claims.

    Raises:
        ValueError: If it is not an array of numbers.
        Exception: Of many kinds, if the header is damaged.
    """
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
    # a copy, because it must be writable
    return np.array(array, dtype.newbyteorder('='), order='C')
