import cv2
import numpy as np
from mmengine.registry import TRANSFORMS

from .corruption import Corruption


@TRANSFORMS.register_module()
class DepthHoles(Corruption):
    """Take away the readings in blobs that cover a given share of the image.

    The blobs are where a smooth random field is highest, so that exactly round(area * H * W) pixels
    lie in them, and the holes of a smaller area lie within those of a larger one. Readings that
    were missing before count as any other pixel.

    Args:
        modality: The modality that is damaged; it must have a ``missing`` value, or floats.
        area: Share of the image, 0..1.
        size: Width of the blobs: standard deviation of the smoothing as a share of the shorter
            side.
        seed: Another seed gives other holes.

    Raises:
        ValueError: If an argument is out of range, or a modality of whole numbers has no
            ``missing`` value.
    """

    def __init__(self, modality: str, area: float, size: float = 0.04, seed: int = 0) -> None:
        super().__init__(modality, seed)
        if not 0 <= area <= 1:
            raise ValueError(f'DepthHoles: expected 0 <= area <= 1, got {area}')
        if not 0 < size <= 1:
            raise ValueError(f'DepthHoles: expected 0 < size <= 1, got {size}')
        self.area = area
        self.size = size

    def corrupt(
        self, image: np.ndarray, missing: float | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Set the pixels of the blobs to the missing value."""
        if missing is None and image.dtype.kind == 'f':
            missing = np.nan
        if missing is None:
            raise ValueError(
                f'DepthHoles: expected a `missing` value of {self.modality!r} in '
                'LoadMultimodalImages, got none'
            )
        height, width = image.shape[:2]
        field = rng.standard_normal((height, width))
        field = cv2.GaussianBlur(field, (0, 0), self.size * min(height, width))
        holes = field.argsort(axis=None)[field.size - round(self.area * field.size) :]
        damaged = image.copy()
        # (H, W) or (H, W, C) -> (H * W,) or (H * W, C), a view
        damaged.reshape(height * width, *image.shape[2:])[holes] = missing
        return damaged
