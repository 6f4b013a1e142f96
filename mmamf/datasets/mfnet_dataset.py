from collections.abc import Sequence

from mmengine.registry import DATASETS

from .multimodal_seg_dataset import MultimodalSegDataset


@DATASETS.register_module()
class MFNetDataset(MultimodalSegDataset):
    """MFNet: streets by day and night in color and thermal infrared, with 9 classes.

    ``tools/dataset_converters/mfnet.py`` writes the folders: ``rgb/`` holds 8-bit color,
    ``thermal/`` 8-bit intensity, and ``masks/`` the labels 0..8. The benchmark counts the unlabeled
    background, class 0, as a class. The palette has the colors of the published pictures.

    Data: Ha et al., "MFNet: Towards Real-Time Semantic Segmentation for Autonomous Vehicles with
    Multi-Spectral Scenes", IROS 2017.

    Args:
        modalities: Descriptions of the modalities, or their names.
        data_prefix: Folder of the label maps as ``seg_map_path`` (``masks`` by default), and
            folders of modalities.
        **kwargs: Arguments of :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(
        classes=(
            'unlabeled',
            'car',
            'person',
            'bike',
            'curve',
            'car stop',
            'guardrail',
            'color cone',
            'bump',
        ),
        palette=[
            [0, 0, 0],
            [64, 0, 128],
            [64, 64, 0],
            [0, 128, 192],
            [0, 0, 192],
            [128, 128, 0],
            [64, 64, 128],
            [192, 128, 128],
            [192, 64, 0],
        ],
    )

    def __init__(
        self,
        modalities: Sequence[dict | str] = ('rgb', 'thermal'),
        data_prefix: dict[str, str] | None = None,
        **kwargs,
    ) -> None:
        data_prefix = data_prefix or dict(seg_map_path='masks')
        super().__init__(modalities=modalities, data_prefix=data_prefix, **kwargs)
