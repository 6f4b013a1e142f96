import zlib
from abc import ABCMeta, abstractmethod

import numpy as np
from mmcv.transforms import BaseTransform


class Corruption(BaseTransform, metaclass=ABCMeta):
    """Damage the image of one modality after loading, and leave the others and the label alone.

    What is random depends on the name of the sample, the modality and the seed, and on nothing
    else: neither on the process that loads it nor on the order of loading. With growing severity
    the pattern stays and its strength grows, so that levels can be compared sample by sample.

    A modality that the sample lacks is left alone.

    Put it right behind :class:`LoadMultimodalImages`, which tells it the value that means "no
    reading": pixels without one stay without, and no corruption takes a reading away but
    :class:`DepthHoles`, :class:`DeadModality` and, by moving them, :class:`Misregistration`.

    Required keys: ``modalities``, ``missing_values`` and ``sample_name``. Changed key: ``img`` or
    ``modality_<name>``.

    Args:
        modality: The modality that is damaged.
        seed: Another seed gives another pattern.

    Shape:
        That of the image, (H, W) or (H, W, C), and its dtype.

    Raises:
        ValueError: If the sample has no such modality, or its files cannot be damaged this way.
    """

    def __init__(self, modality: str, seed: int = 0) -> None:
        self.modality = modality
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """Replace the modality's image by a damaged copy."""
        key = self._key(results)
        if self.modality not in results.get('present', results['modalities']):
            return results
        image = results[key]
        missing = results['missing_values'][self.modality]
        name = f'{self.modality}/{results["sample_name"]}'
        rng = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
        damaged = self.corrupt(image, missing, rng)
        results[key] = _as_stored(damaged, image.dtype)
        return results

    @abstractmethod
    def corrupt(
        self, image: np.ndarray, missing: float | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Return a damaged copy; it is rounded and cut to the image's dtype afterwards.

        Args:
            image: The modality's image, in the units of its file.
            missing: What marks "no reading" in the image: NaN in floats, a value in whole numbers;
                None if there is none.
            rng: Seeded for this sample, modality and seed.
        """

    def _key(self, results: dict) -> str:
        needed = ('modalities', 'missing_values', 'sample_name')
        if any(key not in results for key in needed):
            raise ValueError(
                f'{type(self).__name__}: expected a sample of MultimodalSegDataset, loaded by '
                f'LoadMultimodalImages, got one with the keys {sorted(results)}'
            )
        names = results['modalities']
        if self.modality not in names:
            raise ValueError(
                f'{type(self).__name__}: expected a modality among {names}, got {self.modality!r}'
            )
        return 'img' if self.modality == names[0] else f'modality_{self.modality}'

    def __repr__(self) -> str:
        options = ', '.join(f'{name}={value!r}' for name, value in vars(self).items())
        return f'{type(self).__name__}({options})'


def keep_readings(damaged: np.ndarray, image: np.ndarray, missing: float | None) -> np.ndarray:
    """Restore missing readings, and move readings that came to mean "missing" by one unit.

    Args:
        damaged: In the units of the file, not yet rounded.
        image: The image before.
        missing: What marks "no reading", None if there is none. NaN stays NaN of its own.
    """
    if missing is None or np.isnan(missing):
        return damaged
    damaged = _as_stored(damaged, image.dtype)
    beside = missing + 1 if missing + 1 <= _largest(image.dtype) else missing - 1
    damaged = np.where(damaged == missing, beside, damaged)
    return np.where(image == missing, missing, damaged)


def _largest(dtype: np.dtype) -> float:
    return np.iinfo(dtype).max if dtype.kind in 'iu' else np.inf


def _as_stored(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.kind in 'iu':
        image = image.round().clip(np.iinfo(dtype).min, np.iinfo(dtype).max)
    return image.astype(dtype)
