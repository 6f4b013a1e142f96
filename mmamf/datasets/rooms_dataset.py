"""The rooms data set."""

from mmengine.registry import DATASETS

from .multimodal_seg_dataset import MultimodalSegDataset


@DATASETS.register_module()
class RoomsDataset(MultimodalSegDataset):
    """Furnished rooms rendered on the user's machine by ``tools/render_rooms.py``, 14 classes.

    Args:
        data_prefix: Folder of the label maps as ``seg_map_path`` (``label`` by default), and
            folders of modalities.
        **kwargs: Arguments of :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(
        classes=(
            'floor',
            'wall',
            'ceiling',
            'table',
            'chair',
            'bed',
            'sofa',
            'cabinet',
            'lamp',
            'plant',
            'picture',
            'rug',
            'door',
            'window',
        ),
        palette=[
            [140, 110, 80],
            [200, 200, 190],
            [110, 120, 140],
            [230, 130, 30],
            [220, 40, 40],
            [70, 90, 220],
            [150, 60, 180],
            [90, 60, 40],
            [255, 230, 50],
            [40, 160, 60],
            [240, 110, 190],
            [120, 20, 60],
            [30, 200, 170],
            [120, 210, 255],
        ],
    )

    def __init__(self, data_prefix: dict[str, str] | None = None, **kwargs) -> None:
        super().__init__(data_prefix=data_prefix or dict(seg_map_path='label'), **kwargs)
