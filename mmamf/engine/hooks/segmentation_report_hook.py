from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from mmamf.datasets.transforms.load_label_map import IGNORE
from mmamf.ensemble import ENSEMBLE, LEFT_OUT, class_probabilities, output_keys
from mmamf.evaluation.calibration_metric import count_sample

from .prediction_sheet_hook import PredictionSheetHook

LABELS, LOGITS = 'pred_sem_seg', 'seg_logits'


@HOOKS.register_module()
class SegmentationReportHook(Hook):
    """Writes a report of a test for people to read: ``report.html`` with its pictures.

    It has the IoU of every class with intervals over images (:func:`bootstrap_iou`) for the
    ensemble and every modality, their differences, the calibration, the confusion matrix of the
    ensemble, and sheets of its worst and its most uncertain images. ``report.json`` holds the
    numbers. ``tools/test.py --report DIR`` adds the hook.

    Args:
        out_dir: Folder of the report.
        num_samples: Number of images in each sheet.

    Raises:
        ValueError: If ``num_samples`` is not positive, several processes test, or a sample has no
            label map.
    """

    def __init__(self, out_dir: str, num_samples: int = 6) -> None:
        if num_samples < 1:
            raise ValueError(f'num_samples: expected at least 1, got {num_samples}')
        self.out_dir = out_dir
        self.num_samples = num_samples

    def before_test_epoch(self, runner: Runner) -> None:
        """Begin to count."""
        if get_world_size() > 1:
            raise ValueError(
                f'SegmentationReportHook: expected one process, because it counts all images, got '
                f'{get_world_size()}'
            )
        from mmamf.visualization.segmentation_report import Tested  # needs matplotlib

        self._classes = runner.test_dataloader.dataset.metainfo['classes']
        self._make = Tested
        self._tested: dict[str, Tested] = {}
        self._confusion = np.zeros((len(self._classes),) * 2, np.int64)
        self._left_out: dict[str, list[str]] = {}
        # (value, name, sample), the lowest value first
        self._ranked: dict[str, list[tuple]] = dict(worst=[], uncertain=[])

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Count the samples of a batch, and keep those that a sheet may show."""
        for sample in outputs or ():
            self._add(sample)

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Write the report."""
        from mmamf.visualization.segmentation_report import write_report

        folder = Path(self.out_dir)
        for kind, entries in self._ranked.items():
            hook = PredictionSheetHook()
            hook.sheet = hook.begin_sheet(runner.test_dataloader.dataset)
            for *_, sample in entries:
                hook.add_sample(sample)
            hook.sheet.save(folder / f'{kind}.png')
        worst, uncertain = self._ranked['worst'], self._ranked['uncertain']
        ranked = dict(
            worst={name: value for value, name, _ in worst},
            uncertain={name: -value for value, name, _ in uncertain},
        )
        order = dict.fromkeys((ENSEMBLE, *self._tested))
        path = write_report(
            Path(runner.cfg.get('filename') or 'test').stem,
            self._classes,
            {name: self._tested[name] for name in order},
            self._confusion,
            ranked,
            self._left_out,
            folder,
        )
        runner.logger.info(f'Report of the test: {path}')

    def _add(self, sample: BaseDataElement) -> None:
        entries = sample.to_dict()
        name = entries.get('sample_name') or Path(entries.get('img_path') or '').stem
        counts = count_sample(entries)
        labels = entries['gt_sem_seg']['data'].squeeze(0).cpu()
        known = labels != IGNORE
        for source, key in output_keys(entries, LABELS).items():
            tested = self._tested.setdefault(source, self._make())
            confusion = self._count(labels[known], entries[key]['data'].squeeze(0).cpu()[known])
            right, both = confusion.diagonal(), confusion.sum(0) + confusion.sum(1)
            areas = np.stack([right, both - right])
            tested.names.append(name)
            tested.areas.append(areas)
            before = tested.calibration
            tested.calibration = counts[source] if before is None else before + counts[source]
            if source == ENSEMBLE:
                self._confusion += confusion
                found = areas[:, areas[1] > 0]
                miou = 100 * float((found[0] / found[1]).mean()) if found.size else float('nan')
        for modality in entries.get(LEFT_OUT, ()):
            self._left_out.setdefault(modality, []).append(name)
        chances = class_probabilities(entries[LOGITS]['data'].float())
        entropy = torch.special.entr(chances).sum(0).mean().item() / np.log(len(chances))
        if known.any():
            self._keep('worst', miou, name, sample)
        self._keep('uncertain', -entropy, name, sample)

    def _count(self, labels: torch.Tensor, guesses: torch.Tensor) -> np.ndarray:
        classes = len(self._classes)
        pairs = labels.long() * classes + guesses.long()
        return torch.bincount(pairs, minlength=classes**2).view(classes, classes).numpy()

    def _keep(self, kind: str, value: float, name: str, sample: BaseDataElement) -> None:
        """Keep a sample, without its logits, if it is among the first."""
        entries = self._ranked[kind]
        if len(entries) == self.num_samples and value >= entries[-1][0]:
            return
        light = sample.new()
        for key in [key for key in light.keys() if key.startswith(LOGITS)]:  # noqa: SIM118
            delattr(light, key)
        entries.append((value, name, light.cpu()))
        entries.sort(key=lambda entry: entry[0])
        del entries[self.num_samples :]
