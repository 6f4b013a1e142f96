"""Shows results under corruptions as a table and a figure."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmamf.ensemble import ENSEMBLE, metric_key
from mmamf.evaluation.corruption_ladder import CLEAN, key_of, labels_of

from .figures import add_grid, choose_colors, save_figure
from .markdown import (
    CLASS,
    METRIC,
    Scalars,
    count_found,
    format_change,
    format_sources,
    format_table,
)

COLUMNS = 4  # panels in a row


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
    # results of earlier versions have no IoU per class
    counted = any(key.startswith(CLASS) for scalars in results.values() for key in scalars)
    tests = [('none', '', CLEAN)]
    for corruption in ladder:
        title = f'{corruption["title"]} ({corruption["unit"]})'
        tests += [(title, label, key_of(corruption, label)) for label in labels_of(corruption)]
    rows = []
    for title, label, key in tests:
        found = [count_found(results[key])] if counted else []
        cells = [*format_sources(results[key], sources), *found]
        rows.append([title, label, *cells, format_change(results[key], results[CLEAN])])
    head = ['corruption', 'level', *sources, *(['classes found'] if counted else [])]
    return format_table([*head, f'change of the {ENSEMBLE}'], rows, texts=2)


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
    save_figure(figure, out)


def _draw(
    axes: Axes, corruption: dict, modalities: Sequence[str], results: dict[str, Scalars]
) -> None:
    labels = labels_of(corruption)
    tests = [results[CLEAN], *(results[key_of(corruption, label)] for label in labels)]
    places = range(len(tests))
    colors = choose_colors(modalities)
    ordered = corruption.get('labels') is None
    for source in [*modalities, ENSEMBLE]:
        whole = source == ENSEMBLE
        # a dead modality that is absent has no prediction
        values = [scalars.get(metric_key(source, METRIC)) for scalars in tests]
        axes.plot(
            places,
            [float('nan') if value is None else value for value in values],
            color=colors[source],
            linestyle='-' if ordered else 'none',
            linewidth=2.2 if whole else 1.4,
            marker='o',
            markersize=5 if whole else 4,
            label=source,
        )
        if values[0] is not None:
            axes.axhline(values[0], color=colors[source], linewidth=0.8, linestyle=':')
    axes.set_xticks(places, [CLEAN, *labels], fontsize=8)
    axes.set(title=corruption['title'], xlabel=corruption['unit'])
    axes.set_xlim(-0.4, len(tests) - 0.6)
    add_grid(axes)
