from collections.abc import Sequence

from mmengine.model import BaseModule
from mmengine.registry import MODELS
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.utils import ConfigType
from torch import Tensor

from ..modality_axis import fold_modalities


@MODELS.register_module()
class SharedMultimodalBackbone(BaseModule):
    """Run any mmseg backbone on every modality, by folding the modalities into its batch.

    All of the backbone is shared, its norm layers too, unless its ``conv_cfg`` or ``norm_cfg``
    names a modality-specific layer, with M in it. Nothing crosses between the modalities inside; a
    fusion operator as the neck exchanges features of the pyramid.

    Args:
        num_modalities: Number of modalities M.
        backbone: Config of the backbone, for the channels of one modality.

    Shape:
        - Input: (N, M*C, H, W), the modalities stacked along channels.
        - Output: a pyramid of folded maps (N*M, C_i, H_i, W_i).

    Raises:
        ValueError: If M does not divide the channels of an input.
    """

    def __init__(self, num_modalities: int, backbone: ConfigType) -> None:
        super().__init__()
        self.num_modalities = num_modalities
        self.backbone = MMSEG_MODELS.build(backbone)

    def forward(self, x: Tensor) -> Sequence[Tensor]:
        """Fold the modalities into the batch and run the backbone."""
        return self.backbone(fold_modalities(x, self.num_modalities))
