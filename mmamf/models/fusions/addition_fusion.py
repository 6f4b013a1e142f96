from mmengine.registry import MODELS
from torch import Tensor

from .fusion_operator import FusionOperator


@MODELS.register_module()
class AdditionFusion(FusionOperator):
    """Replace the maps of every modality by the sum, or the mean, of all.

    The oldest fusion of two encoders: `FuseNet
    <https://doi.org/10.1007/978-3-319-54181-5_14>`_ (ACCV 2016) adds the maps of depth to those of
    RGB. Here every modality receives the sum, because each has a prediction of its own. The
    operator has no parameters.

    Args:
        num_modalities: Number of modalities M.
        channels: Not needed: the operator has no parameters.
        average: Whether to divide the sum by M, or by the number of modalities present.

    Shape:
        - Maps: folded (N*M, C, H, W), for input and output.

    Raises:
        ValueError: If the batch is not a multiple of M.
    """

    def __init__(
        self, num_modalities: int, channels: int | None = None, average: bool = False
    ) -> None:
        super().__init__(num_modalities, channels)
        self.average = average

    def leave(self, x: Tensor, carry: None) -> Tensor:
        """Add the maps up."""
        if self.num_modalities == 1:
            return x
        maps = self.present_maps(x)
        total = maps.sum(1, keepdim=True)
        if self.average:
            total = total / self.count_present()
        return self.fold_received(x, total.expand_as(maps))
