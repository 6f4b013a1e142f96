from mmengine.registry import DATASETS

from .multimodal_seg_dataset import MultimodalSegDataset

# class -> RGB, as in the published pictures
COLORS = {
    'unlabeled': [0, 0, 0],
    'car': [64, 0, 128],
    'person': [64, 64, 0],
    'bike': [0, 128, 192],
    'curve': [0, 0, 192],
    'car stop': [128, 128, 0],
    'guardrail': [64, 64, 128],
    'color cone': [192, 128, 128],
    'bump': [192, 64, 0],
}


@DATASETS.register_module()
class MFNetDataset(MultimodalSegDataset):
    """MFNet: streets by day and night in color and thermal infrared, with 9 classes.

    ``tools/dataset_converters/mfnet.py`` writes the folders: ``rgb/`` holds 8-bit color,
    ``thermal/`` 8-bit intensity, and ``masks/`` the labels 0..8. The benchmark counts the unlabeled
    background, class 0, as a class.

    Data: Ha et al., "MFNet: Towards Real-Time Semantic Segmentation for Autonomous Vehicles with
    Multi-Spectral Scenes", IROS 2017.

    Args:
        **kwargs: Arguments of :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=tuple(COLORS), palette=[*COLORS.values()])
    MODALITIES = ('rgb', 'thermal')
    LABEL_FOLDER = 'masks'
