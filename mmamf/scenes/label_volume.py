import gzip
from pathlib import Path

import numpy as np


class LabelVolume:
    """Writes class indices as a NIfTI file, slice by slice.

    The header is that of the source: affine, spacing, units and orientation stay. Only the dtype
    becomes uint8, without scale and offset.

    Use it in a ``with`` block, which completes the file.

    Args:
        path: The file.
        header: Header of the source.
        shape: Number of voxels along the three axes.
        compressed: Whether to compress it with gzip.
    """

    def __init__(
        self, path: str | Path, header, shape: tuple[int, int, int], compressed: bool
    ) -> None:
        header = header.copy()
        header.extensions.clear()  # they may describe the source's values
        header.set_data_dtype(np.uint8)
        header.set_data_shape(shape)
        header.set_slope_inter(1, 0)
        header['cal_min'] = header['cal_max'] = 0
        header['vox_offset'] = 0  # nibabel sets it
        self._file = (gzip.open if compressed else open)(path, 'wb')
        header.write_to(self._file)
        self._file.write(bytes(int(header['vox_offset']) - self._file.tell()))

    def __enter__(self) -> 'LabelVolume':
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def write(self, labels: np.ndarray) -> None:
        """Write the next slice.

        Shape:
            - labels: (H, W), uint8.
        """
        self._file.write(labels.tobytes('F'))  # the first axis varies fastest
