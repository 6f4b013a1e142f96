from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.registry import METRICS
from prettytable import PrettyTable

from mmamf.datasets.transforms.load_label_map import IGNORE
from mmamf.ensemble import class_probabilities, metric_key, output_keys

from .calibration_counts import CalibrationCounts

FILE = 'reliability.png'


@METRICS.register_module()
class CalibrationMetric(BaseMetric):
    """How far the probabilities of the ensemble and of every modality can be trusted.

    Scalars are ``ECE`` (in percent), ``Brier`` (from 0 to 2) and ``NLL`` (in nats) of
    :class:`CalibrationCounts`. Scalars of a modality start with ``<modality>/``. Samples that lack
    a modality are left out of its scalars. Beside each sample's few sums nothing is kept.

    Args:
        ignore_index: Label of pixels that do not count, beside 255.
        output_dir: Folder for ``reliability.png``, the reliability diagrams; None for no picture.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        ValueError: If a sample has no label map or one of another size, a label is not a class, or
            there is no pixel with a label.
    """

    default_prefix = ''  # without one, mmengine warns

    def __init__(
        self, ignore_index: int = IGNORE, output_dir: str | Path | None = None, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.ignore_index = ignore_index
        self.output_dir = output_dir

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Sum over the pixels of each sample."""
        for sample in data_samples:
            self.results.append(count_sample(sample, self.ignore_index))

    def compute_metrics(self, results: list[dict[str, CalibrationCounts]]) -> dict[str, float]:
        """Add up all samples, print the table, draw the diagrams and return the scalars."""
        totals = add_up(results)
        metrics, table = {}, PrettyTable(['calibration', 'ECE (%)', 'Brier', 'NLL'], align='r')
        table.align['calibration'] = 'l'
        for name, total in totals.items():
            values = dict(ECE=100 * total.ece, Brier=total.brier, NLL=total.nll)
            metrics |= {metric_key(name, key): value for key, value in values.items()}
            table.add_row(
                [name, f'{100 * total.ece:.2f}', *(f'{v:.4f}' for v in list(values.values())[1:])]
            )
        print_log(f'Calibration:\n{table}', logger='current')
        if self.output_dir is not None:
            from mmamf.visualization.reliability_diagram import plot_reliability  # matplotlib

            plot_reliability(totals, Path(self.output_dir, FILE))
        return metrics


def count_sample(sample: dict, ignore_index: int = IGNORE) -> dict[str, CalibrationCounts]:
    """Count the pixels of a predicted sample, for the ensemble and every modality that it has.

    Args:
        sample: A data sample as a dict.
        ignore_index: Label of pixels that do not count, beside 255.

    Raises:
        ValueError: If it has no label map or one of another size, or a label is not a class.
    """
    where = sample.get('img_path')
    if 'gt_sem_seg' not in sample:
        raise ValueError(
            f'{where}: expected a label map in `gt_sem_seg`, got none; add LoadLabelMap to the '
            'test pipeline'
        )
    labels = sample['gt_sem_seg']['data'].squeeze(0).long()
    counted = (labels != ignore_index) & (labels != IGNORE)
    counts = {}
    for name, key in output_keys(sample, 'seg_logits').items():
        probabilities = class_probabilities(sample[key]['data'].float())
        if probabilities.shape[1:] != labels.shape:
            raise ValueError(
                f"{where}: expected `{key}` of the label map's size {tuple(labels.shape)}, got "
                f'{tuple(probabilities.shape[1:])}'
            )
        chosen = labels[counted].to(probabilities.device)
        if chosen.numel() and not 0 <= chosen.min() <= chosen.max() < len(probabilities):
            raise ValueError(
                f'{where}: expected labels from 0 to {len(probabilities) - 1}, the classes of the '
                f'model, got {chosen.unique().tolist()}'
            )
        pixels = probabilities[:, counted.to(probabilities.device)].T  # (P, K)
        counts[name] = CalibrationCounts.of(pixels.cpu(), chosen.cpu())
    return counts


def add_up(results: Sequence[dict[str, CalibrationCounts]]) -> dict[str, CalibrationCounts]:
    """Add up the counts of all samples, for the ensemble and each modality.

    Raises:
        ValueError: If no pixel was counted.
    """
    ordered = sorted(results, key=len, reverse=True)
    names = dict.fromkeys(name for result in ordered for name in result)
    totals = {}
    for name in names:
        first, *others = (result[name] for result in results if name in result)
        totals[name] = sum(others, start=first)
    if not any(torch.any(total.pixels > 0) for total in totals.values()):
        raise ValueError('calibration: expected pixels with a label, got none')
    return totals
