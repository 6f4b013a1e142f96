from .modality_ensemble_head import ModalityEnsembleHead
from .refinenet_head import RefineNetHead

__all__ = ['ModalityEnsembleHead', 'RefineNetHead']
