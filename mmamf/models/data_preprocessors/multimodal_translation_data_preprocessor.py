from collections.abc import Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from mmengine.registry import MODELS
from torch import Tensor

from mmamf.structures import Modality, read_modalities


@MODELS.register_module()
class MultimodalTranslationDataPreprocessor(BaseDataPreprocessor):
    """Batch the source images of every modality, and scale them from 0..255 to -1..1.

    mmagic's DataPreprocessor scales the target images in place and stacks the samples into one.
    Here losses, metrics and visualizers get the samples as they were loaded, in 0..255.

    Args:
        modalities: A description of each input, see :class:`Modality`, in the order of the model's
            channels. None accepts any modalities.
        **kwargs: Arguments of mmengine's BaseDataPreprocessor.

    Shape:
        - ``inputs``: N tensors (M*3, H, W), or one tensor (N, M*3, H, W), 0..255.
        - Output ``inputs``: (N, M*3, H, W), -1..1.

    Raises:
        ValueError: If the images of a batch differ in size, are of other modalities, or do not have
            three channels per modality.
    """

    def __init__(self, modalities: Sequence[dict | Modality] | None = None, **kwargs) -> None:
        super().__init__(**{'non_blocking': True, **kwargs})
        self.modalities = None if modalities is None else tuple(read_modalities(modalities))

    def forward(self, data: dict, training: bool = False) -> dict:
        """Turn collated samples into the model's input; ``data_samples`` may be absent or None."""
        data = self.cast_data(data)
        inputs, samples = data['inputs'], data.get('data_samples')
        shapes = {tuple(image.shape) for image in inputs}
        if len(shapes) > 1:
            raise ValueError(
                f'inputs: expected images of one size in a batch, got {sorted(shapes)}: resize or '
                'crop them, or use batch_size=1'
            )
        if not isinstance(inputs, Tensor):
            inputs = torch.stack(inputs)
        for sample in samples or []:
            names = sample.metainfo.get('modalities')
            if names is not None and tuple(names) != (self.modalities or tuple(names)):
                raise ValueError(
                    f'data_preprocessor: expected samples with the modalities {self.modalities} in '
                    f'this order, got {tuple(names)} for {sample.metainfo.get("img_path")}'
                )
            if names is not None and inputs.shape[1] != 3 * len(names):
                raise ValueError(
                    f'inputs: expected 3 channels for each of the modalities {tuple(names)}, got '
                    f'shape {tuple(inputs.shape)} for {sample.metainfo.get("img_path")}'
                )
        return dict(inputs=self.normalize(inputs), data_samples=samples)

    def normalize(self, images: Tensor) -> Tensor:
        """Scale from 0..255 to -1..1."""
        return images / 127.5 - 1

    def destruct(self, images: Tensor) -> Tensor:
        """Scale from -1..1 to 0..255, and clip."""
        return ((images + 1) * 127.5).clamp(0, 255)
