from collections.abc import Sequence

from mmengine.registry import DATASETS

from .multimodal_seg_dataset import MultimodalSegDataset

# spelled as in the authors' toolbox (seg37list)
CLASSES = (
    'wall', 'floor', 'cabinet', 'bed', 'chair', 'sofa', 'table', 'door', 'window', 'bookshelf',
    'picture', 'counter', 'blinds', 'desk', 'shelves', 'curtain', 'dresser', 'pillow', 'mirror',
    'floor_mat', 'clothes', 'ceiling', 'books', 'fridge', 'tv', 'paper', 'towel', 'shower_curtain',
    'box', 'whiteboard', 'person', 'night_stand', 'toilet', 'sink', 'lamp', 'bathtub', 'bag',
)  # fmt: skip
# RGB, from the toolbox nicr-scene-analysis-datasets, which published pictures use
PALETTE = [
    [119, 119, 119], [244, 243, 131], [137, 28, 157], [150, 255, 255], [54, 114, 113],
    [0, 0, 176], [255, 69, 0], [87, 112, 255], [0, 163, 33], [255, 150, 255], [255, 180, 10],
    [101, 70, 86], [38, 230, 0], [255, 120, 70], [117, 41, 121], [150, 255, 0], [132, 0, 255],
    [24, 209, 255], [191, 130, 35], [219, 200, 109], [154, 62, 86], [255, 190, 190],
    [255, 0, 255], [152, 163, 55], [192, 79, 212], [230, 230, 230], [53, 130, 64],
    [155, 249, 152], [87, 64, 34], [214, 209, 175], [170, 0, 59], [255, 0, 0], [193, 195, 234],
    [70, 72, 115], [255, 255, 0], [52, 57, 131], [12, 83, 45],
]  # fmt: skip


@DATASETS.register_module()
class SUNRGBDDataset(MultimodalSegDataset):
    """SUN RGB-D with 37 classes, in the folders that ``tools/dataset_converters`` writes.

    ``rgb/`` holds 8-bit color (``.jpg``). ``depth/`` holds 16-bit depth in mm (0 = no reading, at
    most 8 m). ``masks/`` holds the labels 0..36 (255 = unlabeled). Each folder has a sub-folder per
    sensor. ``train.txt`` and ``test.txt`` are for ``ann_file``; each line is a file name without
    suffix. The classes are the first 37 of NYUDv2, spelled as in the authors' toolbox.

    Data: https://rgbd.cs.princeton.edu

    Args:
        modalities: Descriptions of the modalities, or their names.
        img_suffix: Suffix of the images, where ``modalities`` are names; by default ``.jpg`` for
            rgb and ``.png`` for others.
        **kwargs: Arguments of :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=CLASSES, palette=PALETTE)
    LABEL_FOLDER = 'masks'

    def __init__(
        self,
        modalities: Sequence[dict | str] = ('rgb', 'depth'),
        data_prefix: dict[str, str] | None = None,
        img_suffix: str | dict[str, str] | None = None,
        **kwargs,
    ) -> None:
        if img_suffix is None and all(isinstance(name, str) for name in modalities):
            img_suffix = {name: '.jpg' if name == 'rgb' else '.png' for name in modalities}
        super().__init__(modalities, data_prefix, img_suffix, **kwargs)
