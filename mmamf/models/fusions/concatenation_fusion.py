from mmengine.registry import MODELS
from torch import Tensor, nn

from .fusion_operator import FusionOperator


@MODELS.register_module()
class ConcatenationFusion(FusionOperator):
    """Concatenate the maps of all modalities, and mix them with a 1 x 1 convolution.

    The plainest baseline of `Deep Multimodal Fusion by Channel Exchanging
    <https://arxiv.org/abs/2011.05005>`_ (NeurIPS 2020) and of later papers. There the mixed maps go
    into one network; here every modality gets its own mix, so the convolution has M*C input and M*C
    output channels. It starts as the identity: every modality first continues with its own maps.

    In the concatenation, the maps of absent modalities are zero.

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
            self.mix = nn.Conv2d(width, width, 1, bias=False)
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as the identity."""
        if self.num_modalities > 1:
            nn.init.dirac_(self.mix.weight)

    def leave(self, x: Tensor, carry: None) -> Tensor:
        """Mix the maps."""
        if self.num_modalities == 1:
            return x
        mixed = self.mix(self._stack(x))
        return self.fold_received(x, mixed.unflatten(1, (self.num_modalities, -1)))
