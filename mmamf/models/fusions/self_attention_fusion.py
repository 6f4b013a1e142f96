import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from .fusion_operator import FusionOperator

_REDUCTION = 16  # as at the end of SSMA's encoders


@MODELS.register_module()
class SelfAttentionFusion(FusionOperator):
    """Gate the concatenated maps by attention computed from all of them, and mix them.

    From `Self-Supervised Model Adaptation for Multimodal Semantic Segmentation
    <https://arxiv.org/abs/1808.03833>`_ (SSMA, IJCV 2020), the baseline called self-attention in
    later papers. Two 3 x 3 convolutions, M*C -> M*C // 16 -> M*C, with ReLU and sigmoid, compute a
    gate for every channel and pixel. One more convolution mixes the gated maps. In SSMA's code that
    convolution is 1 x 1 and makes one map for one decoder; only at the end of the encoders a norm
    follows it. Here it makes a map for every modality, without a norm, because the next layer of
    the network has one.

    All gates start at 1/2 and the mix at twice the identity, so that every modality starts with its
    own maps. In the concatenation, the maps of absent modalities are zero.

    Args:
        num_modalities: Number of modalities M.
        channels: Channels C of the maps.

    Shape:
        - Maps: folded (N*M, C, H, W), for input and output.

    Raises:
        ValueError: If ``channels`` is missing or other than that of the maps, or the batch is not a
            multiple of M.
    """

    def __init__(self, num_modalities: int, channels: int | None = None) -> None:
        super().__init__(num_modalities, channels)
        width = self._stacked_channels()
        if num_modalities > 1:
            squeezed = max(width // _REDUCTION, 1)
            self.squeeze = nn.Conv2d(width, squeezed, 3, padding=1)
            self.excite = nn.Conv2d(squeezed, width, 3, padding=1)
            self.mix = nn.Conv2d(width, width, 1, bias=False)
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as the identity."""
        if self.num_modalities > 1:
            self.squeeze.reset_parameters()
            nn.init.zeros_(self.excite.weight)
            nn.init.zeros_(self.excite.bias)
            nn.init.dirac_(self.mix.weight)
            with torch.no_grad():
                self.mix.weight.mul_(2)

    def leave(self, x: Tensor, carry: None) -> Tensor:
        """Gate and mix the maps."""
        if self.num_modalities == 1:
            return x
        stacked = self._stack(x)
        gate = self.excite(self.squeeze(stacked).relu()).sigmoid()
        mixed = self.mix(stacked * gate)
        return self.fold_received(x, mixed.unflatten(1, (self.num_modalities, -1)))
