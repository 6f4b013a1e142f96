from . import nested_datasets  # noqa: F401  (adapts the data sets that a config builds)
from .cityscapes_depth_dataset import CityscapesDepthDataset
from .encode_hha import encode_hha
from .mfnet_dataset import MFNetDataset
from .multimodal_seg_dataset import MultimodalSegDataset
from .multimodal_translation_dataset import MultimodalTranslationDataset
from .nyudv2_13_dataset import NYUDv2Dataset13
from .nyudv2_dataset import NYUDv2Dataset
from .permuted_rooms_dataset import PermutedRoomsDataset
from .rooms_dataset import RoomsDataset
from .sunrgbd_dataset import SUNRGBDDataset
from .taskonomy_dataset import TaskonomyDataset
from .transforms import (
    ClassBalancedCrop,
    DeadModality,
    DepthHoles,
    GaussianNoise,
    LoadLabelMap,
    LoadMultimodalImages,
    LoadTranslationImages,
    LostReadings,
    LowLight,
    MirrorNormals,
    Misregistration,
    PackMultimodalSegInputs,
    PackTranslationInputs,
    QuantizedDepth,
    RandomScale,
    SaltAndPepper,
)

__all__ = [
    'CityscapesDepthDataset',
    'ClassBalancedCrop',
    'DeadModality',
    'DepthHoles',
    'GaussianNoise',
    'LoadLabelMap',
    'LoadMultimodalImages',
    'LoadTranslationImages',
    'LostReadings',
    'LowLight',
    'MFNetDataset',
    'MirrorNormals',
    'Misregistration',
    'MultimodalSegDataset',
    'MultimodalTranslationDataset',
    'NYUDv2Dataset',
    'NYUDv2Dataset13',
    'PackMultimodalSegInputs',
    'PackTranslationInputs',
    'PermutedRoomsDataset',
    'QuantizedDepth',
    'RandomScale',
    'RoomsDataset',
    'SUNRGBDDataset',
    'SaltAndPepper',
    'TaskonomyDataset',
    'encode_hha',
]
