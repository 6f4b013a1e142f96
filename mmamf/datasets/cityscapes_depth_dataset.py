from mmengine.registry import DATASETS
from mmseg.datasets import CityscapesDataset

from .multimodal_seg_dataset import MultimodalSegDataset


@DATASETS.register_module()
class CityscapesDepthDataset(MultimodalSegDataset):
    """Cityscapes with stereo depth and 19 classes, as ``tools/dataset_converters`` writes it.

    ``rgb/`` holds 8-bit color. ``depth/`` holds 16-bit depth in cm (0 = no reading, 65535 =
    655.35 m or farther). ``masks/`` holds the labels 0..18 (255 = not evaluated). Each folder has a
    sub-folder per city. ``train.txt`` and ``val.txt`` are for ``ann_file``; each line is a file
    name without suffix. Classes and palette come from mmseg's CityscapesDataset.

    Data: https://www.cityscapes-dataset.com

    Args:
        **kwargs: Arguments of :class:`MultimodalSegDataset`.
    """

    METAINFO = CityscapesDataset.METAINFO
    MODALITIES = ('rgb', 'depth')
    LABEL_FOLDER = 'masks'
