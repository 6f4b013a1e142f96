from .backbones import SharedMultimodalBackbone, SharedMultimodalResNet
from .data_preprocessors import (
    MultimodalSegDataPreProcessor,
    MultimodalTranslationDataPreprocessor,
)
from .decode_heads import ModalityEnsembleHead, RefineNetHead
from .discriminators import MultimodalPatchDiscriminator
from .fusions import ChannelShufflePixelShiftFusion, FusionOperator
from .generators import SharedMultimodalUnetGenerator
from .norms import ModalitySpecificBN, ModalitySpecificIN
from .segmentors import MultimodalSegmentor, MultimodalTTAModel
from .translators import MultimodalPix2Pix

__all__ = [
    'ChannelShufflePixelShiftFusion',
    'FusionOperator',
    'ModalityEnsembleHead',
    'ModalitySpecificBN',
    'ModalitySpecificIN',
    'MultimodalPatchDiscriminator',
    'MultimodalPix2Pix',
    'MultimodalSegDataPreProcessor',
    'MultimodalSegmentor',
    'MultimodalTTAModel',
    'MultimodalTranslationDataPreprocessor',
    'RefineNetHead',
    'SharedMultimodalBackbone',
    'SharedMultimodalResNet',
    'SharedMultimodalUnetGenerator',
]
