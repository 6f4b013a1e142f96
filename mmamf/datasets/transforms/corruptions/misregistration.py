import numpy as np
from mmengine.registry import TRANSFORMS
from numpy.random import Generator

from .corruption import Corruption

DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))


@TRANSFORMS.register_module()
class Misregistration(Corruption):
    """Shift a modality relative to the others and the label map.

    The direction is drawn for each sample: right, left, down or up. So no direction favors a
    network that shifts feature maps itself. The shift uncovers a border. It has no readings if the
    modality has a ``missing`` value; otherwise the edge of the image is repeated.

    Args:
        modality: The modality that is shifted.
        shift: Distance in px, less than the image's width and height.
        seed: Seed of the directions.

    Raises:
        ValueError: If ``shift`` is negative, is not a whole number, or is not less than the image.
    """

    def __init__(self, modality: str, shift: int, seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.shift = shift
        self._check('shift', shift >= 0 and shift == int(shift), 'shift to be a whole number >= 0')
        self.shift = int(shift)

    def corrupt(self, image: np.ndarray, missing: float | None, rng: Generator) -> np.ndarray:
        """Shift the image in a direction drawn for the sample."""
        height, width = image.shape[:2]
        k = self.shift
        expected = f'a shift less than the image ({height} x {width} px)'
        self._check('shift', k < min(height, width), expected)
        right, down = DIRECTIONS[rng.integers(len(DIRECTIONS))]
        widths = ((k, k), (k, k), (0, 0))[: image.ndim]
        fill = dict(mode='edge') if missing is None else dict(constant_values=missing)
        padded = np.pad(image, widths, **fill)
        top, left = k - down * k, k - right * k
        return padded[top : top + height, left : left + width]
