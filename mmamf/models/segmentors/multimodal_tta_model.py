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
        members = [
            {
                name: super(MultimodalTTAModel, self).merge_preds(
                    [[_member(sample, name) for sample in samples]]
                )[0]
                for name in _present(samples[0].metainfo)
            }
            for samples in data_samples_list
        ]
        merged = super().merge_preds(data_samples_list)
        for sample, parts in zip(merged, members):
            for name, member in parts.items():
                sample.set_data({f'pred_sem_seg_{name}': member.pred_sem_seg})
        return merged


def _present(metainfo: dict) -> tuple[str, ...]:
    names = metainfo['modalities']
    return tuple(name for name in names if name in metainfo.get('present', names))


def _member(sample: SegDataSample, name: str) -> SegDataSample:
    """A sample that holds one modality's logits where mmseg looks for logits."""
    member = SegDataSample(metainfo=sample.metainfo)
    member.seg_logits = sample.get(f'seg_logits_{name}')
    return member
