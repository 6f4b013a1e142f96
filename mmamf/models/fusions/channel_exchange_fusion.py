import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from ..norms import ModalitySpecificNorm
from .fusion_operator import FusionOperator


@MODELS.register_module()
class ChannelExchangeFusion(FusionOperator):
    """Replace channels that a private norm scales to almost nothing by those of other modalities.

    From `Deep Multimodal Fusion by Channel Exchanging <https://arxiv.org/abs/2011.05005>`_ (CEN,
    NeurIPS 2020). Channel c of modality m becomes the mean of the other modalities' channels c
    where the absolute scale of its private norm is below the threshold. The channels are divided
    into M parts of equal size; of modality m, only those of part m may be replaced, and only their
    scales are penalized, by the sum of their absolute values. So the parts that are exchanged are
    disjoint, as in the paper. The authors' code is for M = 2 and does otherwise: it replaces
    channels outside the parts as well and, in segmentation, counts the penalty for every output.

    CEN exchanges between norm and ReLU, in every block; here it is done where ``leave`` is, in the
    blocks that are fused. In a ResNet that is after the ReLU, which makes no difference for M = 2,
    where a channel is replaced as a whole, but for M > 2, where it becomes a mean of rectified
    maps. In a U-Net it is after the norm of a decoder's step (and its dropout). There the authors
    exchange in the encoder, with a threshold of 1e-2 and a penalty of 1e-3.

    It has no parameters. Norms start with scales of 1 (or a checkpoint's), so nothing is exchanged
    before training has brought some below the threshold. A replaced channel gets no gradient but
    the penalty's.

    Args:
        num_modalities: Number of modalities M.
        channels: Not needed: the operator has no parameters.
        threshold: Absolute scale below which a channel is replaced.
        sparsity: Weight of the penalty ``fusion.loss_sparsity``, which is summed over the fusion
            points.

    Shape:
        - Maps: folded (N*M, C, H, W), input and output alike.

    Raises:
        ValueError: If the norm has no private scales, there is none (as in a neck), the threshold
            or the penalty is negative, or the batch is not a multiple of M.
    """

    def __init__(
        self,
        num_modalities: int,
        channels: int | None = None,
        threshold: float = 2e-2,
        sparsity: float = 2e-4,
    ) -> None:
        super().__init__(num_modalities, channels)
        for name, value in (('threshold', threshold), ('sparsity', sparsity)):
            if value < 0:
                raise ValueError(f'{name} must not be negative, got {value}')
        self.threshold = threshold
        self.sparsity = sparsity
        self._norm: tuple[ModalitySpecificNorm, ...] = ()  # in a tuple it is no child

    def attach_norm(self, norm: nn.Module) -> None:
        """Remember the norm whose scales decide."""
        m = self.num_modalities
        if m == 1:
            return
        if not isinstance(norm, ModalitySpecificNorm) or norm.weight is None:
            raise ValueError(
                'ChannelExchangeFusion is usable only with private norms: expected norm_cfg='
                "dict(type='ModalitySpecificBN') or another modality-specific norm with affine "
                f'weights, got {norm}'
            )
        if norm.num_modalities != m:
            raise ValueError(
                f'ChannelExchangeFusion: expected a norm of {m} modalities, '
                f'got one of {norm.num_modalities}'
            )
        self._norm = (norm,)

    def leave(self, x: Tensor, carry: None) -> Tensor:
        """Exchange the channels, and keep the penalty."""
        m = self.num_modalities
        if m == 1:
            return x
        scales = self._scales()
        exchangeable = _parts(*scales.shape, scales.device)
        if self.has_losses:
            penalty = self.sparsity * (scales.abs() * exchangeable).sum()
            self.keep_loss('loss_sparsity', penalty)
        maps = self.present_maps(x)
        others = sum(maps.roll(-step, dims=1) for step in range(1, m)) / self._count_others()
        replaced = exchangeable & (scales.detach().abs() < self.threshold)
        return self.fold_received(x, torch.where(replaced[:, :, None, None], others, maps))

    def _count_others(self) -> Tensor | int:
        """Count the modalities besides a present one; where there is none, as if there was one."""
        count = self.count_present()
        return count - 1 if isinstance(count, int) else (count - 1).clamp(min=1)

    def _scales(self) -> Tensor:
        """Look up the scales of the private norms, (M, C)."""
        if not self._norm:
            raise ValueError(
                'ChannelExchangeFusion reads the scales of the private norm at its fusion point, '
                'got no norm: it works as `fusion` of a backbone or a generator, not as a neck'
            )
        return self._norm[0].weight.unflatten(0, (self.num_modalities, -1))


def _parts(num_modalities: int, channels: int, device: torch.device) -> Tensor:
    """Mark the part of the channels that belongs to every modality, (M, C)."""
    part = torch.arange(channels, device=device) * num_modalities // channels
    return part == torch.arange(num_modalities, device=device)[:, None]
