from .cityscapes_depth_dataset import CityscapesDepthDataset
from .encode_hha import encode_hha
from .mfnet_dataset import MFNetDataset
from .multimodal_seg_dataset import MultimodalSegDataset
from .multimodal_translation_dataset import MultimodalTranslationDataset
from .nyudv2_13_dataset import NYUDv2Dataset13
from .nyudv2_dataset import NYUDv2Dataset
from .rooms_dataset import RoomsDataset
from .sunrgbd_dataset import SUNRGBDDataset
from .taskonomy_dataset import TaskonomyDataset
from .transforms import (
    LoadLabelMap,
    LoadMultimodalImages,
    LoadTranslationImages,
    MirrorNormals,
    PackMultimodalSegInputs,
    PackTranslationInputs,
    RandomScale,
)

__all__ = [
    'CityscapesDepthDataset',
    'LoadLabelMap',
    'LoadMultimodalImages',
    'LoadTranslationImages',
    'MFNetDataset',
    'MirrorNormals',
    'MultimodalSegDataset',
    'MultimodalTranslationDataset',
    'NYUDv2Dataset',
    'NYUDv2Dataset13',
    'PackMultimodalSegInputs',
    'PackTranslationInputs',
    'RandomScale',
    'RoomsDataset',
    'SUNRGBDDataset',
    'TaskonomyDataset',
    'encode_hha',
]
