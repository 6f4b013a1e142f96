from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
from rich.progress import track

from mmamf.apis.uncertainty_files import DISAGREEMENT, ENTROPY, PROBABILITY, entropy
from mmamf.deployment.class_count import IGNORE
from mmamf.whole_file import whole_file

from .check_result import check_result
from .label_raster import LabelRaster
from .open_raster import import_rasterio
from .piece_segmentor import PieceSegmentor
from .raster_scene import RasterScene
from .tile_blender import TileBlender
from .tile_grid import TileGrid
from .uncertainty_raster import UncertaintyRaster
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
    uncertainty: Mapping[str, str | Path] | None = None,
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
        uncertainty: Also writes maps that say how sure the prediction is: 'probability', 'entropy'
            and 'disagreement' -> the GeoTIFF to write, see :class:`UncertaintyRaster`. Probability
            and entropy are those of the blended scores; the disagreement of the tiles is blended.

    Raises:
        FileNotFoundError: If a file does not exist.
        ImportError: If rasterio is not installed.
        ValueError: If a result exists; if the overlap does not fit the tile; if the rasters
            differ in size or position, or a tile does not match its description; if there is no
            reading in the whole scene; if the result cannot be written.
    """
    rasterio = import_rasterio()
    files = segmentor.complete(files)
    uncertainty = uncertainty or {}
    for path in (result, *uncertainty.values()):
        check_result(path, files.values())
    with rasterio.Env(GDAL_CACHEMAX=CACHE), RasterScene(files) as scene:
        grid = TileGrid(*scene.shape, tile, tile // OVERLAP if overlap is None else overlap)
        try:
            with ExitStack() as drafts:
                draft = drafts.enter_context(whole_file(result))
                maps = {
                    name: drafts.enter_context(whole_file(path))
                    for name, path in uncertainty.items()
                }
                return _write(segmentor, scene, grid, draft, maps, show_progress)
        except OSError as error:
            raise ValueError(f'{result}: the file cannot be written: {error}') from error


def _write(
    segmentor: PieceSegmentor,
    scene: RasterScene,
    grid: TileGrid,
    path: Path,
    maps: Mapping[str, Path],
    show_progress: bool,
) -> Usage:
    usage, model = Usage(), segmentor.segmentor
    any_reading = False
    num_classes = max(2, len(model.classes))
    predict = segmentor.scores_and_disagreement if maps else segmentor.scores
    with (
        closing(TileBlender(grid, num_classes + bool(maps), path.parent)) as blender,
        LabelRaster(path, scene, grid.distance, model.classes, model.palette) as out,
        ExitStack() as opened,
    ):
        rasters = {
            name: opened.enter_context(UncertaintyRaster(place, scene, grid.distance))
            for name, place in maps.items()
        }
        pairs = zip(grid, predict(map(scene.cut, grid)))
        for tile, (loaded, scores) in track(pairs, 'tiles', len(grid), disable=not show_progress):
            rows, columns, blended = blender.add(tile, scores)
            labels = blended[:num_classes].argmax(0).astype(np.uint8)  # (K, h, w) -> (h, w)
            top, left = rows.start - tile.rows.start, columns.start - tile.columns.start
            height, width = labels.shape
            readings = loaded.readings[top : top + height, left : left + width]
            any_reading |= bool(readings.any())
            out.write(rows, columns, np.where(readings, labels, np.uint8(IGNORE)))
            if maps:
                found = _uncertainty(blended, model.threshold)
                for name, raster in rasters.items():
                    raster.write(rows, columns, found[name], readings)
            usage.add(height, width)
            del scores, blended  # the next tile needs the memory
    if not any_reading:
        raise ValueError(
            'expected a reading of at least one modality, got only missing values in '
            f'{[file for file in scene.files.values() if file]}'
        )
    return usage


def _uncertainty(blended: np.ndarray, threshold: float | None) -> dict[str, np.ndarray]:
    """Compute the maps from scores and disagreement, (K + 1, h, w)."""
    *_, last, disagreement = blended
    chances = blended[:-1] if threshold is None else np.stack([1 - last, last])
    return {
        PROBABILITY: chances.max(0),
        ENTROPY: entropy(chances),
        DISAGREEMENT: disagreement,
    }
