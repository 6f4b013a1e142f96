from .make_norms_private import make_norms_private
from .modality_specific_bn import ModalitySpecificBN
from .modality_specific_copies import ModalitySpecificCopies
from .modality_specific_gn import ModalitySpecificGN
from .modality_specific_in import ModalitySpecificIN
from .modality_specific_ln import ModalitySpecificLN

__all__ = [
    'ModalitySpecificBN',
    'ModalitySpecificCopies',
    'ModalitySpecificGN',
    'ModalitySpecificIN',
    'ModalitySpecificLN',
    'make_norms_private',
]
