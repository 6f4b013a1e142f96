from .backbone_features import BackboneFeatures
from .efficientnet_lite0_features import EfficientNetLite0Features
from .inception_features import InceptionFeatures

__all__ = ['BackboneFeatures', 'EfficientNetLite0Features', 'InceptionFeatures']
