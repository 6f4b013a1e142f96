from collections.abc import Sequence

import numpy as np
from mmengine.registry import TRANSFORMS
from numpy.random import Generator

from .corruption import Corruption
from .keep_readings import keep_readings


@TRANSFORMS.register_module()
class GaussianNoise(Corruption):
    """Add Gaussian noise, independent for each pixel and channel.

    Values are rounded and clipped to the dtype of the files. Missing readings stay missing.

    Args:
        modality: The modality that is damaged.
        std: Standard deviation in units of the file, such as gray levels of 8-bit images, or mm if
            the files hold depth in mm. A list gives one per channel, in the order of the image:
            blue, green, red in a picture.
        seed: Seed of the noise.

    Raises:
        ValueError: If ``std`` is negative, or the image has another number of channels.
    """

    def __init__(self, modality: str, std: float | Sequence[float], seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.std = std
        self._check('std', np.min(std) >= 0, 'std >= 0')

    def corrupt(self, image: np.ndarray, missing: float | None, rng: Generator) -> np.ndarray:
        """Add the noise to every reading."""
        channels = 1 if image.ndim == 2 else image.shape[2]
        fits = np.ndim(self.std) == 0 or len(self.std) == channels
        self._check('std', fits, f'std to be a number, or {channels} of them, one per channel')
        noisy = image + np.asarray(self.std) * rng.standard_normal(image.shape)
        return keep_readings(noisy, image, missing)
