import numpy as np
from mmengine.registry import TRANSFORMS

from .corruption import Corruption

DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))


@TRANSFORMS.register_module()
class Misregistration(Corruption):
    """Shift a modality against the others and the label map.

    Right, left, down or up, drawn for each sample, so that no direction can suit a network that
    shifts feature maps itself. The rim that the shift uncovers has no readings if the modality has
    a ``missing`` value; otherwise the image's edge is repeated.

    Args:
        modality: The modality that is shifted.
        shift: Distance in px, less than the image's width and height.
        seed: Another seed gives other directions.

    Raises:
        ValueError: If ``shift`` is negative or not less than the image.
    """

    def __init__(self, modality: str, shift: int, seed: int = 0) -> None:
        super().__init__(modality, seed)
        if shift < 0 or shift != int(shift):
            raise ValueError(f'Misregistration: expected a whole number >= 0, got shift={shift}')
        self.shift = int(shift)

    def corrupt(
        self, image: np.ndarray, missing: float | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Shift the image in a direction drawn for the sample."""
        height, width = image.shape[:2]
        k = self.shift
        if k >= min(height, width):
            raise ValueError(
                f'Misregistration: expected a shift less than the image ({height} x {width} px), '
                f'got {k}'
            )
        right, down = DIRECTIONS[rng.integers(len(DIRECTIONS))]
        widths = ((k, k), (k, k), (0, 0))[: image.ndim]
        fill = dict(mode='edge') if missing is None else dict(constant_values=missing)
        padded = np.pad(image, widths, **fill)
        top, left = k - down * k, k - right * k
        return padded[top : top + height, left : left + width]
