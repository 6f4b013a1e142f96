from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

from .missing_readings import find_missing

# direction of the flip -> channels of the components that it negates
CHANNELS = dict(horizontal=(0,), vertical=(1,), diagonal=(0, 1))


@TRANSFORMS.register_module()
class MirrorNormals(BaseTransform):
    """Make normal maps right again that a flip has mirrored like pictures.

    Mirroring a room from left to right turns a wall that faces left into one that faces right: the
    x component of its normal, in red, changes its sign, so red becomes 255 - red. After a vertical
    flip the same holds for y, in green. The published code of the authors of `AsymFusion
    <https://arxiv.org/abs/2108.05009>`_ (https://github.com/yikaiw/CEN) does not do this: half of
    its training shows normals, shading and depth that contradict each other. Leave this transform
    out to repeat that.

    Other domains need no such care: principal curvatures, depth and edges have no direction.

    In a translation it follows mmagic's Flip, and must be repeated after a further one. Required
    keys: ``img``, ``domains``, ``flip_infos``, which it removes. In a segmentation it follows the
    one RandomFlip, and leaves pixels alone whose three channels have the ``missing`` value.
    Required keys: ``modalities``, ``flip``, ``flip_direction``; ``missing_values``, optional.

    Args:
        domains: Names of the normal maps; those that the data set does not use are ignored. Values
            are 0..255 for -1..1 and components of the camera's frame, x (right or left) in red and
            y (up or down) in green. Where 0 is stored as 127 rather than 127.5, as in Taskonomy,
            the result is one level of 255 off.

    Raises:
        ValueError: If no flip came before, or normals of a segmentation are no 8-bit colors.
    """

    def __init__(self, domains: Sequence[str] = ('normal',)) -> None:
        self.domains = tuple(domains)

    def transform(self, results: dict) -> dict:
        """Negate the components that were mirrored."""
        if 'flip_infos' in results:
            flips = [info['direction'] for info in results.pop('flip_infos') if info['flip']]
            for name, image in zip(results['domains'], results['img'], strict=True):
                if name in self.domains:
                    _negate(image, flips)
        elif 'modalities' in results and 'flip' in results:
            flips = [results['flip_direction']] if results['flip'] else []
            for name, key in self._keys(results):
                image, missing = results[key], results.get('missing_values', {}).get(name)
                mirrored = image.copy()
                _negate(mirrored[..., ::-1], flips)  # BGR
                holes = find_missing(image, () if missing is None else (missing,))
                results[key] = np.where(holes, image, mirrored)
        else:
            raise ValueError(
                "MirrorNormals: expected mmagic's Flip before, or mmseg's RandomFlip, got a sample "
                f'without `flip_infos` and without `flip`: {sorted(results)}'
            )
        return results

    def _keys(self, results: dict) -> Iterator[tuple[str, str]]:
        """Find where a segmentation keeps its normal maps."""
        first, *_ = results['modalities']
        for name in results['modalities']:
            if name in self.domains:
                key = 'img' if name == first else f'modality_{name}'
                image = results[key]
                if image.shape[2:] != (3,) or image.dtype != np.uint8:
                    raise ValueError(
                        f'MirrorNormals: expected 8-bit colors (H, W, 3) of {name!r}, got '
                        f'{image.dtype} of shape {image.shape}'
                    )
                yield name, key

    def __repr__(self) -> str:
        return f'{type(self).__name__}(domains={self.domains})'


def _negate(image: np.ndarray, directions: Iterable[str]) -> None:
    """Negate components of normals, (H, W, 3) with x first, in place."""
    for direction in directions:
        for index in CHANNELS[direction]:
            image[:, :, index] = 255 - image[:, :, index]
