from collections.abc import Sequence

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
        modalities: Descriptions of the modalities, or their names.
        data_prefix: Folder of the label maps as ``seg_map_path`` (``masks`` by default), and
            folders of modalities.
        **kwargs: Arguments of :class:`MultimodalSegDataset`.
    """

    METAINFO = CityscapesDataset.METAINFO

    def __init__(
        self,
        modalities: Sequence[dict | str] = ('rgb', 'depth'),
        data_prefix: dict[str, str] | None = None,
        **kwargs,
    ) -> None:
        data_prefix = data_prefix or dict(seg_map_path='masks')
        super().__init__(modalities=modalities, data_prefix=data_prefix, **kwargs)
