import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from ..norms import ModalitySpecificNorm
from .fusion_operator import FusionOperator


@MODELS.register_module()
class ChannelExchangeFusion(FusionOperator):
    """Replace channels with almost zero scale in their private norm by other modalities' channels.

    From `Deep Multimodal Fusion by Channel Exchanging <https://arxiv.org/abs/2011.05005>`_ (CEN,
    NeurIPS 2020). If the absolute scale of channel c in the private norm of modality m is below the
    threshold, the channel becomes the mean of the channels c of the other modalities. The channels
    are divided into M parts of equal size. In modality m, only channels of part m may be replaced,
    and only their scales are penalized, by the sum of their absolute values. So modalities exchange
    disjoint channels, as in the paper. The authors' code, which is for M = 2, differs from it: it
    also replaces channels outside the parts and, in segmentation, counts the penalty once for every
    output.

    CEN exchanges between norm and ReLU in every block. Here ``leave`` exchanges, in fused blocks
    only. In a ResNet this is after the ReLU. For M = 2 that makes no difference, because a channel
    is replaced as a whole; for M > 2, the replacement is a mean of rectified maps. In a U-Net, the
    exchange follows the norm (and dropout) of a decoder step. CEN's authors exchange in the encoder
    of their U-Net, with a threshold of 1e-2 and a penalty of 1e-3.

    The operator has no parameters. Norms start with scales of 1 (or a checkpoint's), so nothing is
    exchanged until training has brought some scales below the threshold. The scale of a replaced
    channel gets no gradient except the penalty's.

    Args:
        num_modalities: Number of modalities M.
        channels: Not needed: the operator has no parameters.
        threshold: A channel is replaced if its absolute scale is below this value.
        sparsity: Weight of the penalty ``fusion.loss_sparsity``, which is the sum over the fusion
            points.

    Shape:
        - Maps: folded (N*M, C, H, W), for input and output.

    Raises:
        ValueError: If the norm has no private scales, there is no norm (as in a neck), the
            threshold or the penalty is negative, or the batch is not a multiple of M.
    """

    keeps_losses = True

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
        self._norm: tuple[ModalitySpecificNorm, ...] = ()  # in a tuple: not a submodule

    def attach_norm(self, norm: nn.Module) -> None:
        """Keep the norm whose scales select the channels."""
        m = self.num_modalities
        if m == 1:
            return
        if not isinstance(norm, ModalitySpecificNorm) or norm.weight is None:
            raise ValueError(
                "ChannelExchangeFusion: expected norm_cfg=dict(type='ModalitySpecificBN') or "
                f'another modality-specific norm with affine weights, got {norm}'
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
        """Count the other modalities present in the sample; at least 1, as it is a divisor."""
        count = self.count_present()
        return count - 1 if isinstance(count, int) else (count - 1).clamp(min=1)

    def _scales(self) -> Tensor:
        """Look up the scales of the private norms, (M, C)."""
        if not self._norm:
            raise ValueError(
                'ChannelExchangeFusion: expected a private norm at its fusion point, got none: use '
                'it as `fusion` of a backbone or a generator, not as a neck; with fuse_at, around '
                'modules that contain a norm'
            )
        return self._norm[0].weight.unflatten(0, (self.num_modalities, -1))


def _parts(num_modalities: int, channels: int, device: torch.device) -> Tensor:
    """Mark the channels that belong to every modality's part, (M, C)."""
    part = torch.arange(channels, device=device) * num_modalities // channels
    return part == torch.arange(num_modalities, device=device)[:, None]
