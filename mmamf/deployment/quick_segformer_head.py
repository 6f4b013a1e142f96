from collections.abc import Sequence

import torch.nn.functional as F
from mmseg.models.decode_heads import SegformerHead
from mmseg.models.utils import resize
from torch import Tensor, nn

from ..models.modality_specific_layer import ModalitySpecificLayer


class QuickSegformerHead(SegformerHead):
    """SegFormer's decoder, which fuses its levels before it upsamples them.

    From `SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers
    <https://arxiv.org/abs/2105.15203>`_ (NeurIPS 2021). The paper upsamples all levels to the
    finest, concatenates them, and fuses them by a 1 x 1 convolution. This convolution is a sum over
    the levels, and commutes with the upsampling. Done first, at the size of each level, it takes a
    third of the multiply-adds. The outputs are the same except for rounding.

    Shape:
        - Input: a pyramid of (N, C_i, H_i, W_i), finest first.
        - Output: logits (N, K, H_0, W_0).
    """

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Fuse every level, upsample, add up, and classify."""
        pyramid = self._transform_inputs(inputs)
        layer = self.fusion_conv
        kernels = layer.conv.weight.split(self.channels, dim=1)
        fused = F.conv2d(self.convs[0](pyramid[0]), kernels[0], layer.conv.bias)
        for x, conv, kernel in zip(pyramid[1:], self.convs[1:], kernels[1:]):
            part = F.conv2d(conv(x), kernel)
            # mmseg's warning reads the sizes, which would fix them in an exported graph
            fused = fused + resize(
                part,
                size=fused.shape[2:],
                mode=self.interpolate_mode,
                align_corners=self.align_corners,
                warning=False,
            )
        fused = layer.norm(fused) if layer.with_norm else fused
        return self.cls_seg(layer.activate(fused) if layer.with_activation else fused)


def quicken(head: nn.Module) -> None:
    """Turn mmseg's SegformerHead into a :class:`QuickSegformerHead`, in place.

    Any other module stays as it is, and so does a head with private or other special convolutions.

    Args:
        head: The module, for inference.
    """
    if type(head) is not SegformerHead:
        return
    conv = head.fusion_conv.conv
    if isinstance(conv, nn.Conv2d) and not isinstance(conv, ModalitySpecificLayer):
        head.__class__ = QuickSegformerHead
