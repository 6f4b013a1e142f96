"""Data types of files: those that images have in memory, and how others are read."""

import numpy as np

# OpenCV resizes images of these dtypes, so geometric transforms work on every modality.
DTYPES = ('uint8', 'uint16', 'int16', 'float32', 'float64')
# Files may also hold these dtypes. They are read as the dtype on the right, with unchanged values.
READ_AS = dict(
    bool='uint8', int8='int16', float16='float32', int32='float32', uint32='float32',
    int64='float32', uint64='float32',
)  # fmt: skip


def can_hold(dtype: np.dtype | str, value: float) -> bool:
    """Tell whether a dtype can hold a value."""
    dtype = np.dtype(dtype)
    if dtype.kind == 'f':
        return True
    limits = np.iinfo(dtype)
    return limits.min <= value <= limits.max and value == int(value)
