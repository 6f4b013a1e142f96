from collections.abc import Sequence

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmengine.registry import MODELS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from torch import Tensor

from ..fast_max_pool2d import FastMaxPool2d


@MODELS.register_module()
class RefineNetHead(BaseDecodeHead):
    """Multi-path refinement decoder of RefineNet, without normalization layers.

    `RefineNet: Multi-Path Refinement Networks for High-Resolution Semantic Segmentation
    <https://arxiv.org/abs/1611.06612>`_ (CVPR 2017), in the form of the AsymFusion paper: all
    convolutions are 3 x 3, each chained pooling has four steps, and dropout is on the two deepest
    maps and before the classifier. The logits have the resolution of the finest level. Predictions
    are upsampled by cubic interpolation (as OpenCV's INTER_CUBIC); losses use bilinear
    interpolation.

    Args:
        widths: Channels of each level, deepest first.
        dropout_ratio: Dropout probability of each element.
        **kwargs: Passed on to mmseg's BaseDecodeHead. ``in_channels`` and ``in_index`` list the
            levels of the pyramid, finest first.

    Shape:
        - Input: a pyramid of (N, C_i, H_i, W_i), finest first.
        - Output: logits (N, K, H_0, W_0).

    Raises:
        ValueError: If the number of widths is not the number of levels.
    """

    def __init__(
        self,
        widths: Sequence[int] = (512, 256, 256, 256),
        dropout_ratio: float = 0.5,
        **kwargs,
    ) -> None:
        super().__init__(
            input_transform='multiple_select',
            channels=widths[-1],
            dropout_ratio=dropout_ratio,
            **kwargs,
        )
        if len(widths) != len(self.in_channels):
            raise ValueError(
                f'widths: expected one for each of the {len(self.in_channels)} levels in '
                f'in_channels, got {tuple(widths)}'
            )
        self.dropout = nn.Dropout(dropout_ratio)
        self.conv_seg = _conv(self.channels, self.out_channels, bias=True)
        finer = (*widths[1:], None)
        self.levels = nn.ModuleList(
            _RefineLevel(in_channels, width, out_channels, deepest=index == 0)
            for index, (in_channels, width, out_channels) in enumerate(
                zip(self.in_channels[::-1], widths, finer)
            )
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Refine from the deepest level to the finest, and classify."""
        pyramid = self._transform_inputs(inputs)[::-1]
        coarser = None
        for index, (level, x) in enumerate(zip(self.levels, pyramid)):
            coarser = level(self.dropout(x) if index < 2 else x, coarser)
        return self.cls_seg(coarser)

    def predict_by_feat(self, seg_logits: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Upsample logits to the size of the images by cubic interpolation, as the authors do.

        mmseg's segmentors then cut off the padding and resize to ``ori_shape`` bilinearly. This
        changes the logits only if the test pipeline has resized the images.
        """
        meta = batch_img_metas[0]
        size = meta['img_shape']
        # in a sliding window, mmseg makes img_shape a torch.Size
        if not isinstance(size, torch.Size):
            size = meta.get('pad_shape', size)[:2]
        upsample = _upsample_by_products if torch.jit.is_tracing() else resize
        return upsample(
            seg_logits, size=tuple(size), mode='bicubic', align_corners=self.align_corners
        )


class _RefineLevel(nn.Module):
    """One level: adapt, join the coarser level, pool in a chain, refine."""

    def __init__(
        self, in_channels: int, width: int, out_channels: int | None, deepest: bool
    ) -> None:
        super().__init__()
        self.reduce = _conv(in_channels, width)
        self.adapt = nn.Sequential(_ResidualConvUnit(width), _ResidualConvUnit(width))
        self.join = None if deepest else _conv(width, width)
        self.pool = _ChainedResidualPooling(width)
        self.refine = nn.Sequential(*(_ResidualConvUnit(width) for _ in range(3)))
        self.out = None if out_channels is None else _conv(width, out_channels)

    def forward(self, x: Tensor, coarser: Tensor | None) -> Tensor:
        x = self.adapt(self.reduce(x))
        if self.join is not None:
            x = self.join(x)
            # mmseg's warning reads the sizes, which would fix them in an exported graph
            x = x + resize(
                coarser, size=x.shape[2:], mode='bilinear', align_corners=True, warning=False
            )
        x = self.refine(self.pool(F.relu(x)))
        return x if self.out is None else self.out(x)


class _ResidualConvUnit(nn.Module):
    """Twice ReLU and convolution, added to the rectified input.

    The authors' ReLU works in place, so their network adds the rectified input.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = _conv(width, width, bias=True)
        self.conv2 = _conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        return x + self.conv2(F.relu(self.conv1(x)))


class _ChainedResidualPooling(nn.Module):
    """A chain of pooling and convolution steps, each added to the running sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(_conv(width, width) for _ in range(4))
        self.pool = FastMaxPool2d(kernel_size=5, stride=1, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        step = x
        for conv in self.convs:
            step = conv(self.pool(step))
            x = x + step
        return x


def _upsample_by_products(x: Tensor, size: Sequence[int], **kwargs) -> Tensor:
    """Upsample rows and columns with one matrix product each, for exported graphs.

    The matrices are upsampled identity matrices. onnxruntime's own cubic Resize of all logits would
    take three times as long as the whole network.
    """
    height, width = x.shape[2:]
    rows = F.interpolate(_identity(height, x), size=(size[0], height), **kwargs)
    columns = F.interpolate(_identity(width, x), size=(width, size[1]), **kwargs)
    return rows @ (x @ columns)


def _identity(size: int, like: Tensor) -> Tensor:
    """Make an identity matrix, (1, 1, size, size); tracing would make torch.eye a constant."""
    index = torch.arange(size, device=like.device)
    return (index[:, None] == index).to(like.dtype)[None, None]


def _conv(in_channels: int, out_channels: int, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=bias)
