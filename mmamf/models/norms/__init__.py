from .modality_specific_bn import ModalitySpecificBN
from .modality_specific_in import ModalitySpecificIN

__all__ = ['ModalitySpecificBN', 'ModalitySpecificIN']
