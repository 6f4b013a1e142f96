"""How images are tested, measured and loaded."""

from collections.abc import Sequence
from typing import Any

from mmamf.planning.choice import Choice
from mmamf.planning.counted import counted
from mmamf.planning.machine import Machine

from .labels import some_of

OVERLAP = 2 / 3  # windows move by two thirds of their side, so that no object is cut in all
MAX_WORKERS = 8  # more compete with the training for memory


def choose_test(crop: tuple[int, int] | None, whole: tuple[int, int]) -> Choice:
    """Choose between the whole image and a sliding window: keys of ``test_cfg``.

    Args:
        crop: (H, W) of training crops; None if they are whole images.
        whole: (H, W) of the scaled images.
    """
    if crop is None:
        return Choice(dict(mode='whole'), 'Images are tested as they were trained, whole.')
    stride = tuple(int(side * OVERLAP) for side in crop)
    return Choice(
        dict(mode='slide', crop_size=crop, stride=stride),
        f'Images of {whole[1]} x {whole[0]} px are larger than the crops: a window slides over '
        'them by two thirds of its side.',
    )


def windows_overlap(test_cfg: dict[str, Any]) -> float:
    """Compute how often a test sees each pixel."""
    return 1.0 if test_cfg['mode'] == 'whole' else OVERLAP**-2


def choose_metric(names: Sequence[str], val_pixels: dict[int, int]) -> Choice:
    """Choose the metric, and name the classes that validation cannot judge."""
    absent = [name for index, name in enumerate(names) if not val_pixels.get(index)]
    reason = 'mIoU is the mean over the classes that occur in validation.'
    if absent:
        reason += f' Not in its labels, so not judged: {some_of(absent)}.'
    return Choice('MultimodalIoUMetric', reason)


def choose_workers(machine: Machine) -> Choice:
    """Choose the number of processes that load data."""
    if machine.gpu:
        workers = max(1, min(MAX_WORKERS, machine.cpus - 1))
        return Choice(
            workers, f'{counted(machine.cpus, "CPU")}; one is left for the training on the GPU.'
        )
    if machine.cpus < 2:
        return Choice(0, 'The only CPU trains and loads in turn.')
    return Choice(1, f'{machine.cpus} CPUs train; one process loads beside them.')


def choose_precision(machine: Machine) -> Choice:
    """Choose the optimizer wrapper."""
    if machine.gpu:
        return Choice('AmpOptimWrapper', f'{machine.gpu} is faster in mixed precision.')
    return Choice('OptimWrapper', 'Without a GPU, full precision.')
