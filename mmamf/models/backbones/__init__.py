from .shared_multimodal_backbone import SharedMultimodalBackbone
from .shared_multimodal_resnet import SharedMultimodalResNet

__all__ = ['SharedMultimodalBackbone', 'SharedMultimodalResNet']
