import logging
import math
from collections.abc import Mapping, Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log
from mmengine.registry import TRANSFORMS

from mmamf.structures.modality import Modality, check_readable, read_modalities

from .checked_image import load_images
from .missing_readings import (
    NO_READING,
    describe_missing,
    find_missing,
    find_sentinel,
    mark_missing,
    marker_of,
)

ROUNDING = 1e-12  # of sums in double precision, relative to the mean


@TRANSFORMS.register_module()
class LoadMultimodalImages(BaseTransform):
    """Load one registered image per modality.

    The first modality becomes ``img``. Each further one becomes ``modality_<name>`` and is listed
    in ``seg_fields``. In the pipeline of a :class:`MultimodalSegDataset`, stock geometric
    transforms move all modalities in the same way, see :class:`EachModality`. Photometric
    transforms change only 8-bit color, see :class:`ColorOnly`.

    Color files become BGR, as in mmcv. Values stay in the file's units. Images with a number of
    channels other than 1 or 3 (``.npy``, TIFF, or PNG with four) keep the order of the file.

    A pixel may lack a reading. Its value is then one of ``missing``, the nodata value that a TIFF
    declares, NaN or infinity. The data preprocessor replaces it by the modality's ``fill``, by
    default its mean, so no network sees it as a number. If many pixels have a typical value of that
    kind, such as -9999, that is not named, there is one warning per modality.

    Images that are not ``calibrated`` are normalized here, by their own mean and standard
    deviation, and become float32.

    In 8-bit images with several channels, a pixel is missing if all its channels have such a value.
    In all other images, each channel counts on its own.

    A modality whose path is None is absent: its image is zero, and its name is not in ``present``.
    An ``optional`` modality without any reading is absent, too.

    The data set describes the files, see :class:`Modality`. ``channels=3`` reads a color picture
    (as BGR), ``channels=[0]`` its red channel, and ``channels=[3]`` the fourth band of a TIFF.
    Several modalities may take their channels from the same files.

    Required keys: ``modality_paths``, ``seg_fields``, ``descriptions`` (name of each modality ->
    :class:`Modality`). Added keys: ``img``, ``modality_<name>``, ``img_shape``, ``ori_shape``,
    ``modalities``, ``present`` (names of the modalities that the sample has), ``missing_values``
    (name of each modality -> marker of a missing reading in its image: NaN for floats, a number for
    integers, None if there is no marker).

    Args:
        modalities: Descriptions of the modalities, if the data set gives only their names: a list,
            or a dict of name -> description without name. Names that the data set does not use are
            ignored.
        backend_args: Arguments of the mmengine file backend.

    Shape:
        (H, W) for one channel, (H, W, C) otherwise.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a description is wrong or lacking; if a file is damaged, has an unexpected
            number of channels, dtype or size, values beyond 1e30 that ``missing`` does not name, or
            no reading at all; if all modalities are absent.
    """

    def __init__(
        self,
        modalities: Mapping[str, dict] | Sequence[dict] | None = None,
        backend_args: dict | None = None,
    ) -> None:
        if isinstance(modalities, Mapping):
            modalities = [{**spec, 'name': name} for name, spec in modalities.items()]
        if modalities is not None and not modalities:
            raise ValueError('LoadMultimodalImages: expected at least one modality, got none')
        self.modalities = None
        if modalities is not None:
            self.modalities = read_modalities(modalities)
            check_readable(self.modalities.values())
        self.backend_args = backend_args
        self._warned = set()  # (modality, subject) of the warnings so far

    def transform(self, results: dict) -> dict:
        """Load the images of one sample, in the order of its ``modality_paths``."""
        paths = results.get('modality_paths')
        if not paths:
            raise ValueError(
                'LoadMultimodalImages: expected `modality_paths` with a path per modality, as '
                f'MultimodalSegDataset gives, got the keys {sorted(results)}'
            )
        described = self.modalities or results.get('descriptions') or {}
        loaded = load_images(paths, described, self.backend_args)
        described = results['descriptions'] = {name: described[name] for name in paths}
        images, markers = {}, {name: marker_of(described[name]) for name in paths}
        for name, (image, values) in loaded.items():
            holes = self._find_holes(described[name], paths[name], image, values)
            if not holes.all():
                if not described[name].calibrated:
                    image, markers[name] = _standardize(image, holes), math.nan
                images[name], markers[name] = mark_missing(image, holes, markers[name])
            elif name not in results.get('optional', ()):
                raise ValueError(
                    f'modality {name!r}: expected at least one reading, got only '
                    f'{describe_missing(image, values)} in {paths[name]}. If samples may lack this '
                    'modality, say optional=True in its description (for an inferencer: '
                    f'optional=({name!r},), or --optional {name})'
                )
        if not images:
            raise ValueError(
                'expected a reading of at least one modality, got only missing values in '
                f'{[paths[name] for name in loaded]}'
            )
        size = next(iter(images.values())).shape[:2]
        results['modalities'] = tuple(paths)
        results['present'] = tuple(images)
        results['missing_values'] = markers
        results['img_shape'] = results['ori_shape'] = size
        keys = [image_key(results, name) for name in paths]
        for key, name in zip(keys, paths):
            results[key] = images[name] if name in images else _zeros(described[name], size)
        results['seg_fields'] = [*results.get('seg_fields', []), *keys[1:]]
        return results

    def _find_holes(
        self, modality: Modality, path: str, image: np.ndarray, values: tuple[float, ...]
    ) -> np.ndarray:
        """Find missing readings, and report values that look missing but are not named."""
        name = modality.name
        holes = find_missing(image, values, modality.valid_range)
        if image.dtype.kind == 'f':
            huge = image[(np.abs(image) > NO_READING) & ~holes]
            if huge.size:
                raise ValueError(
                    f'modality {name!r}: expected readings, got {huge[0]:.9g} in {path}, which '
                    f'looks like "no reading": name it, missing={float(huge[0])!r}'
                )
            if np.isfinite(values).all() and not np.isfinite(image).all():
                self._warn_once(
                    name,
                    'NaN',
                    f'NaN and infinity in {path} count as missing readings. If that is meant, say '
                    "missing='nan' in its description",
                )
        if (name, 'sentinel') not in self._warned:
            sentinel = find_sentinel(image, holes)
            if sentinel is not None:
                self._warn_once(
                    name,
                    'sentinel',
                    f'{np.mean(image == image.dtype.type(sentinel)):.1%} of the pixels of {path} '
                    f'are {sentinel:.9g}, which looks like "no reading" but counts as a number: '
                    f'name it, missing={sentinel!r}',
                )
        return holes

    def _warn_once(self, name: str, what: str, text: str) -> None:
        if (name, what) not in self._warned:
            self._warned.add((name, what))
            print_log(f'modality {name!r}: {text}', logger='current', level=logging.WARNING)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(modalities={self.modalities})'


def image_key(results: dict, name: str) -> str:
    """Return the key of a modality's image in a sample."""
    return 'img' if name == results['modalities'][0] else f'modality_{name}'


def is_present(results: dict, name: str) -> bool:
    """Tell whether a sample has a modality."""
    return name in results.get('present', results['modalities'])


def make_absent(results: dict, name: str) -> None:
    """Take a modality away from a loaded sample."""
    results['present'] = tuple(kept for kept in results['present'] if kept != name)
    key = image_key(results, name)
    results[key] = np.zeros_like(results[key])


def _standardize(image: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Shift and scale each channel so that its readings have mean 0 and standard deviation 1."""
    values = np.where(holes, 0, image).astype(np.float64)
    count = np.maximum((~holes).sum((0, 1)), 1)
    mean = values.sum((0, 1)) / count
    deviation = np.sqrt((np.where(holes, 0, values - mean) ** 2).sum((0, 1)) / count)
    # a flat image becomes 0: its mean may be rounded, which is no contrast
    has_contrast = deviation > ROUNDING * np.abs(mean)
    return ((values - mean) / np.where(has_contrast, deviation, np.inf)).astype(np.float32)


def _zeros(modality: Modality, size: tuple[int, int]) -> np.ndarray:
    channels = modality.num_channels
    return np.zeros(size if channels == 1 else (*size, channels), modality.dtype)
