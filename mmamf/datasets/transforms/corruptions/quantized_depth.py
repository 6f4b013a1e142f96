import numpy as np
from mmengine.registry import TRANSFORMS

from .corruption import Corruption, keep_readings


@TRANSFORMS.register_module()
class QuantizedDepth(Corruption):
    """Round readings to steps, as a sensor or a codec with few levels does.

    A reading becomes the middle of its step, floor(v / step) * step + step / 2 (rounded down in
    files of whole numbers): it is at most half a step off, and near readings do not become 0. The
    step is the same at all distances; that of a stereo sensor grows with the square of the
    distance. Missing readings stay missing.

    Args:
        modality: The modality that is damaged.
        step: In units of the file, e.g. mm of depth in mm.

    Raises:
        ValueError: If ``step`` is not positive.
    """

    def __init__(self, modality: str, step: float) -> None:
        super().__init__(modality)
        if step <= 0:
            raise ValueError(f'QuantizedDepth: expected step > 0, got {step}')
        self.step = step

    def corrupt(
        self, image: np.ndarray, missing: float | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Replace each reading by the middle of its step."""
        half = self.step // 2 if image.dtype.kind in 'iu' else self.step / 2
        middles = np.floor(image / self.step) * self.step + half
        return keep_readings(middles, image, missing)
