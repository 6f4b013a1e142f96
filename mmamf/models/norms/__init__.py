from .make_norms_private import make_norms_private
from .modality_specific_norms import (
    ModalitySpecificBN,
    ModalitySpecificCopies,
    ModalitySpecificGN,
    ModalitySpecificIN,
    ModalitySpecificLN,
    ModalitySpecificNorm,
)

__all__ = [
    'ModalitySpecificBN',
    'ModalitySpecificCopies',
    'ModalitySpecificGN',
    'ModalitySpecificIN',
    'ModalitySpecificLN',
    'ModalitySpecificNorm',
    'make_norms_private',
]
