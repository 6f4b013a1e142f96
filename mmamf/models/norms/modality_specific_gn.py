import torch.nn as nn
from mmengine.registry import MODELS

from .modality_specific_norm import ModalitySpecificNorm


@MODELS.register_module()
class ModalitySpecificGN(ModalitySpecificNorm):
    """Group normalization with weight and bias of its own for every modality.

    The statistics of group normalization are those of one map, so private ones are all it ever had;
    private are its parameters. M layers with G groups are one layer with M*G groups.

    Args:
        num_features: Channels C of one modality.
        num_modalities: Number of modalities M.
        num_groups: Groups G within the channels of one modality.
        **kwargs: Passed on to :class:`torch.nn.GroupNorm`.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).

    Raises:
        ValueError: If the batch is not a multiple of M, or a checkpoint has another M.
    """

    _abbr_ = 'gn'

    def __init__(self, num_features: int, num_modalities: int, num_groups: int, **kwargs) -> None:
        super().__init__(
            num_features, num_modalities, num_groups=num_groups * num_modalities, **kwargs
        )

    @staticmethod
    def norm_class(num_channels: int, num_groups: int, **kwargs) -> nn.GroupNorm:
        """Build torch's layer, whose arguments come in the opposite order."""
        return nn.GroupNorm(num_groups, num_channels, **kwargs)
