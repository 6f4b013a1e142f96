from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from mmamf.deployment.class_count import IGNORE

from .create_raster import create_raster
from .raster_scene import RasterScene


class LabelRaster:
    """Writes class indices as a GeoTIFF, block by block.

    It has the coordinates of the scene, see :func:`create_raster`. Pixels without a class have the
    nodata value 255. The colors of the classes are its color table, and their names are tags of its
    band: ``class_0``, ``class_1`` and so on.

    Use it in a ``with`` block, which completes the file.

    Args:
        path: The file.
        scene: The scene.
        block: Side of the blocks in px, see :func:`create_raster`.
        classes: Names of the classes.
        palette: RGB color of every class.
    """

    def __init__(
        self,
        path: str | Path,
        scene: RasterScene,
        block: int,
        classes: Sequence[str],
        palette: Sequence[Sequence[int]],
    ) -> None:
        with ExitStack() as stack:
            raster = create_raster(path, scene, block, dtype='uint8', nodata=IGNORE)
            self._out = stack.enter_context(raster)
            self._opened = stack.pop_all()
        self._out.write_colormap(1, {i: (*color, 255) for i, color in enumerate(palette)})
        self._out.update_tags(1, **{f'class_{i}': name for i, name in enumerate(classes)})

    def __enter__(self) -> 'LabelRaster':
        return self

    def __exit__(self, *_) -> None:
        self._opened.close()

    def write(self, rows: slice, columns: slice, labels: np.ndarray) -> None:
        """Write class indices into some rows and columns.

        Shape:
            - labels: (number of rows, number of columns), uint8.
        """
        self._out.write(labels, 1, window=((rows.start, rows.stop), (columns.start, columns.stop)))
