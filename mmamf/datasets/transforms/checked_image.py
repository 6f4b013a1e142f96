"""Loading image files of a declared kind, and refusing all others."""

import math
from collections.abc import Iterable

import numpy as np

from .float32_range import check_float32_range
from .read_image import read_image

# What OpenCV resizes, so that stock Resize works on every modality.
DTYPES = ('uint8', 'uint16', 'int16', 'float32', 'float64')


def check_spec(name: str, spec: dict, further: Iterable[str] = ()) -> dict:
    """Check what the files of a modality are said to hold.

    Args:
        name: Name of the modality.
        spec: ``dict(channels=..., dtype=..., missing=...)``; ``missing`` is optional.
        further: Optional keys that the caller checks.

    Raises:
        ValueError: If a key is missing or unknown, or a value not possible.
    """
    unknown = set(spec) - {'channels', 'dtype', 'missing', *further}
    if unknown or not {'channels', 'dtype'} <= set(spec):
        optional = ', '.join(['missing', *further])
        raise ValueError(
            f'modality {name!r}: expected the keys channels, dtype and optionally {optional}, got '
            f'{sorted(spec)}'
        )
    spec = dict(missing=None) | dict(spec)
    if not isinstance(spec['channels'], int) or spec['channels'] < 1:
        raise ValueError(f'modality {name!r}: expected channels >= 1, got {spec["channels"]!r}')
    if spec['dtype'] not in DTYPES:
        raise ValueError(
            f'modality {name!r}: expected dtype to be one of {DTYPES}, got {spec["dtype"]!r}'
        )
    if spec['missing'] is not None and not math.isfinite(spec['missing']):
        raise ValueError(f'modality {name!r}: expected a finite `missing`, got {spec["missing"]}')
    return spec


def load_images(
    paths: dict[str, str | None], specs: dict[str, dict], backend_args: dict | None = None
) -> dict[str, np.ndarray]:
    """Load the registered images of one sample.

    Args:
        paths: File of each modality, None where the sample lacks it: its image is zero.
        specs: What :func:`check_spec` returned for each modality, and perhaps for others.
        backend_args: Arguments of the mmengine file backend.

    Shape:
        (H, W) for one channel, (H, W, C) otherwise.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a file is damaged, holds NaN or infinity, has another number of channels,
            dtype or size than expected, or no reading at all; if all modalities are lacking.
    """
    images = {}
    for name, path in paths.items():
        if name not in specs:
            raise ValueError(
                f'unknown modality {name!r} ({path}), expected one of {tuple(specs)}, which the '
                'pipeline can load'
            )
        if path is None:
            continue
        image = images[name] = _load(name, path, specs[name], backend_args)
        first, *_ = images
        size = images[first].shape[:2]
        if image.shape[:2] != size:
            raise ValueError(
                f'modalities of one sample differ in size (H, W): expected {size} as in '
                f'{paths[first]} ({first!r}), got {image.shape[:2]} in {path} ({name!r})'
            )
    if not images:
        raise ValueError(
            f'expected a file of at least one of the modalities {tuple(paths)}, got none'
        )
    return {name: images.get(name, _zeros(specs[name], size)) for name in paths}


def _zeros(spec: dict, size: tuple[int, int]) -> np.ndarray:
    channels = spec['channels']
    return np.zeros(size if channels == 1 else (*size, channels), spec['dtype'])


def _load(name: str, path: str, spec: dict, backend_args: dict | None) -> np.ndarray:
    image = read_image(path, backend_args, spec['channels'])
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels != spec['channels']:
        raise ValueError(
            f'modality {name!r}: expected {spec["channels"]} channel(s), got {channels} '
            f'(shape {image.shape}) in {path}'
        )
    if image.dtype != spec['dtype']:
        raise ValueError(
            f'modality {name!r}: expected dtype {spec["dtype"]}, got {image.dtype} in {path}'
        )
    if image.dtype.kind == 'f':
        bad = image.size - np.isfinite(image).sum()
        if bad:
            raise ValueError(
                f'{path}: expected finite values, got NaN or infinity in {bad} of {image.size} '
                'values; write missing readings as a finite number and name it in `missing`'
            )
    missing = () if spec['missing'] is None else (spec['missing'],)
    check_float32_range(image, path, missing)
    if spec['missing'] is not None and (image == spec['missing']).all():
        raise ValueError(
            f'modality {name!r}: expected at least one reading, got only the missing value '
            f'{spec["missing"]} in {path}'
        )
    return image
