from collections.abc import Sequence

from mmengine.registry import DATASETS

from .multimodal_seg_dataset import MultimodalSegDataset
from .nyudv2_dataset import NYUDv2Dataset

CLASSES = (
    'wall', 'floor', 'cabinet', 'bed', 'chair', 'sofa', 'table', 'door', 'window', 'bookshelf',
    'picture', 'counter', 'blinds', 'desk', 'shelves', 'curtain', 'dresser', 'pillow', 'mirror',
    'floor mat', 'clothes', 'ceiling', 'books', 'fridge', 'tv', 'paper', 'towel', 'shower curtain',
    'box', 'whiteboard', 'person', 'night stand', 'toilet', 'sink', 'lamp', 'bathtub', 'bag',
)  # fmt: skip


@DATASETS.register_module()
class SUNRGBDDataset(MultimodalSegDataset):
    """SUN RGB-D with 37 classes, in the folders that ``tools/dataset_converters`` writes.

    ``rgb/`` holds 8-bit color (``.jpg``), ``depth/`` 16-bit depth in mm (0 = no reading, at most
    8 m), ``masks/`` the labels 0..36, 255 = unlabeled; each has a sub-folder per sensor.
    ``train.txt`` and ``test.txt``, given as ``ann_file``, name a file per line without suffix. The
    classes are the first 37 of NYUDv2's and have their colors.

    Data: https://rgbd.cs.princeton.edu

    Args:
        modalities: Names of the modalities.
        data_prefix: Folders of the modalities and the label maps; rgb, depth and masks by default.
        img_suffix: Suffix of the images; by default ``.jpg`` for rgb and ``.png`` for others.
        **kwargs: Arguments of :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=CLASSES, palette=NYUDv2Dataset.METAINFO['palette'][: len(CLASSES)])

    def __init__(
        self,
        modalities: Sequence[str] = ('rgb', 'depth'),
        data_prefix: dict[str, str] | None = None,
        img_suffix: str | dict[str, str] | None = None,
        **kwargs,
    ) -> None:
        data_prefix = data_prefix or dict(rgb='rgb', depth='depth', seg_map_path='masks')
        if img_suffix is None:
            img_suffix = {name: '.jpg' if name == 'rgb' else '.png' for name in modalities}
        super().__init__(
            modalities=modalities, data_prefix=data_prefix, img_suffix=img_suffix, **kwargs
        )
