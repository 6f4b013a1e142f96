"""Damages of one modality, for tests of robustness: a base class and one class for each kind."""

import zlib
from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

GAMMA = 2.2  # from the light on the sensor to gray levels of a file
WHITE = 255
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))


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


@TRANSFORMS.register_module()
class DeadModality(Corruption):
    """Replace a modality's whole image by one value, or by noise that knows nothing of the scene.

    In training this makes the control "a second modality without information": a sample keeps its
    noise from epoch to epoch. Give the data sets of training and validation different seeds then,
    for their samples may have the same names.

    Args:
        modality: The modality that is dead.
        fill: A value in units of the file, for every pixel and channel; or a pair (low, high):
            noise, uniform in low <= v < high, independent for each pixel and channel.
        seed: Another seed gives other noise.

    Raises:
        ValueError: If ``fill`` is neither, or the files cannot hold it.
    """

    def __init__(self, modality: str, fill: float | Sequence[float] = 0, seed: int = 0) -> None:
        super().__init__(modality, seed)
        self.fill = fill
        bounds = np.asarray(fill, dtype=float)
        if bounds.shape not in ((), (2,)) or (bounds.ndim and bounds[0] >= bounds[1]):
            raise ValueError(
                f'DeadModality: expected fill to be a value or a pair (low, high) with low < high, '
                f'got {fill!r}'
            )

    def corrupt(
        self, image: np.ndarray, missing: float | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Return an image of the same shape, whatever was in it."""
        if image.dtype.kind in 'iu':
            bounds, info = np.asarray(self.fill), np.iinfo(image.dtype)
            if bounds.min() < info.min or bounds.max() > info.max + bounds.ndim:
                raise ValueError(
                    f'DeadModality: expected fill within {info.min}..{info.max}, which the files '
                    f'of {self.modality!r} hold, got {self.fill!r}'
                )
        if np.ndim(self.fill) == 0:
            return np.full(image.shape, self.fill, dtype=float)
        low, high = self.fill
        noise = rng.uniform(low, high, image.shape)
        return np.floor(noise) if image.dtype.kind in 'iu' else noise


@TRANSFORMS.register_module()
class DepthHoles(Corruption):
    """Take away the readings in blobs that cover a given share of the image.

    The blobs are where a smooth random field is highest, so that exactly round(area * H * W) pixels
    lie in them, and the holes of a smaller area lie within those of a larger one. Readings that
    were missing before count as any other pixel.

    Args:
        modality: The modality that is damaged; it must have a ``missing`` value, or floats.
        area: Share of the image, 0..1.
        size: Width of the blobs: standard deviation of the smoothing as a share of the shorter
            side.
        seed: Another seed gives other holes.

    Raises:
        ValueError: If an argument is out of range, or a modality of whole numbers has no
            ``missing`` value.
    """

    def __init__(self, modality: str, area: float, size: float = 0.04, seed: int = 0) -> None:
        super().__init__(modality, seed)
        if not 0 <= area <= 1:
            raise ValueError(f'DepthHoles: expected 0 <= area <= 1, got {area}')
        if not 0 < size <= 1:
            raise ValueError(f'DepthHoles: expected 0 < size <= 1, got {size}')
        self.area = area
        self.size = size

    def corrupt(
        self, image: np.ndarray, missing: float | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Set the pixels of the blobs to the missing value."""
        if missing is None and image.dtype.kind == 'f':
            missing = np.nan
        if missing is None:
            raise ValueError(
                f'DepthHoles: expected a `missing` value of {self.modality!r} in '
                'LoadMultimodalImages, got none'
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

    Values are rounded and cut to what the files can hold. Missing readings stay missing.

    Args:
        modality: The modality that is damaged.
        std: Standard deviation in units of the file: gray levels of an 8-bit image, mm of depth
            in mm.
        seed: Another seed gives other noise.

    Raises:
        ValueError: If ``std`` is negative.
    """

    def __init__(self, modality: str, std: float, seed: int = 0) -> None:
        super().__init__(modality, seed)
        if std < 0:
            raise ValueError(f'GaussianNoise: expected std >= 0, got {std}')
        self.std = std

    def corrupt(
        self, image: np.ndarray, missing: float | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Add the noise to every reading."""
        noisy = image + self.std * rng.standard_normal(image.shape)
        return keep_readings(noisy, image, missing)


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
