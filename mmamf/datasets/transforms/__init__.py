from .class_balanced_crop import ClassBalancedCrop
from .corruptions import (
    DeadModality,
    DepthHoles,
    GaussianNoise,
    LowLight,
    Misregistration,
    QuantizedDepth,
)
from .load_label_map import LoadLabelMap
from .load_multimodal_images import LoadMultimodalImages
from .load_translation_images import LoadTranslationImages
from .lost_readings import LostReadings
from .mirror_normals import MirrorNormals
from .modality_dropout import ModalityDropout
from .pack_multimodal_seg_inputs import PackMultimodalSegInputs
from .pack_translation_inputs import PackTranslationInputs
from .random_scale import RandomScale
from .salt_and_pepper import SaltAndPepper

__all__ = [
    'ClassBalancedCrop',
    'DeadModality',
    'DepthHoles',
    'GaussianNoise',
    'LoadLabelMap',
    'LoadMultimodalImages',
    'LoadTranslationImages',
    'LostReadings',
    'LowLight',
    'MirrorNormals',
    'Misregistration',
    'ModalityDropout',
    'PackMultimodalSegInputs',
    'PackTranslationInputs',
    'QuantizedDepth',
    'RandomScale',
    'SaltAndPepper',
]
