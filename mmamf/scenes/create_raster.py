from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .open_raster import open_raster
from .raster_scene import RasterScene


@contextmanager
def create_raster(path: str | Path, scene: RasterScene, block: int, **profile) -> Iterator:
    """Create a GeoTIFF with the size and coordinates of a scene.

    Coordinates are transform, coordinate system, control points and RPCs. The file is tiled,
    compressed without loss, and a BigTIFF if it may become larger than 4 GB.

    Args:
        path: The file.
        scene: The scene.
        block: Side of the blocks in px, a multiple of 16. Each is compressed once if what is
            written ends at their edges.
        **profile: Further arguments of ``rasterio.open``.
    """
    source = scene.first
    has_gcps = bool(source.gcps[0])  # then there is no transform
    if not has_gcps:
        profile.update(crs=source.crs, transform=source.transform)
    layout = dict(tiled=True, blockxsize=block, blockysize=block)
    size = dict(height=source.height, width=source.width, count=1)
    compression = dict(compress='deflate', bigtiff='if_safer')
    with open_raster(path, 'w', **size, **layout, **compression, **profile) as raster:
        if has_gcps:
            raster.gcps = source.gcps
        if source.rpcs:
            raster.rpcs = source.rpcs
        yield raster
