import numpy as np
import torch
from mmengine.registry import TRANSFORMS
from mmseg.datasets.transforms import PackSegInputs

from .load_multimodal_images import image_key
from .stack_planes import stack_planes


@TRANSFORMS.register_module()
class PackMultimodalSegInputs(PackSegInputs):
    """Stack all modalities of a sample along channels and pack them with the label map.

    ``inputs`` is in the units of the files. It is uint8 if every modality is uint8, uint16 if that
    is enough for all, and otherwise float32. uint16 halves the data moved to the trainer; torch has
    it since 2.3. A missing reading is NaN, so a sample that has one is float32.
    :class:`MultimodalSegDataPreprocessor` accepts batches of different dtypes.

    The data sample is mmseg's, with ``modalities``, ``present``, ``modality_paths``,
    ``modality_channels`` and ``sample_name`` in its meta information. An 8-bit label map stays
    8-bit until :class:`MultimodalSegDataPreprocessor` makes it int64.

    Args:
        **kwargs: Arguments of :class:`mmseg.datasets.transforms.PackSegInputs`.

    Shape:
        ``inputs``: (sum of the modalities' channels, H, W), in the order of ``modalities``.

    Raises:
        ValueError: If a transform gave the modalities or the label map different sizes, or turned
            missing readings into integers.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.meta_keys = (
            *self.meta_keys,
            'modalities',
            'present',
            'modality_paths',
            'modality_channels',
            'sample_name',
        )

    def transform(self, results: dict) -> dict:
        """Pack one sample into ``dict(inputs=..., data_samples=...)``."""
        if 'modalities' not in results:
            raise ValueError(
                'PackMultimodalSegInputs: expected images loaded by LoadMultimodalImages, got the '
                f'keys {sorted(results)}'
            )
        images = {name: results[image_key(results, name)] for name in results['modalities']}
        self._check_sizes(results, images)

        inputs = stack_planes(results)
        channels = [1 if image.ndim == 2 else image.shape[2] for image in images.values()]
        known = {key: value for key, value in results.items() if key != 'img'}
        packed = super().transform({**known, 'modality_channels': tuple(channels)})
        packed['inputs'] = torch.from_numpy(inputs)
        if results.get('gt_seg_map') is not None and results['gt_seg_map'].dtype == np.uint8:
            # the parent made it int64, which would be most of the data moved to the trainer
            label = packed['data_samples'].gt_sem_seg
            label.data = label.data.to(torch.uint8)
        return packed

    def _check_sizes(self, results: dict, images: dict[str, np.ndarray]) -> None:
        size = results['img'].shape[:2]
        for name, image in images.items():
            if image.shape[:2] != size:
                raise ValueError(
                    f'a transform changed the size of `img` but not of modality {name!r}: expected '
                    f'{size}, got {image.shape[:2]} for {results["modality_paths"][name]}; use '
                    "mmseg's transforms (default_scope='mmseg'), which move all of `seg_fields`"
                )
        label = results.get('gt_seg_map')
        # test pipelines load the label map after Resize, so it has its size on disk
        if label is not None and label.shape not in (size, tuple(results['ori_shape'])):
            raise ValueError(
                f'label map and images differ in size (H, W) after the pipeline: expected {size}, '
                f'got {label.shape} for {results.get("seg_map_path")}'
            )
