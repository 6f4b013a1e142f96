from .modality import Modality, read_modalities

__all__ = ['Modality', 'read_modalities']
