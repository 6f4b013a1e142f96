from .backbones import SharedMultimodalBackbone, SharedMultimodalResNet
from .data_preprocessors import MultimodalSegDataPreProcessor
from .decode_heads import ModalityEnsembleHead, RefineNetHead
from .fusions import ChannelShufflePixelShiftFusion, FusionOperator
from .norms import ModalitySpecificBN, ModalitySpecificIN
from .segmentors import MultimodalSegmentor, MultimodalTTAModel

__all__ = [
    'ChannelShufflePixelShiftFusion',
    'FusionOperator',
    'ModalityEnsembleHead',
    'ModalitySpecificBN',
    'ModalitySpecificIN',
    'MultimodalSegDataPreProcessor',
    'MultimodalSegmentor',
    'MultimodalTTAModel',
    'RefineNetHead',
    'SharedMultimodalBackbone',
    'SharedMultimodalResNet',
]
