from .load_label_map import LoadLabelMap
from .load_multimodal_images import LoadMultimodalImages
from .pack_multimodal_seg_inputs import PackMultimodalSegInputs
from .random_scale import RandomScale

__all__ = ['LoadLabelMap', 'LoadMultimodalImages', 'PackMultimodalSegInputs', 'RandomScale']
