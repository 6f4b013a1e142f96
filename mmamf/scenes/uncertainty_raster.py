from contextlib import ExitStack
from pathlib import Path

import numpy as np

from .create_raster import create_raster
from .raster_scene import RasterScene

FULL, NODATA = 65534, 65535  # the pixel value that means 1, and the one that means no reading


class UncertaintyRaster:
    """Writes one map of values from 0 to 1 as a 16-bit GeoTIFF, block by block.

    The band's scale, 1 / 65534, is in the file, so that programs which know it show values from 0
    to 1. Pixels without a reading have the nodata value 65535.

    Use it in a ``with`` block, which completes the file.

    Args:
        path: The file.
        scene: The scene.
        block: Side of the blocks in px, see :func:`create_raster`.
    """

    def __init__(self, path: str | Path, scene: RasterScene, block: int) -> None:
        with ExitStack() as stack:
            raster = create_raster(path, scene, block, dtype='uint16', nodata=NODATA)
            self._out = stack.enter_context(raster)
            self._opened = stack.pop_all()
        self._out.scales = [1 / FULL]

    def __enter__(self) -> 'UncertaintyRaster':
        return self

    def __exit__(self, *_) -> None:
        self._opened.close()

    def write(self, rows: slice, columns: slice, values: np.ndarray, readings: np.ndarray) -> None:
        """Write values into some rows and columns.

        Args:
            rows: The rows.
            columns: The columns.
            values: The values; what lies beyond 0 and 1 by rounding is cut.
            readings: Where there is a reading.

        Shape:
            - values, readings: (number of rows, number of columns).
        """
        pixels = (values.clip(0, 1) * FULL).round().astype(np.uint16)
        window = ((rows.start, rows.stop), (columns.start, columns.stop))
        self._out.write(np.where(readings, pixels, np.uint16(NODATA)), 1, window=window)
