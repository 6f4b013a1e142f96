from pathlib import Path

from mmengine.registry import DATASETS

from .multimodal_seg_dataset import MultimodalSegDataset

# spelled as in the authors' mapping to 40 classes (classMapping40.mat)
CLASSES = (
    'wall', 'floor', 'cabinet', 'bed', 'chair', 'sofa', 'table', 'door', 'window', 'bookshelf',
    'picture', 'counter', 'blinds', 'desk', 'shelves', 'curtain', 'dresser', 'pillow', 'mirror',
    'floor mat', 'clothes', 'ceiling', 'books', 'refridgerator', 'television', 'paper', 'towel',
    'shower curtain', 'box', 'whiteboard', 'person', 'night stand', 'toilet', 'sink', 'lamp',
    'bathtub', 'bag', 'otherstructure', 'otherfurniture', 'otherprop',
)  # fmt: skip


def _palette() -> list[list[int]]:
    """Give each class its color of PASCAL VOC's color map, which published NYUDv2 pictures use.

    The map's color 0 is black, for unlabeled pixels. Bits 0, 3 and 6 of an index become the highest
    three bits of red, in this order. Bits 1, 4 and 7 give green, and bits 2, 5 and 8 give blue.
    """
    return [
        [
            sum((index >> 3 * place + channel & 1) << 7 - place for place in range(3))
            for channel in range(3)
        ]
        for index in range(1, len(CLASSES) + 1)
    ]


@DATASETS.register_module()
class NYUDv2Dataset(MultimodalSegDataset):
    """NYU Depth v2 with 40 classes, in folders of registered files.

    ``rgb/`` holds 8-bit color. ``depth/`` holds 16-bit depth in 1/5000 m (0 = no reading).
    ``masks/`` holds the labels 0..39 (255 = unlabeled). ``train.txt`` and ``test.txt`` are for
    ``ann_file``. Each line is a file name without suffix, or the paths of a sample's files,
    separated by tabs, as in the authors' lists.

    Data: https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html. The class names are spelled as in
    the authors' mapping to 40 classes. The palette is PASCAL VOC's color map.

    Args:
        **kwargs: Arguments of :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=CLASSES, palette=_palette())
    MODALITIES = ('rgb', 'depth')
    LABEL_FOLDER = 'masks'

    def _names_in_ann_file(self) -> list[str]:
        # rgb/000433.png<TAB>masks/000433.png<TAB>depth/000433.png
        lines = super()._names_in_ann_file()
        return [Path(line.split('\t')[0]).stem if '\t' in line else line for line in lines]
