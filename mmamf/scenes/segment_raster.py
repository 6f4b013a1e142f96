from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
from rich.progress import track

from mmamf.deployment.class_count import IGNORE
from mmamf.whole_file import whole_file

from .check_result import check_result
from .label_raster import LabelRaster
from .open_raster import import_rasterio
from .piece_segmentor import PieceSegmentor
from .raster_scene import RasterScene
from .tile_blender import TileBlender
from .tile_grid import TileGrid
from .usage import Usage

CACHE = 64  # MiB of decoded blocks that GDAL keeps; by default, a share of the computer's memory
TILE = 512  # px
OVERLAP = 8  # default: the tile divided by this number


def segment_raster(
    segmentor: PieceSegmentor,
    files: Mapping[str, str | None],
    result: str | Path,
    tile: int = TILE,
    overlap: int | None = None,
    show_progress: bool = True,
) -> Usage:
    """Segment a raster of any size into a GeoTIFF of class indices, tile by tile.

    Tiles overlap, and their probabilities are blended, see :class:`TileBlender`. Memory does not
    grow with the raster. Pixels in which no modality has a reading get the nodata value 255.

    Args:
        segmentor: Segments the tiles.
        files: Modality -> its TIFF; None if it is absent.
        result: The file to write. It appears when it is complete.
        tile: Side of a tile in px.
        overlap: Overlap of neighboring tiles in px; by default an eighth of the tile.
        show_progress: Whether to show a progress bar.

    Raises:
        FileNotFoundError: If a file does not exist.
        ImportError: If rasterio is not installed.
        ValueError: If the result exists; if the overlap does not fit the tile; if the rasters
            differ in size or position, or a tile does not match its description; if there is no
            reading in the whole scene; if the result cannot be written.
    """
    rasterio = import_rasterio()
    files = segmentor.complete(files)
    check_result(result, files.values())
    with rasterio.Env(GDAL_CACHEMAX=CACHE), RasterScene(files) as scene:
        grid = TileGrid(*scene.shape, tile, tile // OVERLAP if overlap is None else overlap)
        try:
            with whole_file(result) as draft:
                return _write(segmentor, scene, grid, draft, show_progress)
        except OSError as error:
            raise ValueError(f'{result}: the file cannot be written: {error}') from error


def _write(
    segmentor: PieceSegmentor, scene: RasterScene, grid: TileGrid, path: Path, show_progress: bool
) -> Usage:
    usage, model = Usage(), segmentor.segmentor
    any_reading = False
    num_scores = max(2, len(model.classes))
    with (
        closing(TileBlender(grid, num_scores, path.parent)) as blender,
        LabelRaster(path, scene, grid.distance, model.classes, model.palette) as out,
    ):
        predicted = segmentor.scores(map(scene.cut, grid))
        pairs = zip(grid, predicted)
        for tile, (loaded, scores) in track(pairs, 'tiles', len(grid), disable=not show_progress):
            rows, columns, labels = blender.add(tile, scores)
            top, left = rows.start - tile.rows.start, columns.start - tile.columns.start
            height, width = labels.shape
            readings = loaded.readings[top : top + height, left : left + width]
            any_reading |= bool(readings.any())
            out.write(rows, columns, np.where(readings, labels, np.uint8(IGNORE)))
            usage.add(height, width)
    if not any_reading:
        raise ValueError(
            'expected a reading of at least one modality, got only missing values in '
            f'{[file for file in scene.files.values() if file]}'
        )
    return usage
