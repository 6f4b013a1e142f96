from .channel_shuffle_pixel_shift_fusion import ChannelShufflePixelShiftFusion
from .fusion_operator import FusionOperator

__all__ = ['ChannelShufflePixelShiftFusion', 'FusionOperator']
