from collections.abc import Sequence

import numpy as np
from mmengine.registry import TRANSFORMS
from numpy.random import Generator

from .corruption import Corruption


@TRANSFORMS.register_module()
class DeadModality(Corruption):
    """Replace a modality's whole image by one value, or by noise that is independent of the scene.

    In training this is the control "a second modality without information". A sample keeps its
    noise from epoch to epoch. Give the training and validation data sets different seeds, because
    their samples may have the same names.

    Args:
        modality: The modality that is dead.
        fill: One value for every pixel and channel, in units of the file. Or a pair (low, high) for
            uniform noise, low <= v < high, independent for each pixel and channel.
        seed: Seed of the noise.

    Raises:
        ValueError: If ``fill`` is not a value or such a pair, or the files cannot hold it.
    """

    def __init__(self, modality: str, fill: float | Sequence[float] = 0, seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.fill = fill
        bounds = np.asarray(fill, dtype=float)
        is_pair = bounds.shape == (2,) and bounds[0] < bounds[1]
        expected = 'fill to be a value or a pair (low, high) with low < high'
        self._check('fill', is_pair or not bounds.ndim, expected)

    def corrupt(self, image: np.ndarray, missing: float | None, rng: Generator) -> np.ndarray:
        """Return a dead image of the same shape."""
        if image.dtype.kind in 'iu':
            bounds, info = np.asarray(self.fill), np.iinfo(image.dtype)
            inside = bounds.min() >= info.min and bounds.max() <= info.max + bounds.ndim
            expected = f'fill in {info.min}..{info.max}, as in the files of {self.modality!r}'
            self._check('fill', inside, expected)
        if np.ndim(self.fill) == 0:
            return np.full(image.shape, self.fill, dtype=float)
        low, high = self.fill
        noise = rng.uniform(low, high, image.shape)
        return np.floor(noise) if image.dtype.kind in 'iu' else noise
