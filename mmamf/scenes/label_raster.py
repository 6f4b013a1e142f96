from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from mmamf.deployment.class_count import IGNORE

from .open_raster import open_raster
from .raster_scene import RasterScene


class LabelRaster:
    """Writes class indices as a GeoTIFF, block by block.

    It has the coordinates of the scene (transform, coordinate system, control points, RPCs). It is
    tiled, compressed without loss, and a BigTIFF if it may become larger than 4 GB. Pixels without
    a class have the nodata value 255. The colors of the classes are its color table, and their
    names are tags of its band: ``class_0``, ``class_1`` and so on.

    Use it in a ``with`` block, which completes the file.

    Args:
        path: The file.
        scene: The scene.
        block: Side of the blocks in px, a multiple of 16. Each is compressed once if what is
            written ends at their edges.
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
        source = scene.first
        has_gcps = bool(source.gcps[0])  # then there is no transform
        profile = dict(
            dtype='uint8',
            count=1,
            height=source.height,
            width=source.width,
            nodata=IGNORE,
            tiled=True,
            blockxsize=block,
            blockysize=block,
            compress='deflate',
            bigtiff='if_safer',
        )
        if not has_gcps:
            profile.update(crs=source.crs, transform=source.transform)
        with ExitStack() as stack:
            self._out = stack.enter_context(open_raster(path, 'w', **profile))
            self._opened = stack.pop_all()
        if has_gcps:
            self._out.gcps = source.gcps
        if source.rpcs:
            self._out.rpcs = source.rpcs
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
