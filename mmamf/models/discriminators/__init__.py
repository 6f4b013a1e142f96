from .multimodal_patch_discriminator import MultimodalPatchDiscriminator

__all__ = ['MultimodalPatchDiscriminator']
