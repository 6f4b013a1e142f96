import numpy as np
from mmengine.registry import TRANSFORMS
from numpy.random import Generator

from ..missing_readings import find_missing
from .corruption import Corruption
from .keep_readings import keep_readings


@TRANSFORMS.register_module()
class SaltAndPepper(Corruption):
    """Replace values of a modality at random by its largest or its smallest one.

    Each pixel and channel is drawn on its own. Half of the replaced values get the largest reading
    of the image (salt), the other half the smallest (pepper). Missing readings stay missing.

    This is a part of the noise of `Benchmarking Multi-modal Semantic Segmentation under Sensor
    Failures <https://arxiv.org/abs/2503.18445>`_ (CVPR 2025 workshops). There the largest and the
    smallest value are those of a batch; here they are those of the image, so the result does not
    depend on the batch.

    Args:
        modality: The modality that is damaged.
        share: Probability that a value is replaced, 0..1.
        seed: Seed of the noise.

    Raises:
        ValueError: If ``share`` is out of range.
    """

    def __init__(self, modality: str, share: float, seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.share = share
        self._check('share', 0 <= share <= 1, '0 <= share <= 1')

    def corrupt(self, image: np.ndarray, missing: float | None, rng: Generator) -> np.ndarray:
        """Replace readings by extremes."""
        draws = rng.random(image.shape)
        holes = find_missing(image, () if missing is None else (missing,))
        if holes.all():
            return image
        readings = image[~holes]
        noisy = np.where(draws < self.share / 2, readings.min(), image)
        noisy = np.where(draws >= 1 - self.share / 2, readings.max(), noisy)
        return keep_readings(np.where(holes, image, noisy), image, missing)
