import io

import numpy as np
from mmengine import fileio
from mmengine.registry import TRANSFORMS
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

IGNORE = 255  # as mmseg's LoadAnnotations writes it


@TRANSFORMS.register_module()
class LoadLabelMap(LoadAnnotations):
    """Load the label map with mmseg's LoadAnnotations, and refuse one that does not fit.

    The map has one channel of class indices, 255 = ignored. It must have the size of the images on
    disk (``ori_shape``), so it may be loaded before or after a Resize, as in mmseg's pipelines.

    Args:
        **kwargs: Arguments of :class:`mmseg.datasets.transforms.LoadAnnotations`.

    Shape:
        (H, W), uint8.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is damaged, has more than one channel, another size than the images, or
            values outside the classes.
    """

    def _load_seg_map(self, results: dict) -> None:
        path = results['seg_map_path']
        results['seg_fields'] = list(results.get('seg_fields', []))
        try:
            self._check_header(path)
            super()._load_seg_map(results)
        except FileNotFoundError as error:
            raise FileNotFoundError(f'label map not found: {path}') from error
        except (OSError, SyntaxError) as error:  # what Pillow raises on damaged files
            raise ValueError(f'label map {path} is corrupt or truncated: {error}') from error

        label = results['gt_seg_map']
        size = tuple(results.get('ori_shape', label.shape))
        if label.shape != size:
            raise ValueError(
                f'label map and images differ in size (H, W): expected {size} as in '
                f'{results.get("img_path")}, got {label.shape} in {path}'
            )
        num_classes = results.get('num_classes')
        if num_classes is not None:
            outside = label[(label >= num_classes) & (label != IGNORE)]
            if outside.size:
                raise ValueError(
                    f'label values outside the classes: expected 0..{num_classes - 1} or {IGNORE}, '
                    f'got {np.unique(outside).tolist()} in {path} (as mapped by label_map and '
                    'reduce_zero_label)'
                )

    def _check_header(self, path: str) -> None:
        """Refuse colors, and values that the parent's cast to uint8 would wrap around."""
        content = fileio.get(path, backend_args=self.backend_args)
        Image.open(io.BytesIO(content)).verify()  # a PNG's checksums, which decoding ignores
        label = Image.open(io.BytesIO(content))
        if len(label.getbands()) != 1:
            raise ValueError(
                f'label map {path}: expected one channel of class indices, got {label.mode}'
            )
        if label.mode not in ('1', 'L', 'P'):
            low, high = label.getextrema()
            if low < 0 or high > IGNORE:
                raise ValueError(
                    f'label values outside the classes: expected 0..{IGNORE}, got {low}..{high} in '
                    f'{path}'
                )
