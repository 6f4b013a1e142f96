from .shared_multimodal_unet_generator import SharedMultimodalUnetGenerator

__all__ = ['SharedMultimodalUnetGenerator']
