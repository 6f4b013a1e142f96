"""Memory and time of a scene, beside those of the network."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.dataset import Compose

from mmamf.datasets.transforms.load_multimodal_images import LoadMultimodalImages
from mmamf.scenes.open_raster import open_raster
from mmamf.scenes.piece_segmentor import PieceSegmentor
from mmamf.scenes.segment_raster import segment_raster
from mmamf.scenes.usage import Usage
from mmamf.structures.modality import Modality

ROWS = 256  # that are written at once


class ConstantSegmentor:
    """Stands for a network that takes no time: it gives the same scores to every pixel.

    Args:
        num_classes: Number of classes K.
    """

    def __init__(self, num_classes: int) -> None:
        self.descriptions = dict(rgb=Modality('rgb', channels=3, dtype='uint8'))
        self.modalities = ('rgb',)
        self.classes = tuple(f'class {i}' for i in range(num_classes))
        self.palette = [(i, i, i) for i in range(num_classes)]
        self.pipeline = Compose([LoadMultimodalImages(), lambda sample: dict(inputs=sample['img'])])

    def predict_scores(self, data: Sequence[dict]) -> list[np.ndarray]:
        """Give every class of every pixel the same score."""
        share = np.float32(1 / len(self.classes))
        sizes = [item['inputs'].shape[:2] for item in data]
        return [np.full((len(self.classes), *size), share) for size in sizes]


def measure_raster(side: int, num_classes: int, folder: Path) -> Usage:
    """Write a raster of random bytes, and segment it with a :class:`ConstantSegmentor`.

    Args:
        side: Its height and width in px.
        num_classes: Number of classes.
        folder: Folder for the raster and its result.
    """
    size = dict(height=side, width=side, count=3, dtype='uint8')
    rng = np.random.default_rng(0)
    with open_raster(folder / 'rgb.tif', 'w', tiled=True, bigtiff='if_safer', **size) as file:
        for top in range(0, side, ROWS):
            for left in range(0, side, ROWS):
                height, width = min(ROWS, side - top), min(ROWS, side - left)
                values = rng.integers(1, 256, (3, height, width), np.uint8)
                file.write(values, window=((top, top + height), (left, left + width)))
    segmentor = PieceSegmentor(ConstantSegmentor(num_classes))
    files = dict(rgb=str(folder / 'rgb.tif'))
    return segment_raster(segmentor, files, folder / 'mask.tif', show_progress=False)
