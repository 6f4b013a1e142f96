from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor

from ..modality_axis import unfold_modalities
from .fusion_operator import FusionOperator

_MAX_SIDE = 8  # px of the pooled maps
_BANDWIDTHS = (0.25, 0.5, 1, 2, 4)


@MODELS.register_module()
class AlignmentFusion(FusionOperator):
    """Pass the maps on unchanged, and train the modalities to distribute their features alike.

    The alignment baseline of `Deep Multimodal Fusion by Channel Exchanging
    <https://arxiv.org/abs/2011.05005>`_ (NeurIPS 2020), after `Learning Common and Specific
    Features for RGB-D Semantic Segmentation with Deconvolutional Networks
    <https://arxiv.org/abs/1608.01082>`_ (ECCV 2016). As in the latter, the measure is the maximum
    mean discrepancy (MMD) of several kernels. There it compares what layers have separated as
    common features; here it compares the maps at every fusion point.

    The loss of a fusion point is the squared MMD, in 0..2, between the C-dimensional features of
    two modalities; for M > 2, its mean over the pairs (of those that the batch has). The samples of
    a modality are the positions of its maps, averaged down to at most 8 x 8, of all images of the
    batch that have it: at most 64 N. Both sets are compared with themselves and with each other by
    the mean of five Gaussian kernels exp(-d / (s b)), where d is the squared distance, b its mean
    over all pairs of samples of all modalities, and s = 1/4, 1/2, 1, 2, 4.

    Not the squared distance of corresponding features (L2): that would ask every modality to say
    the same about a pixel, where fusion lives from what differs, and shrinking all features would
    lower it. The MMD asks for the same statistics; through b, a common scale changes nothing.

    Activation checkpointing must be non-reentrant, as that of the backbones here is.

    Args:
        num_modalities: Number of modalities M.
        channels: Not needed: the operator has no parameters.
        weight: Weight of the loss ``fusion.loss_align``.

    Shape:
        - Maps: folded (N*M, C, H, W), input and output alike.

    Raises:
        ValueError: If the weight is negative, or the batch is not a multiple of M.
    """

    def __init__(
        self, num_modalities: int, channels: int | None = None, weight: float = 1.0
    ) -> None:
        super().__init__(num_modalities, channels)
        if weight < 0:
            raise ValueError(f'weight must not be negative, got {weight}')
        self.weight = weight

    def leave(self, x: Tensor, carry: None) -> Tensor:
        """Keep the loss of the maps."""
        if self.num_modalities > 1 and self.has_losses:
            with torch.autocast(x.device.type, enabled=False):  # small differences of large sums
                samples = _sample(x.float(), self.num_modalities).unbind()
                if self.presence is not None:
                    samples = _of_present(samples, self.presence)
                loss = self.weight * _mean_discrepancy(samples)
            self.keep_loss('loss_align', loss)
        return x


def _sample(x: Tensor, num_modalities: int) -> Tensor:
    """Take the positions of pooled maps as samples, (N*M, C, H, W) -> (M, S, C)."""
    height, width = (min(side, _MAX_SIDE) for side in x.shape[2:])
    pooled = F.adaptive_avg_pool2d(x, (height, width))
    maps = unfold_modalities(pooled, num_modalities).unflatten(1, (num_modalities, -1))
    return maps.permute(1, 0, 3, 4, 2).flatten(1, 3)


def _of_present(samples: Sequence[Tensor], presence: Tensor) -> list[Tensor]:
    """Leave out the samples of images that lack a modality, and modalities without samples."""
    images = presence.repeat_interleave(len(samples[0]) // len(presence), dim=0)  # (S, M)
    return [own[rows] for own, rows in zip(samples, images.unbind(1)) if rows.any()]


def _mean_discrepancy(samples: Sequence[Tensor]) -> Tensor:
    """Compute the squared MMD between samples, (S, C) each, averaged over the pairs of them."""
    sizes = [len(own) for own in samples]
    flat = torch.cat(list(samples))
    flat = flat - flat.mean(0).detach()  # changes no distance, and keeps the sums small
    squares = flat.square().sum(1)
    distances = (squares[:, None] + squares - 2 * flat @ flat.T).clamp(min=0)
    bandwidth = distances.mean().clamp(min=torch.finfo(flat.dtype).tiny)
    kernel = sum((-distances / (scale * bandwidth)).exp() for scale in _BANDWIDTHS)
    kernel = kernel / len(_BANDWIDTHS)
    blocks = [block.mean() for row in kernel.split(sizes) for block in row.split(sizes, dim=1)]
    means = torch.stack(blocks).view(len(sizes), len(sizes))
    own = means.diagonal()
    discrepancies = own[:, None] + own - 2 * means  # 0 on the diagonal
    return discrepancies.sum() / max(len(sizes) * (len(sizes) - 1), 1)
