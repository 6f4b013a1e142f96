"""Shows results on subsets of the modalities as a table and a figure."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from mmamf.ensemble import ENSEMBLE, metric_key

from .curves import ENSEMBLE_COLOR
from .found_classes import CLASS, count_found

METRIC = 'mIoU'

Scalars = dict[str, float | None]  # results of one test: mIoU, <modality>/mIoU, ...


def format_subsets(modalities: Sequence[str], results: dict[str, Scalars]) -> str:
    """Format results as a Markdown table with a row per subset and mIoU in percent.

    The last column is the change from the whole set, if both have the same number of samples. If
    the results have IoU per class, the table also shows the number of classes found and the
    ensemble's IoU of each class. This reveals a network that predicts the same class everywhere,
    whose change is +0.0, too.

    Args:
        modalities: All modalities of the model.
        results: Subset, such as ``rgb+depth`` -> its scalars, with the number of ``samples``. The
            first is the whole set.
    """
    whole = next(iter(results.values()))
    every = dict.fromkeys(key for scalars in results.values() for key in scalars)
    classes = [key for key in every if key.startswith(CLASS)]
    sources = [ENSEMBLE, *modalities]
    keys = [metric_key(source, METRIC) for source in sources]
    headings = ['present', 'samples', *sources]
    if classes:
        headings += ['classes found', *(key.removeprefix(CLASS) for key in classes)]
    headings.append('change of the ensemble')
    lines = [f'| {" | ".join(headings)} |', f'|---|{"---:|" * (len(headings) - 1)}']
    for subset, scalars in results.items():
        change = '-'
        values = scalars[METRIC], whole[METRIC]
        if None not in values and scalars['samples'] == whole['samples']:
            change = f'{round(values[0] - values[1], 1) + 0.0:+.1f}'
        row = [subset.replace('+', ' + '), str(scalars['samples'])]
        row += [_cell(scalars.get(key)) for key in keys]
        if classes:
            row += [count_found(scalars), *(_cell(scalars.get(key)) for key in classes)]
        lines.append(f'| {" | ".join([*row, change])} |')
    return '\n'.join(lines) + '\n'


def plot_subsets(modalities: Sequence[str], results: dict[str, Scalars], out: str | Path) -> None:
    """Draw a bar for the ensemble of each subset, with points for the modalities, into a file.

    Args:
        modalities: All modalities of the model.
        results: See :func:`format_subsets`.
        out: The picture to write.
    """
    figure = Figure(figsize=(2.5 + 0.9 * len(results), 4), dpi=120, layout='constrained')
    axes = figure.subplots()
    places = range(len(results))
    heights = [scalars[METRIC] or 0 for scalars in results.values()]
    axes.bar(places, heights, color=ENSEMBLE_COLOR, alpha=0.35, label=ENSEMBLE)
    colors = matplotlib.color_sequences['tab10']
    for index, name in enumerate(modalities):
        values = [scalars.get(metric_key(name, METRIC)) for scalars in results.values()]
        axes.plot(
            places,
            [float('nan') if value is None else value for value in values],
            'o',
            color=colors[index % len(colors)],
            label=name,
        )
    axes.set_xticks(places, [subset.replace('+', '\n+ ') for subset in results], fontsize=8)
    axes.set(ylabel='mIoU (%)', xlabel='modalities that are present')
    axes.grid(alpha=0.3, axis='y')
    axes.spines[['top', 'right']].set_visible(False)
    figure.legend(loc='outside upper center', ncols=len(modalities) + 1, frameon=False)
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)


def _cell(value: float | None) -> str:
    return '-' if value is None else f'{value:.1f}'
