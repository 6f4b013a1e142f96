"""Shows results on subsets of the modalities as a table and a figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from mmamf.ensemble import ENSEMBLE, metric_key
from mmamf.evaluation.failure_protocol import (
    NOISE,
    PROBABILITIES,
    SHARES,
    average,
    expect,
    name_noise,
    name_tests,
)

from .figures import add_grid, choose_colors, save_figure
from .markdown import (
    CLASS,
    METRIC,
    NONE,
    Scalars,
    count_found,
    format_change,
    format_percent,
    format_sources,
    format_table,
)

PROTOCOL = """## The protocol of arXiv 2503.18445

mIoU (%) of the ensemble. The mean counts each subset of intact modalities alike, also the whole
set. The other columns are expectations: each modality fails with the probability p, independently.
"""
UNEQUAL = """
Samples lack modalities. A row has all samples with at least one of its modalities, so rows have
different samples, and EMM (below) mixes them. `--complete` tests only samples that have all.
"""


def format_subsets(modalities: Sequence[str], results: Mapping[str, Scalars]) -> str:
    """Format results as a Markdown table with a row per subset and mIoU in percent.

    The last column is the change from the whole set. It is empty if the subset was tested on
    another number of samples, and a sentence below the table then says why.

    If the results have IoU per class, the table also shows the ensemble's IoU of each class, and
    how many classes it finds. A network that predicts the same class everywhere has a change of
    +0.0 in every row; only these columns tell it from a network that needs no modality.

    Args:
        modalities: All modalities of the model.
        results: Subset, such as ``rgb+depth`` -> its scalars, with the number of ``samples``. The
            first is the whole set.
    """
    whole = next(iter(results.values()))
    every = dict.fromkeys(key for scalars in results.values() for key in scalars)
    classes = [key for key in every if key.startswith(CLASS)]
    sources = [ENSEMBLE, *modalities]
    head = ['present', 'samples', *sources]
    if classes:
        head += ['classes found', *(key.removeprefix(CLASS) for key in classes)]
    rows = []
    for subset, scalars in results.items():
        row = [subset.replace('+', ' + '), str(scalars['samples'])]
        row += format_sources(scalars, sources)
        if classes:
            row += [count_found(scalars), *(format_percent(scalars.get(key)) for key in classes)]
        comparable = scalars['samples'] == whole['samples']
        rows.append([*row, format_change(scalars, whole) if comparable else NONE])
    table = format_table([*head, 'change of the ensemble'], rows)
    return table if len({row[1] for row in rows}) == 1 else f'{table}{UNEQUAL}'


def format_protocol(modalities: Sequence[str], results: Mapping[str, Scalars]) -> str:
    """Format the numbers of the protocol of arXiv 2503.18445 as a section with Markdown tables.

    Args:
        modalities: All modalities of the model.
        results: Name of a test, see :func:`name_tests` and :func:`name_noise` -> its scalars. A
            table has a row for each kind of failure whose tests are there.
    """
    kinds = {'is absent (EMM)': name_tests(modalities)}
    for share in SHARES if len(modalities) > 1 else ():
        kinds[f'loses {100 * share:g} % of its values (RMM)'] = name_tests(modalities, share)
    rows = []
    for kind, tests in kinds.items():
        if results.keys() >= set(tests.values()):
            scores = {pattern: results[test][METRIC] for pattern, test in tests.items()}
            numbers = [average(scores), *(expect(scores, p) for p in PROBABILITIES)]
            rows.append([kind, *map(format_percent, numbers)])
    head = ['a failed modality', 'mean', *(f'p = {p}' for p in PROBABILITIES)]
    tables = [format_table(head, rows)]
    levels = [level for level in NOISE if name_noise(level) in results]
    if levels:
        numbers = [format_percent(results[name_noise(level)][METRIC]) for level in levels]
        tables.append(format_table(['noise on every modality (NM)', *levels], [[METRIC, *numbers]]))
    return '\n'.join([PROTOCOL, *tables])


def plot_subsets(
    modalities: Sequence[str], results: Mapping[str, Scalars], out: str | Path
) -> None:
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
    colors = choose_colors(modalities)
    axes.bar(places, heights, color=colors[ENSEMBLE], alpha=0.35, label=ENSEMBLE)
    for name in modalities:
        values = [scalars.get(metric_key(name, METRIC)) for scalars in results.values()]
        axes.plot(
            places,
            [float('nan') if value is None else value for value in values],
            'o',
            color=colors[name],
            label=name,
        )
    axes.set_xticks(places, [subset.replace('+', '\n+ ') for subset in results], fontsize=8)
    axes.set(ylabel='mIoU (%)', xlabel='modalities that are present')
    add_grid(axes, 'y')
    figure.legend(loc='outside upper center', ncols=len(modalities) + 1, frameon=False)
    save_figure(figure, out)
