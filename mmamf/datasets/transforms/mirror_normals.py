from collections.abc import Sequence

from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

# direction of the flip -> channels of the components that it negates
CHANNELS = dict(horizontal=(0,), vertical=(1,), diagonal=(0, 1))


@TRANSFORMS.register_module()
class MirrorNormals(BaseTransform):
    """Correct the vectors of a translation's normal maps after a flip has mirrored the images.

    A horizontal flip makes a wall that faces left face right. The x component of its normal, in
    red, changes its sign, so red becomes 255 - red. A vertical flip does the same to y, in green.
    The published code of the authors of `AsymFusion <https://arxiv.org/abs/2108.05009>`_
    (https://github.com/yikaiw/CEN) does not do this: in half of its training, the normals
    contradict shading and depth. To reproduce that, leave this transform out.

    Principal curvatures, depth and edges have no direction, so they need no correction.

    Put it after each of mmagic's Flip transforms. A segmentation refuses it, because its vectors
    turn with the picture automatically, see :class:`EachModality`. Required keys: ``img``,
    ``domains``, ``flip_infos``, which it removes.

    Args:
        domains: Names of the normal maps. Names that the data set does not use are ignored. Values
            0..255 mean -1..1 in the camera frame, x (right or left) in red and y (up or down) in
            green. If a file stores 0 as 127 instead of 127.5, as in Taskonomy, the result is off by
            one level.

    Raises:
        ValueError: If no flip came before.
    """

    def __init__(self, domains: Sequence[str] = ('normal',)) -> None:
        self.domains = tuple(domains)

    def transform(self, results: dict) -> dict:
        """Negate the components that were mirrored."""
        if 'flip_infos' not in results:
            raise ValueError(
                "MirrorNormals: expected mmagic's Flip before, got a sample without `flip_infos`: "
                f'{sorted(results)}'
            )
        flips = [info['direction'] for info in results.pop('flip_infos') if info['flip']]
        for name, image in zip(results['domains'], results['img'], strict=True):
            if name in self.domains:
                for direction in flips:
                    for index in CHANNELS[direction]:
                        image[:, :, index] = 255 - image[:, :, index]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(domains={self.domains})'
