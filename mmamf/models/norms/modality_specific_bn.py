import torch
import torch.nn as nn
from mmengine.registry import MODELS
from torch import Tensor

from .channels_last_batch_norm import batch_norm_channels_last, fits_channels_last
from .modality_specific_norm import ModalitySpecificNorm


@MODELS.register_module()
class ModalitySpecificBN(ModalitySpecificNorm):
    """Batch normalization with weight, bias and running statistics of its own for every modality.

    From `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020). The authors keep a list of M layers and call
    them one by one; here they are one layer over M*C channels, with the same numbers.

    Use it as ``norm_cfg=dict(type='ModalitySpecificBN', num_modalities=M)``. See
    :class:`ModalitySpecificLayer` for checkpoints.

    Args:
        num_features: Channels C of one modality.
        num_modalities: Number of modalities M.
        **kwargs: Passed on to :class:`torch.nn.BatchNorm2d`.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).

    Raises:
        ValueError: If the batch is not a multiple of M, or a checkpoint has another M.
    """

    _abbr_ = 'bn'  # mmcv names the attribute after this, and pretrained keys start with it
    norm_class = nn.BatchNorm2d

    def forward(self, x: Tensor) -> Tensor:
        """Apply its own layer to every modality, in the layout of the input."""
        if self.presence is None and fits_channels_last(x, self.norm):
            return batch_norm_channels_last(x, self.norm, self.num_modalities)
        out = super().forward(x)
        # torch's layers keep their input for the gradient, not what they return
        owned = type(self.norm) in (nn.BatchNorm2d, nn.SyncBatchNorm)
        return _as_own(out) if owned and out.requires_grad else out


def _as_own(out: Tensor) -> Tensor:
    """Let autograd forget that a tensor is a view of one that nobody else has.

    A ReLU that changes a view in place would cost three copies of it in the backward pass.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return out
    return torch.ops.aten._unsafe_view(out, out.shape)
