import cv2
import numpy as np
from mmengine.registry import TRANSFORMS
from numpy.random import Generator

from .corruption import Corruption


@TRANSFORMS.register_module()
class DepthHoles(Corruption):
    """Remove the readings in blobs that cover a given share of the image.

    The blobs are the highest round(area * H * W) pixels of a smooth random field. So the holes of a
    smaller area lie within the holes of a larger one. Pixels that were missing before count like
    all others.

    Args:
        modality: The modality that is damaged. If it is not float, it needs a ``missing`` value.
        area: Share of the image, 0..1.
        size: Width of the blobs, given as the standard deviation of the smoothing divided by the
            shorter side.
        seed: Seed of the holes.

    Raises:
        ValueError: If an argument is out of range, or an integer modality has no ``missing`` value.
    """

    def __init__(self, modality: str, area: float, size: float = 0.04, seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.area = area
        self.size = size
        self._check('area', 0 <= area <= 1, '0 <= area <= 1')
        self._check('size', 0 < size <= 1, '0 < size <= 1')

    def corrupt(self, image: np.ndarray, missing: float | None, rng: Generator) -> np.ndarray:
        """Set the pixels of the blobs to the missing value."""
        if missing is None and image.dtype.kind == 'f':
            missing = np.nan
        if missing is None:
            raise ValueError(
                f'DepthHoles: expected a `missing` value in the description of {self.modality!r}, '
                f'got none for its {image.dtype} image'
            )
        height, width = image.shape[:2]
        field = rng.standard_normal((height, width))
        field = cv2.GaussianBlur(field, (0, 0), self.size * min(height, width))
        holes = field.argsort(axis=None)[field.size - round(self.area * field.size) :]
        damaged = image.copy()
        # (H, W) or (H, W, C) -> (H * W,) or (H * W, C), a view
        damaged.reshape(height * width, *image.shape[2:])[holes] = missing
        return damaged
