import torch
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

    Like mmseg's, it averages the probabilities of the augmented images. There are five differences:

    - It merges every modality. The stock SegTTAModel merges the ensemble alone, and leaves the
      result of one augmented image in ``pred_sem_seg_<name>``.
    - For a head with one output for two classes, mmseg's segmentors already keep probabilities, and
      the stock model applies the sigmoid again. This class does not.
    - ``seg_logits`` are those of the average, for metrics of probabilities. The stock model leaves
      those of one augmented image.
    - An image without augmentation keeps its prediction.
    - A model keeps its own data preprocessor. mmengine passes the one at the top level of a config,
      as in mmseg's base configs of models, and the stock model takes that instead.

    Args:
        module: The segmentor, or its config.
        data_preprocessor: Used only if the segmentor's config has none.
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
        """Merge the augmented predictions of every image, for the ensemble and each modality."""
        return [self._merge(samples) for samples in data_samples_list]

    def _merge(self, samples: SampleList) -> SegDataSample:
        merged, *others = samples
        if not others:
            return merged
        for key in [key for key in merged.keys() if key.startswith(LOGITS)]:
            # (K, H, W) each; the guard may have caught the modality in some of the images
            logits = [sample.get(key).data for sample in samples if key in sample]
            is_binary = len(logits[0]) == 1
            mean = sum(part if is_binary else part.softmax(0) for part in logits) / len(logits)
            if is_binary:
                labels = (mean > self.module.decode_head.threshold).long()
            else:
                labels = mean.argmax(0, keepdim=True)
            merged.set_data({key.replace(LOGITS, LABELS): PixelData(data=labels)})
            tiny = torch.finfo(mean.dtype).tiny  # the softmax of logarithms is the mean itself
            kept = mean if is_binary else mean.clamp(min=tiny).log()
            merged.set_data({key: PixelData(data=kept)})
        return merged
