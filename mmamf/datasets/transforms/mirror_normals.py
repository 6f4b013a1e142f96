from collections.abc import Sequence

from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

# direction of the flip -> channels of the components that it negates
CHANNELS = dict(horizontal=(0,), vertical=(1,), diagonal=(0, 1))


@TRANSFORMS.register_module()
class MirrorNormals(BaseTransform):
    """Make normal maps of a translation right again that a flip has mirrored like pictures.

    Mirroring a room from left to right turns a wall that faces left into one that faces right: the
    x component of its normal, in red, changes its sign, so red becomes 255 - red. After a vertical
    flip the same holds for y, in green. The published code of the authors of `AsymFusion
    <https://arxiv.org/abs/2108.05009>`_ (https://github.com/yikaiw/CEN) does not do this: half of
    its training shows normals, shading and depth that contradict each other. Leave this transform
    out to repeat that.

    Other domains need no such care: principal curvatures, depth and edges have no direction.

    It follows mmagic's Flip, and must be repeated after a further one. In a segmentation, vectors
    turn with the picture by themselves, see :class:`EachModality`; there it is refused. Required
    keys: ``img``, ``domains``, ``flip_infos``, which it removes.

    Args:
        domains: Names of the normal maps; those that the data set does not use are ignored. Values
            are 0..255 for -1..1 and components of the camera's frame, x (right or left) in red and
            y (up or down) in green. Where 0 is stored as 127 rather than 127.5, as in Taskonomy,
            the result is one level of 255 off.

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
