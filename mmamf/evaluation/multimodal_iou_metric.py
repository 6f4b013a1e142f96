from collections.abc import Sequence

import numpy as np
import torch
from mmengine.logging import print_log
from mmengine.registry import METRICS
from mmseg.evaluation import IoUMetric
from prettytable import PrettyTable

IGNORE = 255  # what label maps have where the files have the data set's ignore_index
ENSEMBLE = ''  # prefix of the ensemble's scalars
PREDICTION = 'pred_sem_seg_'  # key of a modality's prediction, without its name


@METRICS.register_module()
class MultimodalIoUMetric(IoUMetric):
    """PixAcc, mAcc, mIoU and per-class IoU of the ensemble and of every modality's own prediction.

    ``pred_sem_seg`` is the ensemble (or a stock model's only prediction),
    ``pred_sem_seg_<modality>`` the prediction of one modality. Scalars are in percent: ``PixAcc``,
    ``mAcc``, ``mIoU``, ``IoU.<class>``, and the same behind ``<modality>/``. A class that is
    neither in the labels nor predicted is NaN and does not count in the means. Samples that lack a
    modality do not count in its scalars. One table holds it all.
    ``output_dir`` and ``format_only`` save the ensemble's prediction, as in the parent, but under
    the whole name of the sample: ``a/0001`` becomes ``a__0001.png``, beside ``b__0001.png``.

    Args:
        **kwargs: Arguments of :class:`mmseg.evaluation.IoUMetric`, except ``iou_metrics``.

    Raises:
        ValueError: If ``iou_metrics`` is given, a sample has no label map or one of another size,
            or the model predicts another number of classes than the data set has.
    """

    def __init__(self, **kwargs) -> None:
        if 'iou_metrics' in kwargs:
            raise ValueError(
                'MultimodalIoUMetric always gives mIoU, mAcc and PixAcc: expected no iou_metrics, '
                f'got {kwargs["iou_metrics"]}'
            )
        super().__init__(**kwargs)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of each class, one result per sample."""
        if not self.format_only:
            for sample in data_samples:
                _check_sample(sample, len(self.dataset_meta['classes']))
        start = len(self.results)
        super().process(data_batch, [_named(sample) for sample in data_samples])
        # the parent's counts of the ensemble -> the counts of every source of predictions
        for i, areas in enumerate(self.results[start:], start):
            sample = data_samples[i - start]
            counts = {ENSEMBLE: _stacked(areas)}
            for name in _modalities(sample):
                counts[name] = self._count(sample, PREDICTION + name)
            self.results[i] = counts

    def _count(self, sample: dict, key: str) -> torch.Tensor:
        prediction = sample[key]['data'].squeeze()
        label = sample['gt_sem_seg']['data'].squeeze().to(prediction)
        num_classes = len(self.dataset_meta['classes'])
        return _stacked(self.intersect_and_union(prediction, label, num_classes, self.ignore_index))

    @staticmethod
    def intersect_and_union(
        pred_label: torch.Tensor, label: torch.Tensor, num_classes: int, ignore_index: int
    ) -> tuple[torch.Tensor, ...]:
        """Count as the parent does, and ignore labels of 255 whatever ``ignore_index`` is."""
        label = label.masked_fill(label == ignore_index, IGNORE)
        return IoUMetric.intersect_and_union(pred_label, label, num_classes, IGNORE)

    def _names(self, results: list[dict[str, torch.Tensor]]) -> list[str]:
        """List the sources of predictions, in the order of the sample that has most of them."""
        ordered = sorted(results, key=len, reverse=True)
        return list(dict.fromkeys(name for result in ordered for name in result))

    def compute_metrics(self, results: list[dict[str, torch.Tensor]]) -> dict[str, float]:
        """Sum the counts of all samples, print the table and return the scalars in percent."""
        if self.format_only:
            return super().compute_metrics(results)
        if not results:
            raise ValueError('MultimodalIoUMetric: expected at least one sample, got none')
        classes = self.dataset_meta['classes']
        table = PrettyTable()
        table.add_column('class', [*classes, 'mIoU', 'mAcc', 'PixAcc'], align='l')
        metrics = {}
        for name in self._names(results):
            total = sum(result[name] for result in results if name in result)
            values = self.total_area_to_metrics(*total, ['mIoU'], self.nan_to_num, self.beta)
            prefix = f'{name}/' if name != ENSEMBLE else ''
            means = dict(
                mIoU=np.nanmean(values['IoU']),
                mAcc=np.nanmean(values['Acc']),
                PixAcc=values['aAcc'],
            )
            metrics.update({f'{prefix}{key}': float(value) * 100 for key, value in means.items()})
            metrics.update(
                {
                    f'{prefix}IoU.{c}': float(v) * 100
                    for c, v in zip(classes, values['IoU'], strict=True)
                }
            )
            column = [*values['IoU'], *means.values()]
            table.add_column(
                name or 'ensemble', [f'{value * 100:.2f}' for value in column], align='r'
            )
        print_log(f'IoU per class and means (%):\n{table.get_string()}', logger='current')
        return metrics


def _named(sample: dict) -> dict:
    # the parent names what it saves by the file alone, which sub-folders may share
    if 'sample_name' not in sample:
        return sample
    return {**sample, 'img_path': sample['sample_name'].replace('/', '__') + '.png'}


def _stacked(areas: Sequence[torch.Tensor]) -> torch.Tensor:
    # intersection, union, prediction, label -> (4, K); doubles count exactly past 2 ** 24 pixels
    return torch.stack(list(areas)).double()


def _modalities(sample: dict) -> list[str]:
    """Modalities with a prediction of their own, in the order of the sample's channels."""
    found = {key.removeprefix(PREDICTION) for key in sample if key.startswith(PREDICTION)}
    ordered = [name for name in sample.get('modalities', ()) if name in found]
    return ordered + sorted(found.difference(ordered))


def _check_sample(sample: dict, num_classes: int) -> None:
    if 'gt_sem_seg' not in sample:
        raise ValueError(
            f'{sample.get("img_path")}: expected a label map in `gt_sem_seg`, got none; add '
            'LoadLabelMap to the test pipeline, or set format_only=True'
        )
    prediction, label = (sample[key]['data'].shape[-2:] for key in ('pred_sem_seg', 'gt_sem_seg'))
    if prediction != label:
        raise ValueError(
            f"{sample.get('img_path')}: expected a prediction of the label map's size "
            f'{tuple(label)}, got {tuple(prediction)}'
        )
    logits = sample.get('seg_logits')
    if logits is not None and logits['data'].shape[0] not in (1, num_classes):  # 1: binary
        raise ValueError(
            f'expected a model of {num_classes} classes, as the data set has, got one of '
            f'{logits["data"].shape[0]}: set num_classes of its heads'
        )
