from collections.abc import Sequence

import numpy as np
from mmengine.registry import TRANSFORMS

from .corruption import Corruption


@TRANSFORMS.register_module()
class DeadModality(Corruption):
    """Replace a modality's whole image by one value, or by noise that knows nothing of the scene.

    In training this makes the control "a second modality without information": a sample keeps its
    noise from epoch to epoch. Give the data sets of training and validation different seeds then,
    for their samples may have the same names.

    Args:
        modality: The modality that is dead.
        fill: A value in units of the file, for every pixel and channel; or a pair (low, high):
            noise, uniform in low <= v < high, independent for each pixel and channel.
        seed: Another seed gives other noise.

    Raises:
        ValueError: If ``fill`` is neither, or the files cannot hold it.
    """

    def __init__(self, modality: str, fill: float | Sequence[float] = 0, seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.fill = fill
        bounds = np.asarray(fill, dtype=float)
        if bounds.shape not in ((), (2,)) or (bounds.ndim and bounds[0] >= bounds[1]):
            raise ValueError(
                f'DeadModality: expected fill to be a value or a pair (low, high) with low < high, '
                f'got {fill!r}'
            )

    def corrupt(
        self, image: np.ndarray, missing: float | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Return an image of the same shape, whatever was in it."""
        if image.dtype.kind in 'iu':
            bounds, info = np.asarray(self.fill), np.iinfo(image.dtype)
            if bounds.min() < info.min or bounds.max() > info.max + bounds.ndim:
                raise ValueError(
                    f'DeadModality: expected fill within {info.min}..{info.max}, which the files '
                    f'of {self.modality!r} hold, got {self.fill!r}'
                )
        if np.ndim(self.fill) == 0:
            return np.full(image.shape, self.fill, dtype=float)
        low, high = self.fill
        noise = rng.uniform(low, high, image.shape)
        return np.floor(noise) if image.dtype.kind in 'iu' else noise
