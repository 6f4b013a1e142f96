import math

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

from .read_image import read_image

# What OpenCV resizes, so that stock Resize works on every modality.
DTYPES = ('uint8', 'uint16', 'int16', 'float32', 'float64')


@TRANSFORMS.register_module()
class LoadMultimodalImages(BaseTransform):
    """Load one registered image per modality.

    The first modality becomes ``img``, which stock photometric transforms change; each further one
    becomes ``modality_<name>``, listed in ``seg_fields``, so that mmseg's Resize, RandomResize,
    RandomCrop and RandomFlip move it together with ``img``, by nearest-neighbor interpolation.
    Color files are BGR, as mmcv reads them; values are left in the file's units.

    Stock Resize interpolates ``img`` bilinearly, which mixes missing readings into their neighbors.
    If the first modality has a ``missing`` value, resize with ``interpolation='nearest'``
    (:class:`MultimodalSegDataset` insists on it). Flips mirror the pixels only: vectors, such as
    normals, are not mirrored.

    Required keys: ``modality_paths``, ``seg_fields``. Added keys: ``img``, ``modality_<name>``,
    ``img_shape``, ``ori_shape``, ``modalities``.

    Args:
        modalities: Name of each modality -> ``dict(channels=..., dtype=..., missing=...)``.
            ``channels`` and ``dtype`` are what its files hold: ``dtype`` is one of 'uint8',
            'uint16', 'int16', 'float32', 'float64'. ``missing``, optional, is the value on disk
            that means "no reading". Names that the data set does not use are ignored.
        backend_args: Arguments of the mmengine file backend.

    Shape:
        (H, W) for one channel, (H, W, C) otherwise.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If the specification is wrong; if a file is damaged, holds NaN or infinity, has
            another number of channels, dtype or size than expected, or no reading at all.
    """

    def __init__(self, modalities: dict[str, dict], backend_args: dict | None = None) -> None:
        if not modalities:
            raise ValueError('LoadMultimodalImages: expected at least one modality, got none')
        self.modalities = {name: _checked(name, spec) for name, spec in modalities.items()}
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Load the images of one sample, in the order of its ``modality_paths``."""
        if not results.get('modality_paths'):
            raise ValueError(
                'LoadMultimodalImages: expected `modality_paths` with a path per modality, as '
                f'MultimodalSegDataset gives, got the keys {sorted(results)}'
            )
        names = tuple(results['modality_paths'])
        results['seg_fields'] = list(results.get('seg_fields', []))
        for name, path in results['modality_paths'].items():
            image = self._load(name, path)
            if name == names[0]:
                results['img'] = image
                results['img_shape'] = results['ori_shape'] = image.shape[:2]
                continue
            if image.shape[:2] != results['ori_shape']:
                raise ValueError(
                    'modalities of one sample differ in size (H, W): expected '
                    f'{results["ori_shape"]} as in {results["modality_paths"][names[0]]} '
                    f'({names[0]!r}), got {image.shape[:2]} in {path} ({name!r})'
                )
            results[f'modality_{name}'] = image
            results['seg_fields'].append(f'modality_{name}')
        results['modalities'] = names
        return results

    def _load(self, name: str, path: str) -> np.ndarray:
        if name not in self.modalities:
            raise ValueError(
                f'LoadMultimodalImages: unknown modality {name!r} ({path}), expected one of '
                f'{tuple(self.modalities)}'
            )
        spec = self.modalities[name]
        image = read_image(path, self.backend_args)
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
        if spec['missing'] is not None and (image == spec['missing']).all():
            raise ValueError(
                f'modality {name!r}: expected at least one reading, got only the missing value '
                f'{spec["missing"]} in {path}'
            )
        return image

    def __repr__(self) -> str:
        return f'{type(self).__name__}(modalities={self.modalities})'


def _checked(name: str, spec: dict) -> dict:
    unknown = set(spec) - {'channels', 'dtype', 'missing'}
    if unknown or not {'channels', 'dtype'} <= set(spec):
        raise ValueError(
            f'modality {name!r}: expected the keys channels, dtype and optionally missing, got '
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
