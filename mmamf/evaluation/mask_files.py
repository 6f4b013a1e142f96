import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmamf.deployment.class_count import check_class_count
from mmamf.visualization.save_picture import check_apart, save_picture


class MaskFiles:
    """Writes predicted label maps into a folder, one PNG per sample.

    A mask holds class indices, and 0 is the first class of the data set, as in ``tools/infer.py``.
    ``reduce_zero_label`` does not change that. The name of the mask is the ``sample_name`` of
    MultimodalSegDataset, sub-folders included (``a/0001`` -> ``a/0001.png``). Without a
    ``sample_name``, it is the name of the file ``img_path``.

    Args:
        out_dir: The folder; it is created if necessary.
    """

    def __init__(self, out_dir: str | Path) -> None:
        self.out_dir = Path(out_dir)
        self._images: dict[Path, str] = {}

    def reserve(self, info: Mapping[str, Any]) -> Path:
        """Return the path for the mask of a sample, and remember it as taken.

        Args:
            info: The sample, or the data set's information on it.

        Raises:
            ValueError: If the sample has no name, the name leads out of the folder, a sample of
                another image has the same name, or the mask would overwrite a file of the sample.
        """
        image = str(info.get('img_path') or '')
        name = posixpath.normpath(info.get('sample_name') or Path(image).stem)
        if name == '.':
            raise ValueError(
                f'{self.out_dir}: expected samples with a sample_name or an img_path, which name '
                f'their masks, got one that has only {sorted(info)}'
            )
        if posixpath.isabs(name) or name.split('/')[0] == '..':
            raise ValueError(
                f'{self.out_dir}: expected names of samples inside the folder, got {name!r} of '
                f'{image}'
            )
        path = self.out_dir / f'{name}.png'
        read = [image, info.get('seg_map_path'), *(info.get('modality_paths') or {}).values()]
        check_apart([path], filter(None, read))
        other = self._images.setdefault(path, image)
        if other != image:
            raise ValueError(
                f'{self.out_dir}: expected samples with distinct names, but {other} and {image} '
                f'would both be saved as {name}.png'
            )
        return path

    def write(self, sample: Mapping[str, Any], num_classes: int) -> None:
        """Write the ensemble's prediction of a sample.

        Args:
            sample: The dict of ``SegDataSample.to_dict()``.
            num_classes: Number of classes, at most 255.

        Raises:
            ValueError: If there are more classes, the file cannot be written, or :meth:`reserve`
                refuses the sample.
        """
        check_class_count(num_classes)
        path = self.reserve(sample)
        labels = sample['pred_sem_seg']['data'].squeeze(0).cpu().numpy()
        save_picture(path, labels.astype(np.uint8))
