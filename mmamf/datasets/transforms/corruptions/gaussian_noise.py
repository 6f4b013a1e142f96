import numpy as np
from mmengine.registry import TRANSFORMS

from .corruption import Corruption, keep_readings


@TRANSFORMS.register_module()
class GaussianNoise(Corruption):
    """Add Gaussian noise, independent for each pixel and channel.

    Values are rounded and cut to what the files can hold. Missing readings stay missing.

    Args:
        modality: The modality that is damaged.
        std: Standard deviation in units of the file: gray levels of an 8-bit image, mm of depth
            in mm.
        seed: Another seed gives other noise.

    Raises:
        ValueError: If ``std`` is negative.
    """

    def __init__(self, modality: str, std: float, seed: int = 0) -> None:
        super().__init__(modality, seed)
        if std < 0:
            raise ValueError(f'GaussianNoise: expected std >= 0, got {std}')
        self.std = std

    def corrupt(
        self, image: np.ndarray, missing: float | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Add the noise to every reading."""
        noisy = image + self.std * rng.standard_normal(image.shape)
        return keep_readings(noisy, image, missing)
