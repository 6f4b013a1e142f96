from .banded_conv import BandedConv
from .modality_specific_conv import ModalitySpecificConv

__all__ = ['BandedConv', 'ModalitySpecificConv']
