"""Scenes that are larger than memory: rasters by tiles, volumes by slices, videos by frames.

A reader (:class:`RasterScene`, :class:`Volume`, :class:`Video`) gives the pieces one by one, each
with the images of all modalities. :class:`PieceSegmentor` segments them. A writer
(:class:`LabelRaster`, :class:`UncertaintyRaster`, :class:`LabelVolume`,
:class:`PaintedVideo`) writes each result at once.
"""

from .label_raster import LabelRaster
from .label_volume import LabelVolume
from .painted_video import PaintedVideo
from .piece import LoadedPiece, Piece
from .piece_segmentor import PieceSegmentor
from .raster_scene import RasterScene
from .segment_raster import segment_raster
from .segment_video import segment_video
from .segment_volume import segment_volume
from .segment_watched import segment_watched
from .tile_blender import TileBlender
from .tile_grid import Tile, TileGrid
from .uncertainty_raster import UncertaintyRaster
from .usage import Usage
from .video import Video
from .volume import Volume
from .watched_folder import WatchedFolder

__all__ = [
    'LabelRaster',
    'LabelVolume',
    'LoadedPiece',
    'PaintedVideo',
    'Piece',
    'PieceSegmentor',
    'RasterScene',
    'Tile',
    'TileBlender',
    'TileGrid',
    'UncertaintyRaster',
    'Usage',
    'Video',
    'Volume',
    'WatchedFolder',
    'segment_raster',
    'segment_video',
    'segment_volume',
    'segment_watched',
]
