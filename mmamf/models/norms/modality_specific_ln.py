import torch
import torch.nn as nn
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor

from .modality_specific_norm import ModalitySpecificNorm


@MODELS.register_module()
class ModalitySpecificLN(ModalitySpecificNorm):
    """Layer normalization with weight and bias of its own for every modality.

    Unlike the other norms, M of them are not one layer over M*C channels, as each position is
    normalized by itself. The child holds the M*C parameters, where optimizers and initializers look
    for them, and is not called: all modalities are normalized at once, then scaled and shifted.

    Args:
        num_features: Channels C of one modality, the last axis of the input.
        num_modalities: Number of modalities M.
        **kwargs: Passed on to :class:`torch.nn.LayerNorm`.

    Shape:
        - Input and output: folded tokens (N*M, ..., C), such as (N*M, L, C) or (N*M, H, W, C).

    Raises:
        ValueError: If the batch is not a multiple of M, or a checkpoint has another M.
    """

    _abbr_ = 'ln'
    private_entries = ('weight', 'bias')
    norm_class = nn.LayerNorm

    def forward(self, x: Tensor) -> Tensor:
        """Normalize every position, and apply its own scale and shift to every modality."""
        m, norm = self.num_modalities, self.norm
        if x.shape[0] % m:
            raise ValueError(
                f'a folded batch of {x.shape[0]} rows does not hold {m} modalities per sample: '
                f'expected a multiple of {m}, got an input of shape {tuple(x.shape)}'
            )
        if m == 1:
            return norm(x)
        x = F.layer_norm(x, (self.num_features,), eps=norm.eps)
        if norm.weight is None:
            return x
        scale = self._repeat(norm.weight, x)
        return (
            x * scale if norm.bias is None else torch.addcmul(self._repeat(norm.bias, x), x, scale)
        )

    def _repeat(self, values: Tensor, x: Tensor) -> Tensor:
        """Bring private values into the order of the rows, (M*C,) -> (N*M, 1, ..., C)."""
        # The few values instead of a view of x: an exporter would fix the sizes of that.
        m, ones = self.num_modalities, (1,) * (x.dim() - 2)
        return values.view(m, *ones, -1).repeat(x.shape[0] // m, *ones, 1)
