from .multimodal_segmentor import MultimodalSegmentor
from .multimodal_tta_model import MultimodalTTAModel

__all__ = ['MultimodalSegmentor', 'MultimodalTTAModel']
