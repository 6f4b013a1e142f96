"""Shows results under corruptions as a table and a figure."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmamf.ensemble import ENSEMBLE, metric_key
from mmamf.evaluation.corruption_ladder import CLEAN, key_of, labels_of

from .curves import ENSEMBLE_COLOR
from .found_classes import CLASS, count_found

METRIC = 'mIoU'
COLUMNS = 4  # panels in a row

Scalars = dict[str, float | None]  # results of one test: mIoU, <modality>/mIoU, ...


def format_robustness(
    ladder: Sequence[dict], modalities: Sequence[str], results: dict[str, Scalars]
) -> str:
    """Format results as a Markdown table with a row per level and mIoU in percent.

    If the results have IoU per class, a column counts the classes that the ensemble finds.

    Args:
        ladder: Corruptions, each with its ``name``, ``title``, ``unit``, ``levels``, and ``labels``
            if the levels have no order.
        modalities: Modalities that have their own prediction.
        results: Key of :func:`key_of`, or ``clean`` -> scalars of the test.
    """
    sources = [ENSEMBLE, *modalities]
    clean = results[CLEAN]
    # results of earlier versions have no IoU per class
    counted = any(key.startswith(CLASS) for scalars in results.values() for key in scalars)
    headings = [*sources, 'classes found'] if counted else sources
    lines = [
        f'| corruption | level | {" | ".join(headings)} | change of the {ENSEMBLE} |',
        f'|---|---|{"---:|" * len(headings)}---:|',
        _row('none', '', clean, sources, clean, counted),
    ]
    for corruption in ladder:
        title = f'{corruption["title"]} ({corruption["unit"]})'
        for label in labels_of(corruption):
            scalars = results[key_of(corruption, label)]
            lines.append(_row(title, label, scalars, sources, clean, counted))
    return '\n'.join(lines) + '\n'


def plot_robustness(
    ladder: Sequence[dict],
    modalities: Sequence[str],
    results: dict[str, Scalars],
    out: str | Path,
) -> None:
    """Draw a panel per corruption into a file. The first point of each panel is the clean result.

    Args:
        ladder: See :func:`format_robustness`.
        modalities: Modalities that have their own prediction.
        results: See :func:`format_robustness`.
        out: The picture to write.
    """
    rows = -(-len(ladder) // COLUMNS)
    columns = min(len(ladder), COLUMNS)
    figure = Figure(figsize=(3.6 * columns, 3.1 * rows + 0.4), dpi=120, layout='constrained')
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten()
    for corruption, axes in zip(ladder, panels):
        _draw(axes, corruption, modalities, results)
    for axes in panels[len(ladder) :]:
        axes.set_visible(False)
    for axes in panels[: len(ladder) : COLUMNS]:
        axes.set_ylabel('mIoU (%)')
    panels[0].set_ylim(bottom=0)
    handles, texts = panels[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc='outside upper center', ncols=len(texts), frameon=False)
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)


def _draw(
    axes: Axes, corruption: dict, modalities: Sequence[str], results: dict[str, Scalars]
) -> None:
    labels = labels_of(corruption)
    tests = [results[CLEAN], *(results[key_of(corruption, label)] for label in labels)]
    places = range(len(tests))
    colors = matplotlib.color_sequences['tab10']
    ordered = corruption.get('labels') is None
    for index, source in enumerate([*modalities, ENSEMBLE]):
        whole = source == ENSEMBLE
        values = [_value(scalars, source) for scalars in tests]
        color = ENSEMBLE_COLOR if whole else colors[index % len(colors)]
        axes.plot(
            places,
            [float('nan') if value is None else value for value in values],
            color=color,
            linestyle='-' if ordered else 'none',
            linewidth=2.2 if whole else 1.4,
            marker='o',
            markersize=5 if whole else 4,
            label=source,
        )
        if values[0] is not None:
            axes.axhline(values[0], color=color, linewidth=0.8, linestyle=':')
    axes.set_xticks(places, [CLEAN, *labels], fontsize=8)
    axes.set(title=corruption['title'], xlabel=corruption['unit'])
    axes.set_xlim(-0.4, len(tests) - 0.6)
    axes.grid(alpha=0.3)
    axes.spines[['top', 'right']].set_visible(False)


def _row(
    title: str,
    label: str,
    scalars: Scalars,
    sources: list[str],
    clean: Scalars,
    counted: bool,
) -> str:
    values = [_value(scalars, source) for source in sources]
    before = _value(clean, ENSEMBLE)
    change = (
        '-' if None in (values[0], before) else f'{round(values[0] - before, 1) + 0.0:+.1f}'
    )  # + 0.0 turns -0.0 into 0.0
    cells = ['-' if value is None else f'{value:.1f}' for value in values]
    if counted:
        cells.append(count_found(scalars))
    return f'| {title} | {label} | {" | ".join(cells)} | {change} |'


def _value(scalars: Scalars, source: str) -> float | None:
    return scalars[metric_key(source, METRIC)]
