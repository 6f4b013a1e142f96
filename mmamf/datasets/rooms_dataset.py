from mmengine.registry import DATASETS

from .multimodal_seg_dataset import MultimodalSegDataset
from .rooms_classes import CLASSES, PALETTE


@DATASETS.register_module()
class RoomsDataset(MultimodalSegDataset):
    """Furnished rooms rendered on the user's machine by ``tools/render_rooms.py``, 14 classes.

    Args:
        **kwargs: Arguments of :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=CLASSES, palette=[list(color) for color in PALETTE])
    LABEL_FOLDER = 'label'
