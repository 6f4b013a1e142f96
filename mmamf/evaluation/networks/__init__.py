from .backbone_features import BackboneFeatures, EfficientNetLite0Features
from .inception_features import InceptionFeatures

__all__ = ['BackboneFeatures', 'EfficientNetLite0Features', 'InceptionFeatures']
