from .multimodal_seg_data_preprocessor import MultimodalSegDataPreProcessor

__all__ = ['MultimodalSegDataPreProcessor']
