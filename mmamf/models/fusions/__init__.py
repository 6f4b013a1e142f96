from .addition_fusion import AdditionFusion
from .alignment_fusion import AlignmentFusion
from .channel_exchange_fusion import ChannelExchangeFusion
from .channel_shuffle_pixel_shift_fusion import ChannelShufflePixelShiftFusion
from .concatenation_fusion import ConcatenationFusion
from .fusion_losses import fusion_losses
from .fusion_operator import FusionOperator
from .self_attention_fusion import SelfAttentionFusion
from .shuffle_shift_ablation import ShuffleShiftAblation
from .squeeze_excitation_fusion import SqueezeExcitationFusion

__all__ = [
    'AdditionFusion',
    'AlignmentFusion',
    'ChannelExchangeFusion',
    'ChannelShufflePixelShiftFusion',
    'ConcatenationFusion',
    'FusionOperator',
    'SelfAttentionFusion',
    'ShuffleShiftAblation',
    'SqueezeExcitationFusion',
    'fusion_losses',
]
