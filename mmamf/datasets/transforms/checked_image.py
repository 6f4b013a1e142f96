"""Loads image files and checks that they match the description of their modality."""

from collections.abc import Mapping

import numpy as np

from mmamf.structures.dtypes import READ_AS
from mmamf.structures.modality import Modality

from .read_image import read_raster

ALL_BANDS = 0  # stands for all bands, in the order of the file
LARGEST = float(np.finfo(np.float32).max)


def load_images(
    paths: dict[str, str | None],
    modalities: Mapping[str, Modality],
    backend_args: dict | None = None,
) -> dict[str, tuple[np.ndarray, tuple[float, ...]]]:
    """Load the registered images of one sample, each with :func:`load_image`.

    Args:
        paths: File of each modality. A modality with None is absent and left out.
        modalities: Description of each modality; further ones are allowed.
        backend_args: Arguments of the mmengine file backend.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a file is damaged or has an unexpected number of channels, dtype or size, or
            if all modalities are absent.
    """
    images = {}
    for name, path in paths.items():
        if name not in modalities:
            raise ValueError(
                f'modality {name!r} ({path}): expected one of {tuple(modalities)}, which the '
                'pipeline can load'
            )
        if path is None:
            continue
        images[name] = load_image(path, modalities[name], backend_args)
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
    path: str, modality: Modality, backend_args: dict | None = None
) -> tuple[np.ndarray, tuple[float, ...]]:
    """Load the image of one modality, and the values in it that mean "no reading".

    Args:
        path: Its file.
        modality: Its description, with ``channels`` and ``dtype``.
        backend_args: Arguments of the mmengine file backend.

    Returns:
        The image, (H, W) for one channel, (H, W, C) otherwise, and the values that the description
        or the file itself names. NaN and infinity stay in the image.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is damaged, or has an unexpected number of channels or dtype.
    """
    bands, name = modality.bands, modality.name
    image, declared = read_raster(
        path, backend_args, modality.num_channels if bands is None else ALL_BANDS
    )
    try:
        image = select_bands(image, bands)
    except ValueError as error:
        raise ValueError(f'modality {name!r}: {error} in {path}') from error
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels != modality.num_channels:
        raise ValueError(
            f'modality {name!r}: expected {modality.num_channels} channel(s), got {channels} '
            f'(shape {image.shape}) in {path}'
        )
    values = (*modality.missing_values, *declared)
    read_as = READ_AS.get(image.dtype.name, image.dtype.name)
    if read_as != modality.dtype:
        stored = '' if read_as == image.dtype else f' ({image.dtype} is read as {read_as})'
        raise ValueError(
            f'modality {name!r}: expected dtype {modality.dtype}, got {read_as}{stored} in {path}'
        )
    image = _cast(image, read_as, path, values)
    check_float32_range(image, path, values)
    return image, values


def _cast(image: np.ndarray, dtype: str, path: str, missing: tuple[float, ...]) -> np.ndarray:
    cast = image.astype(dtype, copy=False)
    if image.dtype.itemsize < 4 or image.dtype.kind == 'f':
        return cast
    # float64 holds every integer below 2**53 exactly; larger numbers are not readings
    changed = (cast != image.astype(np.float64)) & ~np.isin(image, [*missing])
    if changed.any():
        raise ValueError(
            f'{path}: expected whole numbers that float32 holds exactly, as it does up to 2**24, '
            f'got {image[changed][0]} as {image.dtype}. If it means "no reading", name it in '
            '`missing`'
        )
    return cast


def check_float32_range(image: np.ndarray, path: str, missing: tuple[float, ...] = ()) -> None:
    """Refuse finite values that become infinite in float32, the type of networks.

    Args:
        image: The image as it was read. The caller checks NaN and infinity.
        path: The file, for the error.
        missing: Values that mean "no reading"; they may be of any size.

    Raises:
        ValueError: If the image has such a value.
    """
    if image.dtype.kind != 'f' or image.dtype.itemsize <= 4:
        return
    beyond = (np.abs(image) > LARGEST) & np.isfinite(image) & ~np.isin(image, [*missing])
    if beyond.any():
        raise ValueError(
            f'{path}: expected values within +-{LARGEST:.4g}, which float32 holds, got '
            f'{image[beyond][0]:g} and {beyond.sum() - 1} more of {image.size} values. If it means '
            '"no reading", name it in `missing`'
        )


def select_bands(image: np.ndarray, bands: tuple[int, ...] | None) -> np.ndarray:
    """Take the bands with the given indices; None takes all.

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
