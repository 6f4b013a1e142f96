from .cityscapes_depth_dataset import CityscapesDepthDataset
from .encode_hha import encode_hha
from .mfnet_dataset import MFNetDataset
from .multimodal_seg_dataset import MultimodalSegDataset
from .nyudv2_13_dataset import NYUDv2Dataset13
from .nyudv2_dataset import NYUDv2Dataset
from .rooms_dataset import RoomsDataset
from .sunrgbd_dataset import SUNRGBDDataset
from .transforms import LoadLabelMap, LoadMultimodalImages, PackMultimodalSegInputs, RandomScale

__all__ = [
    'CityscapesDepthDataset',
    'LoadLabelMap',
    'LoadMultimodalImages',
    'MFNetDataset',
    'MultimodalSegDataset',
    'NYUDv2Dataset',
    'NYUDv2Dataset13',
    'PackMultimodalSegInputs',
    'RandomScale',
    'RoomsDataset',
    'SUNRGBDDataset',
    'encode_hha',
]
