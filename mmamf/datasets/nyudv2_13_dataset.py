from collections.abc import Sequence

from mmengine.registry import DATASETS

from .nyudv2_dataset import NYUDv2Dataset

# class -> those of the 40 classes that are merged into it
GROUPS = dict(
    bed=('bed',),
    books=('books',),
    ceiling=('ceiling',),
    chair=('chair',),
    floor=('floor', 'floor mat'),
    furniture=(
        'cabinet', 'bookshelf', 'counter', 'shelves', 'dresser', 'refridgerator', 'night stand',
        'otherfurniture',
    ),
    objects=(
        'otherprop', 'pillow', 'mirror', 'clothes', 'paper', 'towel', 'shower curtain', 'box',
        'whiteboard', 'person', 'toilet', 'sink', 'lamp', 'bathtub', 'bag', 'otherstructure',
    ),
    picture=('picture',),
    sofa=('sofa',),
    table=('table', 'desk'),
    tv=('television',),
    wall=('wall', 'door'),
    window=('window', 'blinds', 'curtain'),
)  # fmt: skip
# RGB, from the toolbox nicr-scene-analysis-datasets, which published pictures use
PALETTE = [
    [0, 0, 255], [232, 88, 47], [0, 217, 0], [148, 0, 240], [222, 241, 23], [255, 205, 205],
    [0, 223, 228], [106, 135, 204], [116, 28, 41], [240, 35, 235], [0, 166, 156], [249, 139, 0],
    [225, 228, 194],
]  # fmt: skip
INDEX_OF_40 = {name: index for index, name in enumerate(NYUDv2Dataset.METAINFO['classes'])}


@DATASETS.register_module()
class NYUDv2Dataset13(NYUDv2Dataset):
    """NYU Depth v2 with 13 classes, from the same files as :class:`NYUDv2Dataset`.

    The label maps hold the 40 classes. Loading merges them into 13. The 13 classes come from
    Couprie et al., "Indoor Semantic Segmentation using depth information", ICLR 2013. The merging
    follows Handa et al., "SceneNet: Understanding Real World Indoor Scenes With Synthetic Data",
    CVPR 2016.

    Args:
        **kwargs: Arguments of :class:`NYUDv2Dataset`.
    """

    METAINFO = dict(classes=tuple(GROUPS), palette=PALETTE)

    @classmethod
    def get_label_map(cls, new_classes: Sequence[str] | None = None) -> dict[int, int]:
        """Map the 40 classes of the files to the 13 classes, or to ``new_classes`` among them."""
        chosen = super().get_label_map(new_classes) or {i: i for i in range(len(GROUPS))}
        return {
            INDEX_OF_40[name]: chosen[index]
            for index, members in enumerate(GROUPS.values())
            for name in members
        }

    def _update_palette(self) -> list[list[int]]:
        # the parent expects a label map that maps each class to its own index
        palette, classes = self._metainfo['palette'], self._metainfo['classes']
        if len(palette) == len(classes):
            return palette
        return [palette[self.METAINFO['classes'].index(name)] for name in classes]
