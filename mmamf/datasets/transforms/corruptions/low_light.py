import numpy as np
from mmengine.registry import TRANSFORMS
from numpy.random import Generator

from .corruption import Corruption
from .keep_readings import keep_readings

GAMMA = 2.2  # relates the light on the sensor to gray levels of a file
WHITE = 255


@TRANSFORMS.register_module()
class LowLight(Corruption):
    """Darken an 8-bit image as if less light fell on the sensor, with shot noise.

    Gray levels become light (gamma 2.2), and light becomes an expected number of electrons. A
    Poisson draw gives the counted electrons, which become gray levels again. The camera's gain is
    not simulated, so the image stays dark. Channels are counted independently.

    Args:
        modality: The modality that is damaged, 8-bit.
        light: Share of the light that is left, above 0. With 1, there is only shot noise.
        electrons: Electrons of a white pixel in full light. Smaller sensors count fewer.
        seed: Seed of the noise.

    Raises:
        ValueError: If an argument is out of range, or the modality is not 8-bit.
    """

    def __init__(self, modality: str, light: float, electrons: float = 1000, seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.light = light
        self.electrons = electrons
        self._check('light', 0 < light <= 1, '0 < light <= 1')
        self._check('electrons', electrons > 0, 'electrons > 0')

    def corrupt(self, image: np.ndarray, missing: float | None, rng: Generator) -> np.ndarray:
        """Count electrons in less light."""
        if image.dtype != np.uint8:
            raise ValueError(
                f'LowLight: expected 8-bit files of {self.modality!r}, got {image.dtype}'
            )
        light = self.light * (image / WHITE) ** GAMMA
        counted = rng.poisson(light * self.electrons) / self.electrons
        return keep_readings(WHITE * counted ** (1 / GAMMA), image, missing)
