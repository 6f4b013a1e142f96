from .multimodal_pix2pix import MultimodalPix2Pix

__all__ = ['MultimodalPix2Pix']
