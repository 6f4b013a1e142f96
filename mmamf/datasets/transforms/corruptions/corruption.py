import zlib
from abc import ABCMeta, abstractmethod

import numpy as np
from mmcv.transforms import BaseTransform
from numpy.random import Generator

from ..load_multimodal_images import image_key, is_present, make_absent
from ..missing_readings import find_missing
from .keep_readings import as_stored


class Corruption(BaseTransform, metaclass=ABCMeta):
    """Damage the image of one modality after loading. Other images and the label stay as they are.

    The random numbers depend only on the sample name, the modality and the seed. The process and
    the order of loading do not matter. Higher severity makes the same pattern stronger, so levels
    can be compared sample by sample. An absent modality stays as it is. An ``optional`` modality
    becomes absent if no reading is left, as when such a file is loaded.

    Put a corruption directly after :class:`LoadMultimodalImages`, which passes on the value that
    means "no reading"; the place of :class:`LostReadings` is another one. Missing readings stay
    missing. Only :class:`DepthHoles`, :class:`LostReadings` and :class:`DeadModality` remove
    readings; :class:`Misregistration` shifts some out of the image.

    Required keys: ``modalities``, ``missing_values`` and ``sample_name``. Changed key: ``img`` or
    ``modality_<name>``; :class:`LostReadings` also changes ``missing_values``.

    Args:
        modality: The modality that is damaged.
        seed: Seed of the pattern.

    Shape:
        (H, W) or (H, W, C), like the image. The dtype stays, too, except in :class:`LostReadings`.

    Raises:
        ValueError: If the sample has no such modality, or its files cannot be damaged this way.
    """

    def __init__(self, modality: str, seed: int = 0) -> None:
        self.modality = modality
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """Replace the modality's image by a damaged copy."""
        if not results.keys() >= {'modalities', 'missing_values', 'sample_name'}:
            raise ValueError(
                f'{type(self).__name__}: expected a sample of MultimodalSegDataset, loaded by '
                f'LoadMultimodalImages, got one with the keys {sorted(results)}'
            )
        if self.modality not in results['modalities']:
            raise ValueError(
                f'{type(self).__name__}: expected a modality among {results["modalities"]}, got '
                f'{self.modality!r}'
            )
        if is_present(results, self.modality):
            key = image_key(results, self.modality)
            name = f'{self.modality}/{results["sample_name"]}'
            rng = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
            markers = results['missing_values']
            image, missing = self.prepare(results[key], markers[self.modality])
            results[key] = as_stored(self.corrupt(image, missing, rng), image.dtype)
            results['missing_values'] = {**markers, self.modality: missing}
            is_optional = self.modality in results.get('optional', ())
            if is_optional and missing is not None and find_missing(results[key], [missing]).all():
                make_absent(results, self.modality)
        return results

    def prepare(self, image: np.ndarray, missing: float | None) -> tuple[np.ndarray, float | None]:
        """Return the image and its marker in the form that is damaged; here they stay as they are.

        Args:
            image: The modality's image, in the units of its file.
            missing: See :meth:`corrupt`.
        """
        return image, missing

    @abstractmethod
    def corrupt(self, image: np.ndarray, missing: float | None, rng: Generator) -> np.ndarray:
        """Return a damaged copy. The caller rounds and clips it to the image's dtype.

        Args:
            image: The modality's image, in the units of its file.
            missing: Marker of "no reading" in the image: NaN for floats, a number for integers,
                None if there is no marker.
            rng: Generator seeded by the sample, modality and seed.
        """

    def _check(self, argument: str, right: bool, expected: str) -> None:
        if not right:
            got = getattr(self, argument)
            raise ValueError(f'{type(self).__name__}: expected {expected}, got {got!r}')

    def __repr__(self) -> str:
        options = ', '.join(f'{name}={value!r}' for name, value in vars(self).items())
        return f'{type(self).__name__}({options})'
