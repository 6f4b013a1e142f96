from mmengine.registry import MODELS
from torch import Tensor, nn

from .fusion_operator import FusionOperator

_REDUCTION = 16  # as in ESANet


@MODELS.register_module()
class SqueezeExcitationFusion(FusionOperator):
    """Reweight the channels of each modality by its own squeeze and excitation, and add all up.

    From `Efficient RGB-D Semantic Segmentation for Indoor Scene Analysis
    <https://arxiv.org/abs/2011.06961>`_ (ESANet, ICRA 2021): the mean over the map goes through two
    1 x 1 convolutions, C -> C // 16 -> C, with ReLU and sigmoid; the result scales the channels.
    ESANet adds depth into RGB only. Here every modality receives the sum, and there may be more
    than two. The layers start with torch's defaults, so all scales start near 1/2: the sum is then
    close to the mean of two modalities, or to 3/2 of the mean of three.

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
            # M private pairs of layers are one grouped pair. mmseg's SELayer would round the
            # channels.
            squeezed = num_modalities * max(channels // _REDUCTION, 1)
            self.squeeze = nn.Conv2d(width, squeezed, 1, groups=num_modalities)
            self.excite = nn.Conv2d(squeezed, width, 1, groups=num_modalities)

    def reset_parameters(self) -> None:
        """Start with torch's defaults."""
        for layer in self.children():
            layer.reset_parameters()

    def leave(self, x: Tensor, carry: None) -> Tensor:
        """Add up the reweighted maps."""
        m = self.num_modalities
        if m == 1:
            return x
        stacked = self._stack(x)
        scale = self.excite(self.squeeze(stacked.mean((2, 3), keepdim=True)).relu()).sigmoid()
        maps = (stacked * scale).unflatten(1, (m, -1))  # (N, M, C, H, W)
        return self.fold_received(x, maps.sum(1, keepdim=True).expand_as(maps))
