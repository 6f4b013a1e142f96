"""Results on subsets of the modalities as a table and a figure."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from .curves import ENSEMBLE_COLOR

METRIC = 'mIoU'

Scalars = dict[str, float | None]  # of one test: mIoU, <modality>/mIoU, ...


def format_subsets(modalities: Sequence[str], results: dict[str, Scalars]) -> str:
    """Lay results out as a Markdown table: a row per subset, mIoU in percent.

    The change is that from the whole set, where both were tested on the same samples.

    Args:
        modalities: All modalities of the model.
        results: Subset, such as ``rgb+depth`` -> its scalars, with the number of ``samples``; the
            first is the whole set.
    """
    lines = [
        f'| present | samples | ensemble | {" | ".join(modalities)} | change of the ensemble |',
        f'|---|{"---:|" * (len(modalities) + 3)}',
    ]
    whole = next(iter(results.values()))
    for subset, scalars in results.items():
        keys = [METRIC, *(f'{name}/{METRIC}' for name in modalities)]
        values = [scalars.get(key) for key in keys]
        cells = ['-' if value is None else f'{value:.1f}' for value in values]
        change = '-'
        if None not in (values[0], whole[METRIC]) and scalars['samples'] == whole['samples']:
            change = f'{round(values[0] - whole[METRIC], 1) + 0.0:+.1f}'
        row = [subset.replace('+', ' + '), str(scalars['samples']), *cells, change]
        lines.append(f'| {" | ".join(row)} |')
    return '\n'.join(lines) + '\n'


def plot_subsets(modalities: Sequence[str], results: dict[str, Scalars], out: str | Path) -> None:
    """Draw a bar for the ensemble of every subset, with the members as points, into a file.

    Args:
        modalities: All modalities of the model.
        results: As in :func:`format_subsets`.
        out: The picture to write.
    """
    figure = Figure(figsize=(2.5 + 0.9 * len(results), 4), dpi=120, layout='constrained')
    axes = figure.subplots()
    places = range(len(results))
    heights = [scalars[METRIC] or 0 for scalars in results.values()]
    axes.bar(places, heights, color=ENSEMBLE_COLOR, alpha=0.35, label='ensemble')
    colors = matplotlib.color_sequences['tab10']
    for index, name in enumerate(modalities):
        values = [scalars.get(f'{name}/{METRIC}') for scalars in results.values()]
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
