"""Norm layers with private parameters and statistics for every modality.

From `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
<https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020), for batch and instance normalization. The
authors keep a list of M layers and call them in turn. Here they are one layer over M*C channels,
with equal results.

Use one as ``norm_cfg=dict(type='ModalitySpecificBN', num_modalities=M)``. All of them take folded
maps (N*M, C, H, W). They raise a ValueError if M does not divide the batch or a checkpoint has
another M. A plain checkpoint gives every modality its values (:class:`ModalitySpecificLayer`).
"""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from ..modality_axis import is_channels_last, separate_modalities
from ..tracing import is_eager
from .modality_specific_norm import ModalitySpecificNorm, forget_view


# mmseg's initializers look for the name _BatchNorm among the direct bases, so it is one of them.
@MODELS.register_module()
class ModalitySpecificBN(ModalitySpecificNorm, nn.BatchNorm2d, _BatchNorm):
    """Batch normalization with weight, bias and running statistics of each modality.

    Args:
        num_features: Channels C of one modality.
        num_modalities: Number of modalities M.
        **kwargs: Passed on to :class:`torch.nn.BatchNorm2d`.
    """

    keeps_its_input = True
    _abbr_ = 'bn'  # prefix of mmcv's attribute, and so of pretrained keys

    def apply_private(self, x: Tensor) -> Tensor:
        """Apply each modality's own layer."""
        frozen = not self.training and self.track_running_stats and self.affine
        frozen = frozen and not self._uses_parts()
        if not frozen or not is_eager(x) or not is_channels_last(x):
            return super().apply_private(x)
        # In channels-last memory, unfolding is a copy, and folding is another one.
        maps = separate_modalities(x, self.num_modalities)  # (N, M, C, H, W)
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        # cloned, because backward reads it, and training may have updated it by then
        shift = self.bias - self.running_mean.clone() * scale
        sizes = (self.num_modalities, -1, 1, 1)
        out = torch.addcmul(shift.view(sizes), maps, scale.view(sizes))
        return forget_view(out.flatten(0, 1))


class ModalitySpecificSyncBN(ModalitySpecificNorm, nn.SyncBatchNorm, _BatchNorm):
    """Batch normalization of each modality with statistics of all processes.

    torch converts a :class:`ModalitySpecificBN` into it.
    """

    keeps_its_input = True


@MODELS.register_module()
class ModalitySpecificIN(ModalitySpecificNorm, nn.InstanceNorm2d, _InstanceNorm):
    """Instance normalization with parameters and running statistics of each modality.

    Without ``affine`` and ``track_running_stats`` nothing in it is private, and it equals
    :class:`torch.nn.InstanceNorm2d`.

    Args:
        num_features: Channels C of one modality.
        num_modalities: Number of modalities M.
        **kwargs: Passed on to :class:`torch.nn.InstanceNorm2d`.
    """

    _abbr_ = 'in'


@MODELS.register_module()
class ModalitySpecificGN(ModalitySpecificNorm, nn.GroupNorm):
    """Group normalization with weight and bias of each modality.

    It takes its statistics from one map. M layers with G groups are one layer with M*G groups.

    Args:
        num_features: Channels C of one modality.
        num_modalities: Number of modalities M.
        num_groups: Groups G within the channels of one modality.
        **kwargs: Passed on to :class:`torch.nn.GroupNorm`.
    """

    _abbr_ = 'gn'

    def __init__(self, num_features: int, num_modalities: int, num_groups: int, **kwargs) -> None:
        # The first argument of torch's class, which the mixin multiplies by M, counts groups.
        channels = num_features * num_modalities
        super().__init__(num_groups, num_modalities, num_channels=channels, **kwargs)


@MODELS.register_module()
class ModalitySpecificLN(ModalitySpecificNorm, nn.LayerNorm):
    """Layer normalization with weight and bias of each modality.

    Unlike the other norms, M of them are not one layer over M*C channels, because each position is
    normalized by itself. All modalities are normalized at once, then scaled and shifted.

    Args:
        num_features: Channels C of one modality, the last axis of the input.
        num_modalities: Number of modalities M.
        **kwargs: Passed on to :class:`torch.nn.LayerNorm`.

    Shape:
        - Input and output: folded tokens (N*M, ..., C), such as (N*M, L, C) or (N*M, H, W, C).
    """

    _abbr_ = 'ln'

    def apply_private(self, x: Tensor) -> Tensor:
        """Normalize every position, then scale and shift it with its modality's values."""
        m = self.num_modalities
        if x.shape[0] % m:
            raise ValueError(
                f'a folded batch of {x.shape[0]} rows does not hold {m} modalities per sample: '
                f'expected a multiple of {m}, got an input of shape {tuple(x.shape)}'
            )
        if m == 1:
            return nn.LayerNorm.forward(self, x)
        x = F.layer_norm(x, (self.normalized_shape[0] // m,), eps=self.eps)
        if self.weight is None:
            return x
        scale = self._repeat(self.weight, x)
        return (
            x * scale if self.bias is None else torch.addcmul(self._repeat(self.bias, x), x, scale)
        )

    def _repeat(self, values: Tensor, x: Tensor) -> Tensor:
        """Repeat private values in the order of the rows, (M*C,) -> (N*M, 1, ..., C)."""
        # It repeats the few values; with a view of x, an exporter would fix the sizes.
        m, ones = self.num_modalities, (1,) * (x.dim() - 2)
        return values.view(m, *ones, -1).repeat(x.shape[0] // m, *ones, 1)


class ModalitySpecificCopies(ModalitySpecificNorm):
    """Mixin for norms that cannot be one layer over M*C channels: it calls M layers in turn.

    These are channel-first layer norms, root mean square norms, and norms of other libraries. It is
    slower than the other private norms, because it takes maps out of the batch and puts them back.

    Shape:
        - Input and output: folded maps or tokens (N*M, ...).
    """

    def apply_private(self, x: Tensor) -> Tensor:
        """Call the layer for every modality, with that modality's values."""
        return self._call_copies(x)
