"""Plots curves of a training from the scalars that mmengine writes into the work dir."""

import json
import re
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mmamf.ensemble import ENSEMBLE

from .figures import add_grid, choose_colors, save_figure

SCALARS = '*/vis_data/scalars.json'
# decode.<modality>.loss_ce of a decode head, or <modality>.loss_pixel of a translator
LOSS = re.compile(
    r'decode\.(ensemble\.|(?P<segmented>\w+)\.)?loss\w*|(ensemble|(?P<translated>\w+))\.loss_pixel'
)
METRICS = dict(mIoU='validation mIoU (%)', MAE='validation MAE (x 10)')

Curve = list[tuple[int, float]]  # (iteration, value)


def read_scalars(work_dir: str | Path) -> list[tuple[int, dict]]:
    """Read all scalars that a training logged, as (iteration, scalars), in order.

    Runs in one work dir are joined in the order of their start. Records of an earlier run are
    dropped from the iteration on at which a later run begins. So the iterations after the
    checkpoint of a resumed run appear once, and a restarted run replaces the old one.

    Args:
        work_dir: A work dir of `tools/train.py`.

    Raises:
        FileNotFoundError: If there are no scalars.
        ValueError: If a file of scalars is damaged. Only its last line may be, because a killed
            process may leave half a line.
    """
    files = sorted(Path(work_dir).glob(SCALARS))
    records: list[tuple[int, dict]] = []
    for path in files:
        run = _read_run(path)
        if run:
            records = [record for record in records if record[0] < run[0][0]] + run
    if not records:
        raise FileNotFoundError(
            f'{work_dir}: expected the scalars of a training in {SCALARS}, got none'
        )
    return records


def read_curves(work_dir: str | Path) -> dict[str, dict[str, Curve]]:
    """Read loss and mIoU (MAE for a translator) of the ensemble and of every modality.

    Args:
        work_dir: A work dir of `tools/train.py`, see :func:`read_scalars` also for errors.

    Returns:
        ``dict(loss={name: curve}, mIoU={name: curve})``, with ``MAE`` for a translator. The
        ensemble, or a stock model's only prediction, is called 'ensemble'.
    """
    records = read_scalars(work_dir)
    metric = 'MAE' if any('MAE' in record for _, record in records) else 'mIoU'
    curves: dict[str, dict[str, Curve]] = {'loss': {}, metric: {}}
    for step, record in records:
        for kind, values in (('loss', _losses(record)), (metric, _values(record, metric))):
            for name, value in values.items():
                curves[kind].setdefault(name, []).append((step, value))
    return curves


def plot_curves(work_dir: str | Path, out: str | Path) -> None:
    """Plot loss and mIoU (or MAE) over iterations into a file.

    Args:
        work_dir: A work dir of `tools/train.py`.
        out: The picture to write.
    """
    curves = read_curves(work_dir)
    names = list(dict.fromkeys(name for curve in curves.values() for name in curve))
    modalities = [name for name in names if name != ENSEMBLE]
    colors = choose_colors(modalities)
    figure = Figure(figsize=(10, 4), dpi=120, layout='constrained')
    titles = {kind: METRICS.get(kind, 'training loss') for kind in curves}
    for axes, (kind, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        for name in [*modalities, ENSEMBLE]:
            if name in curves[kind]:
                ensemble = name == ENSEMBLE
                axes.plot(
                    *zip(*curves[kind][name], strict=True),
                    color=colors[name],
                    linewidth=2.2 if ensemble else 1.4,
                    marker='o' if len(curves[kind][name]) < 25 else None,
                    markersize=4,
                    label=name if modalities else 'prediction',
                )
        axes.set(title=title, xlabel='iteration')
        points = [point for curve in curves[kind].values() for point in curve]
        right, top = np.nanmax(points, axis=0) if points else (1, 1)
        axes.set(xlim=(0, 1.02 * right), ylim=(0, 1.08 * max(top, 1e-3)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        add_grid(axes)
        if curves[kind]:
            axes.legend(frameon=False)
        else:
            axes.text(0.5, 0.5, 'none logged', ha='center', transform=axes.transAxes)
    save_figure(figure, out)


def _read_run(path: Path) -> list[tuple[int, dict]]:
    """Read (iteration, scalars) of one run, in order."""
    run, by_epoch, iteration = [], False, 0
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):
                break
            raise ValueError(f'{path}, line {number}: expected JSON, got {line[:80]!r}') from error
        by_epoch |= 'epoch' in record
        # if a training counts epochs, the step of a validation is an epoch: the last iteration is
        # used instead
        validation = 'iter' not in record
        iteration = iteration if by_epoch and validation else record['step']
        run.append((iteration, record))
    return run


def _losses(record: dict) -> dict[str, float]:
    """Sum the losses of the ensemble and of each modality."""
    losses: dict[str, float] = {}
    for key, value in record.items():
        match = LOSS.fullmatch(key)
        if match:
            name = match['segmented'] or match['translated'] or ENSEMBLE
            losses[name] = losses.get(name, 0.0) + value
    return losses


def _values(record: dict, metric: str) -> dict[str, float]:
    """Pick the values of <metric> and <modality>/<metric>."""
    return {
        key.rpartition('/')[0] or ENSEMBLE: value
        for key, value in record.items()
        if key.rpartition('/')[2] == metric
    }
