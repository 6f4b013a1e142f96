from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

from .checked_image import check_spec, load_images


@TRANSFORMS.register_module()
class LoadMultimodalImages(BaseTransform):
    """Load one registered image per modality.

    The first modality becomes ``img``, which stock photometric transforms change; each further one
    becomes ``modality_<name>``, listed in ``seg_fields``, so that mmseg's Resize, RandomResize,
    RandomCrop and RandomFlip move it together with ``img``, by nearest-neighbor interpolation.
    Color files are BGR, as mmcv reads them; values are left in the file's units. Bands, which are
    other than 1 or 3 channels, come in the order of the file: a ``.npy``, a TIFF, or a PNG of
    four.

    Stock Resize interpolates ``img`` bilinearly, which mixes missing readings into their neighbors.
    If the first modality has a ``missing`` value, resize with ``interpolation='nearest'``
    (:class:`MultimodalSegDataset` insists on it). Flips mirror the pixels only; for normals,
    :class:`MirrorNormals` follows.

    A modality whose path is None is absent: its image is zero, and its name is not in ``present``.

    Required keys: ``modality_paths``, ``seg_fields``. Added keys: ``img``, ``modality_<name>``,
    ``img_shape``, ``ori_shape``, ``modalities``, ``present`` (names of those that the sample has),
    ``missing_values`` (of each modality, or None).

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
            another number of channels, dtype or size than expected, or no reading at all; if all
            modalities are absent.
    """

    def __init__(self, modalities: dict[str, dict], backend_args: dict | None = None) -> None:
        if not modalities:
            raise ValueError('LoadMultimodalImages: expected at least one modality, got none')
        self.modalities = {name: check_spec(name, spec) for name, spec in modalities.items()}
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Load the images of one sample, in the order of its ``modality_paths``."""
        if not results.get('modality_paths'):
            raise ValueError(
                'LoadMultimodalImages: expected `modality_paths` with a path per modality, as '
                f'MultimodalSegDataset gives, got the keys {sorted(results)}'
            )
        paths = results['modality_paths']
        images = load_images(paths, self.modalities, self.backend_args)
        results['modalities'] = tuple(images)
        results['present'] = tuple(name for name in images if paths[name] is not None)
        results['missing_values'] = {name: self.modalities[name]['missing'] for name in images}
        (_, image), *further = images.items()
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        results['seg_fields'] = list(results.get('seg_fields', []))
        for name, image in further:
            results[f'modality_{name}'] = image
            results['seg_fields'].append(f'modality_{name}')
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(modalities={self.modalities})'
