"""The rooms data set."""

from mmengine.registry import DATASETS

from .multimodal_seg_dataset import MultimodalSegDataset
from .rooms_classes import CLASSES, PALETTE


@DATASETS.register_module()
class RoomsDataset(MultimodalSegDataset):
    """Furnished rooms rendered on the user's machine by ``tools/render_rooms.py``, 14 classes.

    Args:
        data_prefix: Folder of the label maps as ``seg_map_path`` (``label`` by default), and
            folders of modalities.
        **kwargs: Arguments of :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=CLASSES, palette=[list(color) for color in PALETTE])

    def __init__(self, data_prefix: dict[str, str] | None = None, **kwargs) -> None:
        super().__init__(data_prefix=data_prefix or dict(seg_map_path='label'), **kwargs)
