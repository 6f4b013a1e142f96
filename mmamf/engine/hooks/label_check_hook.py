import logging
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.models.decode_heads.decode_head import BaseDecodeHead

from mmamf.engine.bare_model import bare_model
from mmamf.engine.label_statistics import IGNORE, LabelStatistics
from mmamf.evaluation import MultimodalIoUMetric


@HOOKS.register_module()
class LabelCheckHook(Hook):
    """Reads the label maps before a training starts, and warns about unsuitable labels.

    It checks the training and the validation data. It warns about classes without a pixel, masks
    that hold only 0 and 255, sets with more than half of the pixels ignored, and label maps that
    cannot be read. It also warns about heads and metrics that would not ignore the pixels that
    label maps mark as ignored. If the training labels have only one class and ignored pixels,
    training is refused. The hook reads all label maps, or as many as time allows, evenly spaced.

    It draws no random numbers. It does nothing if a training is resumed, or for data sets without
    label maps.

    Args:
        seconds: Time limit for reading label maps, for each of training and validation.

    Raises:
        ValueError: If ``seconds`` is not positive.
    """

    def __init__(self, seconds: float = 10) -> None:
        if seconds <= 0:
            raise ValueError(f'seconds: expected more than 0, got {seconds}')
        self.seconds = seconds

    def before_train(self, runner: Runner) -> None:
        """Read the label maps, and log one summary.

        Raises:
            ValueError: If all labels have one class or are ignored, and the data set has several.
        """
        if runner.iter > 0:
            return
        refusal = [self._check(runner) if is_main_process() else None]
        broadcast_object_list(refusal)  # all processes stop, or none
        if refusal[0]:
            raise ValueError(refusal[0])

    def _check(self, runner: Runner) -> str | None:
        """Log the warnings. Return the reason to refuse the training, or None."""
        loaders = dict(train=runner.train_dataloader)
        if runner.val_loop is not None:
            loaders['val'] = runner.val_dataloader
        found = {phase: self._read(phase, loader.dataset) for phase, loader in loaders.items()}
        found = {phase: labels for phase, labels in found.items() if labels is not None}
        warnings = [warning for labels in found.values() for warning in labels.warnings()]
        if found:
            warnings += _other_ignore_indices(runner)
        if warnings:
            text = '\n  '.join(['Labels, as read before the first iteration:', *warnings])
            print_log(text, logger='current', level=logging.WARNING)
        return found['train'].refusal() if 'train' in found else None

    def _read(self, phase: str, dataset: Any) -> LabelStatistics | None:
        """Count the pixels of each class; return None if there are no label maps."""
        parts = [(part, _label_loader(part)) for part in _innermost(dataset)]
        parts = [(part, loader) for part, loader in parts if loader is not None and len(part)]
        if not parts:
            return None
        samples = [(part, loader, index) for part, loader in parts for index in range(len(part))]
        labels = LabelStatistics(phase, parts[0][0].metainfo.get('classes', ()), len(samples))
        end = time.monotonic() + self.seconds
        # multiples of the golden ratio keep the maps read so far evenly spaced at any moment
        for place in np.argsort(np.arange(len(samples)) * (5**0.5 - 1) / 2 % 1):
            part, loader, index = samples[place]
            info = part.get_data_info(index)
            try:
                label = loader(info)['gt_seg_map']
            except Exception as error:  # training itself decides whether this is fatal
                labels.add_unreadable(str(error))
            else:
                counts = torch.bincount(torch.from_numpy(label).flatten(), minlength=IGNORE + 1)
                labels.add(counts.numpy(), info.get('ignore_index', IGNORE))
            if time.monotonic() > end:
                break
        return labels


def _other_ignore_indices(runner: Runner) -> list[str]:
    """Find heads and metrics that would not ignore labels of 255. Ours always ignore them."""
    model = bare_model(runner.model)
    parts = [part for part in model.modules() if isinstance(part, BaseDecodeHead)]
    if runner.val_loop is not None:
        metrics = runner.val_evaluator.metrics
        parts += [part for part in metrics if not isinstance(part, MultimodalIoUMetric)]
    found = {type(part).__name__: getattr(part, 'ignore_index', None) for part in parts}
    warnings = [
        f'{name}: expected ignore_index={IGNORE}, the value of ignored pixels after loading, got '
        f'{value}: remove it there. If the label files have it, set ignore_index of the data set'
        for name, value in found.items()
        if value not in (None, IGNORE)
    ]
    padding = getattr(getattr(model, 'data_preprocessor', None), 'seg_pad_val', IGNORE)
    if padding not in (IGNORE, getattr(getattr(model, 'decode_head', None), 'ignore_index', None)):
        warnings.append(
            f'data_preprocessor.seg_pad_val: expected {IGNORE}, which losses ignore, got {padding}'
        )
    return warnings


def _innermost(dataset: Any) -> Iterator[Any]:
    """Yield the data sets inside wrappers such as RepeatDataset and ConcatDataset."""
    if hasattr(dataset, 'datasets'):
        for part in dataset.datasets:
            yield from _innermost(part)
    elif hasattr(dataset, 'dataset'):
        yield from _innermost(dataset.dataset)
    else:
        yield dataset


def _label_loader(dataset: Any) -> LoadAnnotations | None:
    if not hasattr(dataset, 'get_data_info'):
        return None
    steps = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    return next((step for step in steps if isinstance(step, LoadAnnotations)), None)
