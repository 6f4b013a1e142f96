from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.models.segmentors import SegTTAModel
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import nn

LOGITS, LABELS = 'seg_logits', 'pred_sem_seg'


@MODELS.register_module()
class MultimodalTTAModel(SegTTAModel):
    """mmseg's test-time augmentation, for the ensemble and for every modality.

    It averages the probabilities of the augmented images, as mmseg's does, and differs from it:

    - Every modality is merged. The stock SegTTAModel merges the ensemble alone, and leaves in
      ``pred_sem_seg_<name>`` what one of the augmented images gave.
    - A head with one output for two classes is merged as it predicts. mmseg's segmentors keep
      probabilities of it, and the stock model takes the sigmoid of these once more.
    - An image without augmentation keeps its prediction.
    - A model keeps its own data preprocessor. mmengine hands on the one at the top level of a
      config, which mmseg's base files of models have, and the stock model takes it instead.

    Args:
        module: The segmentor, or its config.
        data_preprocessor: What a config of a segmentor gets that has none.
    """

    def __init__(
        self, module: dict | nn.Module, data_preprocessor: dict | nn.Module | None = None
    ) -> None:
        if isinstance(module, dict) and module.get('data_preprocessor') is not None:
            data_preprocessor = None
        super().__init__(module, data_preprocessor)

    def test_step(self, data: dict | list) -> SampleList:
        """Predict from the augmented images; as for a segmentor, ``data_samples`` may be None."""
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if value is not None}
        return super().test_step(data)

    def merge_preds(self, data_samples_list: list[SampleList]) -> SampleList:
        """Merge the augmented predictions of every image, part by part."""
        return [self._merge(samples) for samples in data_samples_list]

    def _merge(self, samples: SampleList) -> SegDataSample:
        merged, *others = samples
        if not others:
            return merged
        for key in [key for key in merged.keys() if key.startswith(LOGITS)]:
            logits = [sample.get(key).data for sample in samples]  # (K, H, W) each
            is_binary = len(logits[0]) == 1
            mean = sum(part if is_binary else part.softmax(0) for part in logits) / len(logits)
            if is_binary:
                labels = (mean > self.module.decode_head.threshold).long()
            else:
                labels = mean.argmax(0, keepdim=True)
            merged.set_data({key.replace(LOGITS, LABELS): PixelData(data=labels)})
        return merged
