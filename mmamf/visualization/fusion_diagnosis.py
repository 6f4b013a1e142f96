"""Draws the scalars of a FusionDiagnosisHook."""

from itertools import product
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from .curves import Curve, read_scalars
from .figures import add_grid, choose_colors, save_figure

PREFIX = 'fusion'
KINDS = ('alpha', 'divergence', 'share', 'agreement')
MAX_LABELS = 40  # number of layer names that fit beside the figure
LEAST = 1e-3  # divergence at the lower end of the color map
STYLES = dict(enter='--', leave='-')


def read_fusion_diagnosis(work_dir: str | Path) -> dict[str, dict[str, Curve]]:
    """Read the scalars of a FusionDiagnosisHook from all runs in a work dir.

    Args:
        work_dir: A work dir of `tools/train.py`, see
            :func:`~mmamf.visualization.curves.read_scalars`.

    Returns:
        ``dict(alpha={modality: curve}, divergence={layer: curve}, share={point: curve},
        agreement={layer: curve})``, in the order of the model.

    Raises:
        FileNotFoundError: If there are no scalars.
        ValueError: If a file of scalars is damaged, or has no scalars of the hook.
    """
    found: dict[str, dict[str, Curve]] = {kind: {} for kind in KINDS}
    for step, record in read_scalars(work_dir):
        for key, value in record.items():
            prefix, _, rest = key.partition('/')
            kind, _, name = rest.partition('/')
            if prefix == PREFIX and kind in found:
                found[kind].setdefault(name, []).append((step, value))
    if not any(found.values()):
        raise ValueError(
            f'{work_dir}: expected scalars {PREFIX}/alpha/..., /divergence/..., /share/... or '
            '/agreement/..., found none: the training had no FusionDiagnosisHook, or nothing to '
            'diagnose'
        )
    return found


def plot_fusion_diagnosis(work_dir: str | Path, out: str | Path) -> None:
    """Draw the modalities' weights, the shares that cross, the norms and the gradients.

    Args:
        work_dir: A work dir of `tools/train.py` with a FusionDiagnosisHook.
        out: The picture to write.

    Raises:
        FileNotFoundError: See :func:`read_fusion_diagnosis`.
        ValueError: See :func:`read_fusion_diagnosis`.
    """
    found = read_fusion_diagnosis(work_dir)
    rows = min(max(len(found[kind]) for kind in ('divergence', 'agreement')), MAX_LABELS)
    figure = Figure(figsize=(18, max(6.5, 1.5 + 0.19 * rows)), dpi=120, layout='constrained')
    axes = figure.subplot_mosaic(
        [['alpha', 'norms', 'gradients'], ['share', 'norms', 'gradients']], width_ratios=(5, 6, 6)
    )
    last = max(step for curves in found.values() for curve in curves.values() for step, _ in curve)
    _plot_alpha(axes['alpha'], found['alpha'])
    _plot_shares(axes['share'], found['share'])
    axes['norms'].set_title('divergence of the private norms, mean |γa − γb| / mean |γ|')
    # log scale: layers that start at zero diverge at once, the others slowly
    largest = max((v for curve in found['divergence'].values() for _, v in curve), default=0)
    scale = LogNorm(LEAST, max(largest, 10 * LEAST), clip=True)
    _plot_layers(axes['norms'], found['divergence'], cmap='magma', norm=scale)
    axes['gradients'].set_title('agreement of the gradients on shared convolutions, cosine')
    _plot_layers(axes['gradients'], found['agreement'], cmap='RdBu', norm=Normalize(-1, 1))
    layers = axes['norms'], axes['gradients']
    for panel in axes.values():
        margin = 1 if panel in layers else 1.02  # space for the last markers
        panel.set(xlabel='iteration', xlim=(0, margin * max(last, 1)))
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
        add_grid(panel)
        if not panel.has_data():
            panel.text(0.5, 0.5, 'none logged', ha='center', transform=panel.transAxes)
    for panel in layers:
        panel.grid(False)  # it would hide the colors
    save_figure(figure, out)


def _plot_alpha(axes: Axes, curves: dict[str, Curve]) -> None:
    """Draw the weight of every modality."""
    axes.set_title('weight in the ensemble, softmax(alpha)')
    if not curves:
        return
    colors = choose_colors(curves)
    for name, curve in curves.items():
        axes.plot(*zip(*curve), color=colors[name], linewidth=1.8, label=name)
    equal = 1 / len(curves)
    axes.axhline(equal, color='0.6', linewidth=1, linestyle=':', label='equal')
    reach = max(0.02, *(abs(value - equal) for curve in curves.values() for _, value in curve))
    axes.set_ylim(equal - 1.15 * reach, equal + 1.15 * reach)
    axes.legend(frameon=False, ncols=len(curves) + 1)


def _plot_shares(axes: Axes, curves: dict[str, Curve]) -> None:
    """Draw the shares at every fusion point in the color of its operator.

    The share that enters is drawn only if it is not always zero.
    """
    axes.set_title('share of energy that crosses modalities\n(solid: leaving, dashed: entering)')
    if not curves:
        return
    operators = list(dict.fromkeys(point.rpartition('/')[0] for point in curves))
    labels = dict(zip(operators, _shorten(operators)))
    colors = dict(zip(operators, matplotlib.colormaps['viridis'](np.linspace(0, 0.9, len(labels)))))
    for operator, side in product(operators, STYLES):
        curve = curves[f'{operator}/{side}']
        if side == 'leave' or any(value for _, value in curve):
            axes.plot(
                *zip(*curve),
                color=colors[operator],
                linestyle=STYLES[side],
                linewidth=1.6,
                marker='o' if len(curve) < 25 else None,
                markersize=4,
                label=labels[operator] if side == 'leave' else None,
            )
    top = max(value for curve in curves.values() for _, value in curve)
    axes.set_ylim(0, 1.1 * max(top, 0.01))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    columns = 1 + len(operators) // 9
    axes.legend(frameon=False, fontsize=8, ncols=columns, loc='upper left', bbox_to_anchor=(1, 1))


def _plot_layers(axes: Axes, curves: dict[str, Curve], cmap: str, norm: Normalize) -> None:
    """Draw a row per layer over iterations, with the first layer on top."""
    if not curves:
        return
    steps = sorted({step for curve in curves.values() for step, _ in curve})
    values = np.full((len(curves), len(steps)), np.nan)
    for row, curve in enumerate(curves.values()):
        for step, value in curve:
            values[row, steps.index(step)] = value
    middles = [(a + b) / 2 for a, b in zip(steps, steps[1:])]
    edges = [steps[0], *middles, max(steps[-1], steps[0] + 1)]
    rows = np.arange(len(curves) + 1) - 0.5
    mesh = axes.pcolormesh(edges, rows, values, cmap=cmap, norm=norm)
    every = -(-len(curves) // MAX_LABELS)
    axes.set_yticks(range(0, len(curves), every), _shorten(list(curves))[::every], fontsize=7)
    axes.invert_yaxis()
    axes.figure.colorbar(mesh, ax=axes, pad=0.02, extend='min' if cmap == 'magma' else 'neither')


def _shorten(names: list[str]) -> list[str]:
    """Cut the common start and end of dotted names. No name may then start with a number."""
    parts = [name.split('.') for name in names]

    def shared(end: int) -> bool:
        several = len(parts) > 1 and all(len(part) > 1 for part in parts)
        return several and len({part[end] for part in parts}) == 1

    while shared(0) and not any(part[1].isdecimal() for part in parts):
        parts = [part[1:] for part in parts]
    while shared(-1):
        parts = [part[:-1] for part in parts]
    return ['.'.join(part) for part in parts]
