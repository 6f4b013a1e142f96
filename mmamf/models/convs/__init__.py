from .modality_specific_conv import ModalitySpecificConv

__all__ = ['ModalitySpecificConv']
