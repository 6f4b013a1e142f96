import numpy as np
from mmengine.registry import TRANSFORMS
from numpy.random import Generator

from .corruption import Corruption
from .keep_readings import keep_readings


@TRANSFORMS.register_module()
class QuantizedDepth(Corruption):
    """Round readings to steps, like a sensor or a codec with few levels.

    A reading becomes the middle of its step, floor(v / step) * step + step / 2; integer files round
    step / 2 down. So the error is at most half a step, and near readings do not become 0. The step
    is the same at all distances. The step of a stereo sensor grows with the square of the distance.
    Missing readings stay missing.

    Args:
        modality: The modality that is damaged.
        step: Size of a step in units of the file, such as mm.

    Raises:
        ValueError: If ``step`` is not positive.
    """

    def __init__(self, modality: str, step: float) -> None:
        super().__init__(modality)
        self.step = step
        self._check('step', step > 0, 'step > 0')

    def corrupt(self, image: np.ndarray, missing: float | None, rng: Generator) -> np.ndarray:
        """Replace each reading by the middle of its step."""
        half = self.step // 2 if image.dtype.kind in 'iu' else self.step / 2
        middles = np.floor(image / self.step) * self.step + half
        return keep_readings(middles, image, missing)
