"""Loading image files of a declared kind, and refusing all others."""

from collections.abc import Iterable

import numpy as np

from .float32_range import check_float32_range
from .missing_readings import can_hold, named_values
from .read_image import read_raster

# What OpenCV resizes, so that stock Resize works on every modality.
DTYPES = ('uint8', 'uint16', 'int16', 'float32', 'float64')
ALL_BANDS = 0  # in the order of the file


def check_spec(name: str, spec: dict, further: Iterable[str] = ()) -> dict:
    """Check what the files of a modality are said to hold.

    Args:
        name: Name of the modality.
        spec: ``dict(channels=..., dtype=..., missing=...)``; ``missing`` is optional.
        further: Optional keys that the caller checks.

    Returns:
        The specification, in which ``channels`` is their number; ``bands`` are the indices of those
        that are selected, if any are.

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
    if isinstance(spec['channels'], list | tuple):
        spec['bands'] = _check_bands(name, spec['channels'])
        spec['channels'] = len(spec['bands'])
    if not isinstance(spec['channels'], int) or spec['channels'] < 1:
        raise ValueError(f'modality {name!r}: expected channels >= 1, got {spec["channels"]!r}')
    if spec['dtype'] not in DTYPES:
        raise ValueError(
            f'modality {name!r}: expected dtype to be one of {DTYPES}, got {spec["dtype"]!r}'
        )
    _check_missing(name, spec)
    return spec


def load_images(
    paths: dict[str, str | None], specs: dict[str, dict], backend_args: dict | None = None
) -> dict[str, tuple[np.ndarray, tuple[float, ...]]]:
    """Load the registered images of one sample, as :func:`load_image` does each.

    Args:
        paths: File of each modality, None where the sample lacks it: it is left out.
        specs: What :func:`check_spec` returned for each modality, and perhaps for others.
        backend_args: Arguments of the mmengine file backend.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a file is damaged, has another number of channels, dtype or size than
            expected; if all modalities are lacking.
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
        images[name] = load_image(name, path, specs[name], backend_args)
        first, *_ = images
        size, other = (images[key][0].shape[:2] for key in (first, name))
        if other != size:
            raise ValueError(
                f'modalities of one sample differ in size (H, W): expected {size} as in '
                f'{paths[first]} ({first!r}), got {other} in {path} ({name!r})'
            )
    if not images:
        raise ValueError(
            f'expected a file of at least one of the modalities {tuple(paths)}, got none'
        )
    return images


def load_image(
    name: str, path: str, spec: dict, backend_args: dict | None = None
) -> tuple[np.ndarray, tuple[float, ...]]:
    """Load the image of one modality, and the values in it that mean "no reading".

    Args:
        name: Name of the modality.
        path: Its file.
        spec: What :func:`check_spec` returned.
        backend_args: Arguments of the mmengine file backend.

    Returns:
        The image, (H, W) for one channel, (H, W, C) otherwise; the values are those that the
        specification names and those that the file itself names. NaN and infinity are left in it.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is damaged, or has another number of channels or dtype than expected.
    """
    bands = spec.get('bands')
    channels = spec['channels'] if bands is None else ALL_BANDS
    image, declared = read_raster(path, backend_args, channels)
    try:
        image = select_bands(image, bands)
    except ValueError as error:
        raise ValueError(f'modality {name!r}: {error} in {path}') from error
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
    values = (*named_values(spec['missing']), *declared)
    check_float32_range(image, path, values)
    return image, values


def select_bands(image: np.ndarray, bands: tuple[int, ...] | None) -> np.ndarray:
    """Take the bands with the given indices, all if there are none.

    Shape:
        - image: (H, W) or (H, W, C).
        - Output: (H, W) for one band, (H, W, number of bands) otherwise.

    Raises:
        ValueError: If the image has fewer bands.
    """
    if bands is None:
        return image
    count = 1 if image.ndim == 2 else image.shape[2]
    if max(bands) >= count:
        raise ValueError(
            f'expected channels={[*bands]} to be from 0 to {count - 1}, got a file of {count} '
            'band(s)'
        )
    image = image.reshape(*image.shape[:2], count)[..., [*bands]]
    return np.ascontiguousarray(image[..., 0] if len(bands) == 1 else image)


def is_bgr(path: str, spec: dict) -> bool:
    """Tell whether colors of a file, or of files with a suffix, are loaded as BGR.

    Arrays are not, and neither are selected bands, which come in the order that selects them.
    """
    return not path.lower().endswith('.npy') and spec.get('bands') is None


def _check_bands(name: str, bands: list | tuple) -> tuple[int, ...]:
    whole = all(type(band) is int and band >= 0 for band in bands)
    if not bands or not whole or len(set(bands)) < len(bands):
        raise ValueError(
            f'modality {name!r}: expected channels to be a number, or a list of distinct indices '
            f'from 0, got {bands!r}'
        )
    return tuple(bands)


def _check_missing(name: str, spec: dict) -> None:
    values = named_values(spec['missing'])
    if not all(isinstance(value, int | float) for value in values):
        raise ValueError(
            f'modality {name!r}: expected `missing` to be a number or a list of numbers, got '
            f'{spec["missing"]!r}'
        )
    if values and not any(can_hold(spec['dtype'], value) for value in values):
        raise ValueError(
            f'modality {name!r}: expected a `missing` that files of dtype {spec["dtype"]} can '
            f'hold, got {spec["missing"]!r}'
        )
