from mmengine.registry import MODELS
from mmseg.models.segmentors import SegTTAModel
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList


@MODELS.register_module()
class MultimodalTTAModel(SegTTAModel):
    """mmseg's test-time augmentation, for the ensemble and for every modality.

    The stock SegTTAModel merges the ensemble alone, and leaves in ``pred_sem_seg_<name>`` what one
    of the augmented images gave.
    """

    def merge_preds(self, data_samples_list: list[SampleList]) -> SampleList:
        """Merge the augmented predictions of every image, part by part."""
        names = data_samples_list[0][0].metainfo['modalities']
        members = {
            name: super(MultimodalTTAModel, self).merge_preds(
                [[_member(sample, name) for sample in samples] for samples in data_samples_list]
            )
            for name in names
        }
        merged = super().merge_preds(data_samples_list)
        for index, sample in enumerate(merged):
            for name in names:
                sample.set_data({f'pred_sem_seg_{name}': members[name][index].pred_sem_seg})
        return merged


def _member(sample: SegDataSample, name: str) -> SegDataSample:
    """A sample that holds one modality's logits where mmseg looks for logits."""
    member = SegDataSample(metainfo=sample.metainfo)
    member.seg_logits = sample.get(f'seg_logits_{name}')
    return member
