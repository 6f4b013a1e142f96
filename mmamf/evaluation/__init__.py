from .calibration_metric import CalibrationMetric
from .feature_distance_metric import FeatureDistanceMetric
from .lpips_metric import LPIPSMetric
from .multimodal_iou_metric import MultimodalIoUMetric
from .networks import BackboneFeatures, EfficientNetLite0Features, InceptionFeatures
from .translation_metric import TranslationMetric

__all__ = [
    'BackboneFeatures',
    'CalibrationMetric',
    'EfficientNetLite0Features',
    'FeatureDistanceMetric',
    'InceptionFeatures',
    'LPIPSMetric',
    'MultimodalIoUMetric',
    'TranslationMetric',
]
