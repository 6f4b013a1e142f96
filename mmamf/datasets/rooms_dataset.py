from mmengine.registry import DATASETS

from .multimodal_seg_dataset import MultimodalSegDataset

# class -> RGB
COLORS = dict(
    floor=[140, 110, 80],
    wall=[200, 200, 190],
    ceiling=[110, 120, 140],
    table=[230, 130, 30],
    chair=[220, 40, 40],
    bed=[70, 90, 220],
    sofa=[150, 60, 180],
    cabinet=[90, 60, 40],
    lamp=[255, 230, 50],
    plant=[40, 160, 60],
    picture=[240, 110, 190],
    rug=[120, 20, 60],
    door=[30, 200, 170],
    window=[120, 210, 255],
)


@DATASETS.register_module()
class RoomsDataset(MultimodalSegDataset):
    """Furnished rooms rendered on the user's machine by ``tools/render_rooms.py``, 14 classes.

    Args:
        **kwargs: Arguments of :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=tuple(COLORS), palette=[*COLORS.values()])
    LABEL_FOLDER = 'label'
