import logging
from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch
from mmengine.logging import print_log
from mmengine.registry import METRICS
from mmseg.evaluation import IoUMetric
from prettytable import PrettyTable

from mmamf.ensemble import ENSEMBLE, LEFT_OUT, metric_key, output_keys

from .describe_collapse import describe_collapse
from .mask_files import MaskFiles

IGNORE = 255  # value of ignored pixels in loaded label maps
METRICS_OF_MMSEG = ('mIoU', 'mDice', 'mFscore')


@METRICS.register_module()
class MultimodalIoUMetric(IoUMetric):
    """PixAcc, mAcc, mIoU and per-class IoU of the ensemble and of every modality's own prediction.

    ``pred_sem_seg`` is the ensemble (or a stock model's only prediction).
    ``pred_sem_seg_<modality>`` is the prediction of one modality. Scalars are in percent:
    ``PixAcc``, ``mAcc``, ``mIoU`` and ``IoU.<class>``. Scalars of a modality start with
    ``<modality>/``. A class that is neither in the labels nor predicted is NaN and is left out of
    the means. Samples that lack a modality are left out of its scalars. One table shows everything.
    If the only modality agrees with the ensemble, they share a column. If the ensemble or a
    modality never predicts some classes of the labels, a warning names the classes. If the guard
    has left out a modality, ``<modality>/left_out`` is the share of these samples.

    ``mDice`` among the ``iou_metrics`` adds ``mDice`` and ``Dice.<class>``. ``mFscore`` adds the
    same for ``Fscore``, ``Precision`` and ``Recall``. If a class is never predicted, the parent
    leaves it out of mFscore. Here its Fscore counts as 0, like its IoU. It has no precision.

    ``output_dir`` and ``format_only`` save the ensemble's prediction with :class:`MaskFiles`. The
    parent would add 1 to it for data sets with ``reduce_zero_label``.

    Args:
        iou_metrics: One or several of mIoU, mDice and mFscore; mIoU is always included.
        **kwargs: Further arguments of :class:`mmseg.evaluation.IoUMetric`.

    Raises:
        ValueError: If ``iou_metrics`` has another name, ``format_only`` comes without
            ``output_dir``, a sample has no label map or one of another size, or the model and the
            data set have different numbers of classes.
    """

    default_prefix = ''  # without one, mmengine warns

    def __init__(self, iou_metrics: str | Sequence[str] = ('mIoU',), **kwargs) -> None:
        names = [iou_metrics] if isinstance(iou_metrics, str) else list(iou_metrics)
        if not set(names) <= set(METRICS_OF_MMSEG):
            raise ValueError(
                f'MultimodalIoUMetric: iou_metrics: expected some of {METRICS_OF_MMSEG}, got '
                f'{iou_metrics!r}'
            )
        super().__init__(iou_metrics=list(dict.fromkeys(['mIoU', *names])), **kwargs)
        if self.format_only and self.output_dir is None:
            raise ValueError(
                'MultimodalIoUMetric: expected an output_dir with format_only=True, which saves '
                'predictions and measures nothing, got none'
            )
        self._files = MaskFiles(self.output_dir) if self.output_dir else None

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of each class, one result per sample."""
        num_classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            if not self.format_only:
                _check_sample(sample, num_classes)
                keys = output_keys(sample, 'pred_sem_seg')
                counts = {name: self._count(sample, key) for name, key in keys.items()}
                guarded = {LEFT_OUT: sample[LEFT_OUT]} if LEFT_OUT in sample else {}
                self.results.append(counts | guarded)
            if self._files:
                self._files.write(sample, num_classes)

    def _count(self, sample: dict, key: str) -> torch.Tensor:
        prediction = sample[key]['data'].squeeze()
        label = sample['gt_sem_seg']['data'].squeeze().to(prediction)
        num_classes = len(self.dataset_meta['classes'])
        areas = self.intersect_and_union(prediction, label, num_classes, self.ignore_index)
        # intersection, union, prediction, label -> (4, K); doubles count exactly beyond 2 ** 24
        return torch.stack(list(areas)).double()

    @staticmethod
    def intersect_and_union(
        pred_label: torch.Tensor, label: torch.Tensor, num_classes: int, ignore_index: int
    ) -> tuple[torch.Tensor, ...]:
        """Count like the parent, but always ignore labels of 255 as well as ``ignore_index``."""
        label = label.masked_fill(label == ignore_index, IGNORE)
        return IoUMetric.intersect_and_union(pred_label, label, num_classes, IGNORE)

    def _names(self, results: list[dict[str, torch.Tensor]]) -> list[str]:
        """List the ensemble and the modalities, in the order of the sample that has most."""
        ordered = sorted(results, key=len, reverse=True)
        return list(dict.fromkeys(name for result in ordered for name in result))

    def compute_metrics(self, results: list[dict[str, torch.Tensor]]) -> dict[str, float]:
        """Sum the counts of all samples, print the table and return the scalars in percent."""
        if self.format_only:
            return super().compute_metrics(results)
        if not results:
            raise ValueError('MultimodalIoUMetric: expected at least one sample, got none')
        left_out = [result.pop(LEFT_OUT) for result in results if LEFT_OUT in result]
        totals = {
            name: sum(result[name] for result in results if name in result)
            for name in self._names(results)
        }
        values = {name: self._values(total) for name, total in totals.items()}
        metrics = self._tell_left_out(left_out)
        for name, (means, classes) in values.items():
            metrics.update({metric_key(name, key): value for key, value in means.items()})
            for key, numbers in classes.items():
                named = zip(self.dataset_meta['classes'], numbers, strict=True)
                metrics |= {metric_key(name, f'{key}.{c}'): float(number) for c, number in named}
        print_log(f'IoU per class and means (%):\n{self._tables(totals, values)}', logger='current')
        self._warn(totals)
        return metrics

    def _tell_left_out(self, left_out: list[tuple[str, ...]]) -> dict[str, float]:
        """Print how often the guard has left out a modality, and return the shares in percent."""
        if not left_out:
            return {}
        counts = Counter(chain(*left_out))
        listed = ', '.join(f'{name} in {count}' for name, count in counts.items()) or 'nothing'
        print_log(f'the guard left out, of {len(left_out)} samples: {listed}', logger='current')
        return {metric_key(n, LEFT_OUT): 100 * c / len(left_out) for n, c in counts.items()}

    def _values(self, total: torch.Tensor) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Compute the means over the classes and the values of each class, in percent."""
        intersection, _, predicted, labeled = total.numpy()
        found = self.total_area_to_metrics(*total, self.metrics, self.nan_to_num, self.beta)
        if 'Fscore' in found:  # a class that is never predicted gets 0 instead of 0 / 0
            weight = self.beta**2
            with np.errstate(invalid='ignore'):
                score = (1 + weight) * intersection / (weight * labeled + predicted)
            found['Fscore'] = (
                score if self.nan_to_num is None else np.nan_to_num(score, nan=self.nan_to_num)
            )
        overall, accuracy = found.pop('aAcc'), found.pop('Acc')
        classes = {key: value * 100 for key, value in found.items()}
        means = dict(mIoU=found['IoU'], mAcc=accuracy, PixAcc=overall)
        means |= {f'm{key}': value for key, value in found.items() if key != 'IoU'}
        return {key: float(np.nanmean(value)) * 100 for key, value in means.items()}, classes

    def _tables(self, totals: dict[str, torch.Tensor], values: dict[str, tuple]) -> str:
        """Make one table per class metric, with a column for the ensemble and each modality."""
        columns = [*values]
        if len(totals) == 2 and torch.equal(*totals.values()):  # only one modality
            columns.remove(ENSEMBLE)
        tables = []
        for key in values[ENSEMBLE][1]:
            means = ['mIoU', 'mAcc', 'PixAcc'] if key == 'IoU' else [f'm{key}']
            table = PrettyTable()
            heading = 'class' if key == 'IoU' else f'{key} (%)'
            table.add_column(heading, [*self.dataset_meta['classes'], *means], align='l')
            for name in columns:
                mean, classes = values[name]
                column = [*classes[key], *(mean[m] for m in means)]
                table.add_column(name, [f'{number:.2f}' for number in column], align='r')
            tables.append(table.get_string())
        return '\n'.join(tables)

    def _warn(self, totals: dict[str, torch.Tensor]) -> None:
        """Warn if the ensemble or a modality never predicts a class of the labels."""
        lines = []
        for name, (_, _, predicted, labeled) in totals.items():
            text = describe_collapse(self.dataset_meta['classes'], predicted > 0, labeled > 0)
            if text:
                lines.append(f'{name}: {text}')
        if lines:
            print_log('\n'.join(lines), logger='current', level=logging.WARNING)


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
            f'{tuple(label)}, got {tuple(prediction)}; in the pipelines of validation and test, '
            'put Resize before LoadLabelMap'
        )
    logits = sample.get('seg_logits')
    if logits is not None and logits['data'].shape[0] not in (1, num_classes):  # 1: binary
        raise ValueError(
            f'expected a model of {num_classes} classes, as the data set has, got one of '
            f'{logits["data"].shape[0]}: set num_classes of its heads'
        )
