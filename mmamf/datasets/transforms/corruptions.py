"""Corruptions of one modality for robustness tests: a base class and one class per corruption."""

import zlib
from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS
from numpy.random import Generator

from .load_multimodal_images import image_key, is_present, make_absent
from .missing_readings import find_missing

GAMMA = 2.2  # relates the light on the sensor to gray levels of a file
WHITE = 255
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))


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
            results[key] = _as_stored(self.corrupt(image, missing, rng), image.dtype)
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


@TRANSFORMS.register_module()
class DeadModality(Corruption):
    """Replace a modality's whole image by one value, or by noise that is independent of the scene.

    In training this is the control "a second modality without information". A sample keeps its
    noise from epoch to epoch. Give the training and validation data sets different seeds, because
    their samples may have the same names.

    Args:
        modality: The modality that is dead.
        fill: One value for every pixel and channel, in units of the file. Or a pair (low, high) for
            uniform noise, low <= v < high, independent for each pixel and channel.
        seed: Seed of the noise.

    Raises:
        ValueError: If ``fill`` is not a value or such a pair, or the files cannot hold it.
    """

    def __init__(self, modality: str, fill: float | Sequence[float] = 0, seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.fill = fill
        bounds = np.asarray(fill, dtype=float)
        is_pair = bounds.shape == (2,) and bounds[0] < bounds[1]
        expected = 'fill to be a value or a pair (low, high) with low < high'
        self._check('fill', is_pair or not bounds.ndim, expected)

    def corrupt(self, image: np.ndarray, missing: float | None, rng: Generator) -> np.ndarray:
        """Return a dead image of the same shape."""
        if image.dtype.kind in 'iu':
            bounds, info = np.asarray(self.fill), np.iinfo(image.dtype)
            inside = bounds.min() >= info.min and bounds.max() <= info.max + bounds.ndim
            expected = f'fill in {info.min}..{info.max}, as in the files of {self.modality!r}'
            self._check('fill', inside, expected)
        if np.ndim(self.fill) == 0:
            return np.full(image.shape, self.fill, dtype=float)
        low, high = self.fill
        noise = rng.uniform(low, high, image.shape)
        return np.floor(noise) if image.dtype.kind in 'iu' else noise


@TRANSFORMS.register_module()
class DepthHoles(Corruption):
    """Remove the readings in blobs that cover a given share of the image.

    The blobs are the highest round(area * H * W) pixels of a smooth random field. So the holes of a
    smaller area lie within the holes of a larger one. Pixels that were missing before count like
    all others.

    Args:
        modality: The modality that is damaged. If it is not float, it needs a ``missing`` value.
        area: Share of the image, 0..1.
        size: Width of the blobs, given as the standard deviation of the smoothing divided by the
            shorter side.
        seed: Seed of the holes.

    Raises:
        ValueError: If an argument is out of range, or an integer modality has no ``missing`` value.
    """

    def __init__(self, modality: str, area: float, size: float = 0.04, seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.area = area
        self.size = size
        self._check('area', 0 <= area <= 1, '0 <= area <= 1')
        self._check('size', 0 < size <= 1, '0 < size <= 1')

    def corrupt(self, image: np.ndarray, missing: float | None, rng: Generator) -> np.ndarray:
        """Set the pixels of the blobs to the missing value."""
        if missing is None and image.dtype.kind == 'f':
            missing = np.nan
        if missing is None:
            raise ValueError(
                f'DepthHoles: expected a `missing` value in the description of {self.modality!r}, '
                f'got none for its {image.dtype} image'
            )
        height, width = image.shape[:2]
        field = rng.standard_normal((height, width))
        field = cv2.GaussianBlur(field, (0, 0), self.size * min(height, width))
        holes = field.argsort(axis=None)[field.size - round(self.area * field.size) :]
        damaged = image.copy()
        # (H, W) or (H, W, C) -> (H * W,) or (H * W, C), a view
        damaged.reshape(height * width, *image.shape[2:])[holes] = missing
        return damaged


@TRANSFORMS.register_module()
class GaussianNoise(Corruption):
    """Add Gaussian noise, independent for each pixel and channel.

    Values are rounded and clipped to the dtype of the files. Missing readings stay missing.

    Args:
        modality: The modality that is damaged.
        std: Standard deviation in units of the file, such as gray levels of 8-bit images, or mm if
            the files hold depth in mm. A list gives one per channel, in the order of the image:
            blue, green, red in a picture.
        seed: Seed of the noise.

    Raises:
        ValueError: If ``std`` is negative, or the image has another number of channels.
    """

    def __init__(self, modality: str, std: float | Sequence[float], seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.std = std
        self._check('std', np.min(std) >= 0, 'std >= 0')

    def corrupt(self, image: np.ndarray, missing: float | None, rng: Generator) -> np.ndarray:
        """Add the noise to every reading."""
        channels = 1 if image.ndim == 2 else image.shape[2]
        fits = np.ndim(self.std) == 0 or len(self.std) == channels
        self._check('std', fits, f'std to be a number, or {channels} of them, one per channel')
        noisy = image + np.asarray(self.std) * rng.standard_normal(image.shape)
        return keep_readings(noisy, image, missing)


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


def keep_readings(damaged: np.ndarray, image: np.ndarray, missing: float | None) -> np.ndarray:
    """Restore missing readings. A reading that became the missing value moves by one unit.

    Args:
        damaged: The damaged image in units of the file, not yet rounded.
        image: The image before.
        missing: Marker of "no reading"; None if there is none. NaN needs no restoring.
    """
    if missing is None or np.isnan(missing):
        return damaged
    damaged = _as_stored(damaged, image.dtype)
    largest = np.iinfo(image.dtype).max if image.dtype.kind in 'iu' else np.inf
    beside = missing + 1 if missing + 1 <= largest else missing - 1
    damaged = np.where(damaged == missing, beside, damaged)
    return np.where(image == missing, missing, damaged)


def _as_stored(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.kind in 'iu':
        image = image.round().clip(np.iinfo(dtype).min, np.iinfo(dtype).max)
    return image.astype(dtype)
