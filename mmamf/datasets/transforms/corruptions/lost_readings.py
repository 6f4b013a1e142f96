import math

import numpy as np
from mmengine.registry import TRANSFORMS
from numpy.random import Generator

from ..missing_readings import missing_as_nan
from .corruption import Corruption


@TRANSFORMS.register_module()
class LostReadings(Corruption):
    """Lose values of a modality at random, each pixel and channel on its own.

    This is the random-missing modality of `Benchmarking Multi-modal Semantic Segmentation under
    Sensor Failures <https://arxiv.org/abs/2503.18445>`_ (CVPR 2025 workshops). There a lost value
    is 0 in the normalized input. Here it is a missing reading. The data preprocessor replaces it by
    the modality's ``fill``, by default by its mean, which is 0 in the normalized input.

    The values that a small share loses are among those that a larger share loses. The image becomes
    float32, and NaN marks what is missing. So the modality needs no ``missing`` value, and a color
    may lose a single channel.

    Put it directly before packing, because a transform that resizes would enlarge the holes.

    Args:
        modality: The modality that is damaged.
        share: Probability that a value is lost, 0..1.
        seed: Seed of the choice.

    Raises:
        ValueError: If ``share`` is out of range.
    """

    def __init__(self, modality: str, share: float, seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.share = share
        self._check('share', 0 <= share <= 1, '0 <= share <= 1')

    def prepare(self, image: np.ndarray, missing: float | None) -> tuple[np.ndarray, float]:
        """Turn the image into floats, in which NaN marks missing readings."""
        return missing_as_nan(image, missing).astype(np.float32, copy=False), math.nan

    def corrupt(self, image: np.ndarray, missing: float, rng: Generator) -> np.ndarray:
        """Set the lost values to NaN."""
        return np.where(rng.random(image.shape) < self.share, np.float32(missing), image)
