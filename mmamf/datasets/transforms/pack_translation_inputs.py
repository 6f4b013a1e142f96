import warnings

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

META_KEYS = (
    'modalities',
    'target',
    'modality_paths',
    'img_path',
    'target_path',
    'sample_name',
    'ori_shape',
)


@TRANSFORMS.register_module()
class PackTranslationInputs(BaseTransform):
    """Stack the inputs of a translation along channels and pack the target as ``gt_img``.

    Images of one channel are repeated to three channels, so that a network can share its first
    layer. New images have no target and so no ``gt_img``. A normal map that was flipped without
    MirrorNormals gives a warning.

    Required keys: ``img``, ``domains`` and ``modality_paths`` from :class:`LoadTranslationImages`,
    and ``target`` if there is one.

    Shape:
        ``inputs``: (M * 3, H, W), float32, 0..255; ``gt_img``: (3, H, W), float32, 0..255.

    Raises:
        ValueError: If a transform gave the images different sizes, or the target was not loaded.
    """

    def transform(self, results: dict) -> dict:
        """Pack one sample into ``dict(inputs=..., data_samples=...)``."""
        if 'domains' not in results:
            raise ValueError(
                'PackTranslationInputs: expected images loaded by LoadTranslationImages, got the '
                f'keys {sorted(results)}'
            )
        images = dict(zip(results['domains'], results['img'], strict=True))
        sizes = {name: image.shape[:2] for name, image in images.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(
                f'a transform changed the size of some images: expected one size (H, W), got '
                f"{sizes}. Give mmagic's transforms keys='img', which holds all images"
            )
        if 'normal' in images and any(info['flip'] for info in results.get('flip_infos', ())):
            warnings.warn(
                'Flip has mirrored the domain `normal` like a picture, so its vectors point the '
                'wrong way: put MirrorNormals behind Flip',
                stacklevel=2,
            )
        planes = {name: _planes(image) for name, image in images.items()}
        # imported here, because only translation needs mmagic, and the import takes seconds
        from mmagic.structures import DataSample

        sample = DataSample()
        target = results.get('target')
        if target is not None:
            if target not in planes:
                raise ValueError(
                    f'target {target!r}: expected it among the loaded images {tuple(planes)}'
                )
            sample.gt_img = torch.from_numpy(planes.pop(target))
            results['target_path'] = results['modality_paths'][target]
        results['modalities'] = tuple(planes)
        results['img_path'] = results['modality_paths'][results['modalities'][0]]
        sample.set_metainfo({key: results[key] for key in META_KEYS if key in results})
        inputs = torch.from_numpy(np.concatenate(list(planes.values())))
        return dict(inputs=inputs, data_samples=sample)

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


def _planes(image: np.ndarray) -> np.ndarray:
    """Move channels first, and repeat a single channel to three."""
    # (H, W, C) -> (3, H, W)
    height, width, _ = image.shape
    planes = np.broadcast_to(image.transpose(2, 0, 1), (3, height, width))
    return np.ascontiguousarray(planes, dtype=np.float32)
