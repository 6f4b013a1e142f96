from .shared_multimodal_resnet import SharedMultimodalResNet

__all__ = ['SharedMultimodalResNet']
