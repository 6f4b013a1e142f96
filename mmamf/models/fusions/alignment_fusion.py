from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor

from ..host_copy import on_host, places
from ..modality_axis import unfold_modalities
from .fusion_operator import FusionOperator

_MAX_SIDE = 8  # px of the pooled maps
_BANDWIDTHS = (0.25, 0.5, 1, 2, 4)


@MODELS.register_module()
class AlignmentFusion(FusionOperator):
    """Leave the maps unchanged, and train the modalities towards equal feature distributions.

    The alignment baseline of `Deep Multimodal Fusion by Channel Exchanging
    <https://arxiv.org/abs/2011.05005>`_ (NeurIPS 2020), after `Learning Common and Specific
    Features for RGB-D Semantic Segmentation with Deconvolutional Networks
    <https://arxiv.org/abs/1608.01082>`_ (ECCV 2016). Like the latter, it uses the maximum mean
    discrepancy (MMD) with several kernels. The authors compare the common features that their
    layers separate; here the maps at every fusion point are compared.

    The loss of a fusion point is the squared MMD, in 0..2, between the C-dimensional features of
    two modalities. For M > 2 it is the mean over all pairs of modalities in the batch. The samples
    of a modality are the positions of its maps, averaged down to at most 8 x 8, from all images of
    the batch that have it: at most 64 N. The mean of five Gaussian kernels exp(-d / (s b)) compares
    both sets with themselves and with each other. Here d is the squared distance, b is its mean
    over all pairs of samples of all modalities, and s = 1/4, 1/2, 1, 2, 4.

    We do not use the squared distance of corresponding features (L2). It trains all modalities to
    say the same about a pixel, but fusion needs their differences. It also falls if all features
    shrink. The MMD compares statistics, and because of b, a common scale does not change it.

    Activation checkpointing must be non-reentrant, as in the backbones of this project.

    Args:
        num_modalities: Number of modalities M.
        channels: Not needed: the operator has no parameters.
        weight: Weight of the loss ``fusion.loss_align``.

    Shape:
        - Maps: folded (N*M, C, H, W), for input and output.

    Raises:
        ValueError: If the weight is negative, or the batch is not a multiple of M.
    """

    keeps_losses = True

    def __init__(
        self, num_modalities: int, channels: int | None = None, weight: float = 1.0
    ) -> None:
        super().__init__(num_modalities, channels)
        if weight < 0:
            raise ValueError(f'weight must not be negative, got {weight}')
        self.weight = weight

    def leave(self, x: Tensor, carry: None) -> Tensor:
        """Keep the loss, and return the maps unchanged."""
        if self.num_modalities > 1 and self.has_losses:
            with torch.autocast(x.device.type, enabled=False):  # a small difference of large sums
                samples = _sample(x.float(), self.num_modalities).unbind()
                if self.presence is not None:
                    samples = _of_present(samples, self.presence)
                loss = self.weight * _mean_discrepancy(samples)
            self.keep_loss('loss_align', loss)
        return x


def _sample(x: Tensor, num_modalities: int) -> Tensor:
    """Pool maps and use their positions as samples, (N*M, C, H, W) -> (M, S, C)."""
    height, width = (min(side, _MAX_SIDE) for side in x.shape[2:])
    pooled = F.adaptive_avg_pool2d(x, (height, width))
    maps = unfold_modalities(pooled, num_modalities).unflatten(1, (num_modalities, -1))
    return maps.permute(1, 0, 3, 4, 2).flatten(1, 3)


def _of_present(samples: Sequence[Tensor], presence: Tensor) -> list[Tensor]:
    """Drop samples of images that lack a modality, and modalities without samples."""
    count, device = len(samples[0]) // len(presence), samples[0].device
    images = on_host(presence).repeat_interleave(count, dim=0)  # (S, M)
    there = zip(samples, images.unbind(1))
    return [own[places(rows, device)] for own, rows in there if rows.any()]


def _mean_discrepancy(samples: Sequence[Tensor]) -> Tensor:
    """Compute the squared MMD between samples, (S, C) each; return the mean over all pairs."""
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
