from .multimodal_seg_dataset import MultimodalSegDataset
from .nyudv2_dataset import NYUDv2Dataset
from .rooms_dataset import RoomsDataset
from .transforms import LoadLabelMap, LoadMultimodalImages, PackMultimodalSegInputs

__all__ = [
    'LoadLabelMap',
    'LoadMultimodalImages',
    'MultimodalSegDataset',
    'NYUDv2Dataset',
    'PackMultimodalSegInputs',
    'RoomsDataset',
]
