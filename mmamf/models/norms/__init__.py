from .make_norms_private import make_norms_private
from .modality_specific_norm import ModalitySpecificNorm
from .modality_specific_norms import (
    ModalitySpecificBN,
    ModalitySpecificCopies,
    ModalitySpecificGN,
    ModalitySpecificIN,
    ModalitySpecificLN,
)
from .part_statistics import has_part_statistics, keep_part_statistics
from .shared_bn import SharedBN

__all__ = [
    'ModalitySpecificBN',
    'ModalitySpecificCopies',
    'ModalitySpecificGN',
    'ModalitySpecificIN',
    'ModalitySpecificLN',
    'ModalitySpecificNorm',
    'SharedBN',
    'has_part_statistics',
    'keep_part_statistics',
    'make_norms_private',
]
