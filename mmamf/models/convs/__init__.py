from .banded_conv import BandedConv
from .make_convs_private import make_convs_private
from .modality_specific_conv import ModalitySpecificConv

__all__ = ['BandedConv', 'ModalitySpecificConv', 'make_convs_private']
