from .class_balanced_crop import ClassBalancedCrop
from .corruptions.dead_modality import DeadModality
from .corruptions.depth_holes import DepthHoles
from .corruptions.gaussian_noise import GaussianNoise
from .corruptions.lost_readings import LostReadings
from .corruptions.low_light import LowLight
from .corruptions.misregistration import Misregistration
from .corruptions.quantized_depth import QuantizedDepth
from .corruptions.salt_and_pepper import SaltAndPepper
from .load_label_map import LoadLabelMap
from .load_multimodal_images import LoadMultimodalImages
from .load_translation_images import LoadTranslationImages
from .mirror_normals import MirrorNormals
from .modality_dropout import ModalityDropout
from .pack_multimodal_seg_inputs import PackMultimodalSegInputs
from .pack_translation_inputs import PackTranslationInputs
from .random_scale import RandomScale

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
