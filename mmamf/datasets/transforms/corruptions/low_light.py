import numpy as np
from mmengine.registry import TRANSFORMS

from .corruption import Corruption, keep_readings

GAMMA = 2.2  # from the light on the sensor to gray levels of a file
WHITE = 255


@TRANSFORMS.register_module()
class LowLight(Corruption):
    """Darken an 8-bit image as if less light had fallen on the sensor, with its shot noise.

    Gray levels are turned into light (gamma 2.2), the light into electrons of which the sensor
    counts a Poisson number, and the count back into gray levels. Nothing brightens the image again:
    what a camera's gain would do is not part of it. Colors are counted independently.

    Args:
        modality: The modality that is damaged, 8-bit.
        light: Share of the light that is left, above 0; 1 leaves the shot noise only.
        electrons: Electrons of a white pixel in full light. Fewer mean a smaller or worse sensor.
        seed: Another seed gives other noise.

    Raises:
        ValueError: If an argument is out of range, or the modality is not 8-bit.
    """

    def __init__(self, modality: str, light: float, electrons: float = 1000, seed: int = 0) -> None:
        super().__init__(modality, seed)
        if not 0 < light <= 1:
            raise ValueError(f'LowLight: expected 0 < light <= 1, got {light}')
        if electrons <= 0:
            raise ValueError(f'LowLight: expected electrons > 0, got {electrons}')
        self.light = light
        self.electrons = electrons

    def corrupt(
        self, image: np.ndarray, missing: float | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Count electrons in less light."""
        if image.dtype != np.uint8:
            raise ValueError(
                f'LowLight: expected 8-bit files of {self.modality!r}, got {image.dtype}'
            )
        light = self.light * (image / WHITE) ** GAMMA
        counted = rng.poisson(light * self.electrons) / self.electrons
        return keep_readings(WHITE * counted ** (1 / GAMMA), image, missing)
