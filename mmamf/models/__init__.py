from .backbones import SharedMultimodalBackbone, SharedMultimodalResNet
from .convs import ModalitySpecificConv
from .data_preprocessors import (
    MultimodalSegDataPreprocessor,
    MultimodalTranslationDataPreprocessor,
)
from .decode_heads import ModalityEnsembleHead, RefineNetHead
from .discriminators import MultimodalPatchDiscriminator
from .fusions import (
    AdditionFusion,
    AlignmentFusion,
    ChannelExchangeFusion,
    ChannelShufflePixelShiftFusion,
    ConcatenationFusion,
    FusionOperator,
    SelfAttentionFusion,
    ShuffleShiftAblation,
    SqueezeExcitationFusion,
    fusion_losses,
)
from .generators import SharedMultimodalUnetGenerator
from .norms import (
    ModalitySpecificBN,
    ModalitySpecificGN,
    ModalitySpecificIN,
    ModalitySpecificLN,
    SharedBN,
)
from .segmentors import MultimodalSegmentor, MultimodalTTAModel
from .translators import MultimodalPix2Pix

__all__ = [
    'AdditionFusion',
    'AlignmentFusion',
    'ChannelExchangeFusion',
    'ChannelShufflePixelShiftFusion',
    'ConcatenationFusion',
    'FusionOperator',
    'ModalityEnsembleHead',
    'ModalitySpecificBN',
    'ModalitySpecificConv',
    'ModalitySpecificGN',
    'ModalitySpecificIN',
    'ModalitySpecificLN',
    'MultimodalPatchDiscriminator',
    'MultimodalPix2Pix',
    'MultimodalSegDataPreprocessor',
    'MultimodalSegmentor',
    'MultimodalTTAModel',
    'MultimodalTranslationDataPreprocessor',
    'RefineNetHead',
    'SelfAttentionFusion',
    'SharedBN',
    'SharedMultimodalBackbone',
    'SharedMultimodalResNet',
    'SharedMultimodalUnetGenerator',
    'ShuffleShiftAblation',
    'SqueezeExcitationFusion',
    'fusion_losses',
]
