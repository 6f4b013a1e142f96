"""Writes the report of a sweep: tables, chart and commands."""

import math
import shlex
from itertools import groupby
from pathlib import Path

from mmamf.visualization.markdown import format_table
from mmamf.whole_file import whole_file

from .chart import draw_chart
from .costs import COSTS, load_costs
from .paired import Difference, compare, correct_for_number, mean_and_std
from .results import describe_mixture, load_results
from .rows import Row, Values, make_rows
from .sweep import Sweep

NONE = '–'
LEVEL = 0.05
INTRODUCTION = """\
{metric} in percent on the validation images: mean ± standard deviation over n seeds. *Last* is the
network after the last iteration. All columns except *best* are about this network. *Best* is the
highest validation of a run. The same images choose it and report it, so it is shown only for
comparison. Differences are paired by seed, with the 95 % interval and the p of a paired t test.
They are bold if p < {level}, in the questions if the corrected p is. Parameters count shared
weights once. Multiply-adds are those of one image, and count shared weights each time that they are
used. Times are per image, as ratios to `{reference}`: median (smallest to largest) of measurements
that follow each other.
"""


def write_report(sweep: Sweep, folder: Path) -> list[Path]:
    """Write tables, chart and commands from the results that exist; return the files.

    Raises:
        FileNotFoundError: If there are no results.
        ValueError: If a result does not belong to the sweep.
    """
    results = load_results(sweep, folder)
    if not results:
        raise FileNotFoundError(f'{folder}: expected results of {sweep.name}, got none')
    rows = make_rows(sweep, results, load_costs(sweep, folder / COSTS))
    table, chart, commands = (folder / f for f in ('table.md', 'chart.png', 'commands.sh'))
    with whole_file(table) as draft:
        draft.write_text(format_tables(sweep, rows, describe_mixture(results.values())))
    draw_chart(rows, sweep.metric, chart)
    with whole_file(commands) as draft:
        draft.write_text(format_commands(sweep))
    return [table, chart, commands]


def format_commands(sweep: Sweep) -> str:
    """Write the command of every run."""
    lines = ['#!/bin/sh', '# Every run of the sweep, each a process with one thread.', 'set -e']
    lines.append('export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1')
    for method in sweep.methods.values():
        lines += ['', f'# {method.group}: {method.title}']
        runs = list(sweep.runs(only=[method.name]))
        lines += [f'python {shlex.join(run.command())}' for run in runs]
    return '\n'.join(lines) + '\n'


def format_tables(sweep: Sweep, rows: list[Row], mixture: str = '') -> str:
    """Write the results as Markdown; say if they were measured with different versions or data."""
    done = sum(len(row.last) for row in rows)
    words = dict(metric=sweep.metric, level=LEVEL, reference=sweep.reference)
    parts = [f'# {sweep.name}', INTRODUCTION.format(**words)]
    if missing := len(list(sweep.runs())) - done:
        parts.append(f'**Not complete: {missing} of {missing + done} runs are missing.**\n')
    if mixture:
        parts.append(f'**The results have different versions or data: {mixture}.**\n')
    for title, group in groupby(rows, key=lambda row: row.method.group):
        parts += [f'## {title}', _group_table(list(group))]
    last = {row.method.name: row.last for row in rows}
    answers = [
        compare(*(last.get(q[k], {}) for k in ('method', 'against'))) for q in sweep.questions
    ]
    if answers:
        parts += ['## Questions', _questions_table(sweep.questions, answers)]
    parts.append(_describe_tests(rows, answers))
    return '\n\n'.join(part.strip() for part in parts) + '\n'


def _group_table(rows: list[Row]) -> str:
    members = list(dict.fromkeys(name for row in rows for name in row.members))
    reference = rows[0].method.reference
    head = ['', 'n', 'last', 'best', f'last − `{reference}`', 'p']
    head += [*members, 'ensemble − best member', 'parameters (M)', 'GMACs', 'training', 'inference']
    lines = [_row_cells(row, members) for row in rows]
    text = format_table(head, lines)
    for row in rows:
        if row.gains_from_nothing:
            text += (
                f'\n**A gain without information: {row.method.title}.** The second modality has no'
                ' information, so the gain comes from capacity or regularization.\n'
            )
        elif row.method.control and row.difference:
            text += f'\nNo clear gain without information: {row.method.title}.\n'
    return text


def _row_cells(row: Row, members: list[str]) -> list[str]:
    costs = row.costs
    return [
        f'{row.method.title} (`{row.method.name}`)',
        str(len(row.last)),
        _mean(row.last),
        _mean(row.best),
        *_difference(row.difference),
        *(_mean(row.members[name]) if name in row.members else NONE for name in members),
        _difference(row.beyond_best)[0],
        f'{costs["parameters"] / 1e6:.2f}' if costs else NONE,
        f'{costs["gmacs"]:.2f}' if costs else NONE,
        *(_ratio(costs[step]) if costs else NONE for step in ('training', 'inference')),
    ]


def _questions_table(questions: list[dict[str, str]], answers: list[Difference | None]) -> str:
    """Write the table of the further comparisons."""
    lines = []
    for question, difference, p in zip(questions, answers, _corrected(answers), strict=True):
        n = str(difference.n) if difference else '0'
        pair = f'`{question["method"]}` − `{question["against"]}`'
        lines.append([question['title'], pair, n, *_difference(difference, p)])
    return format_table(['', 'pair', 'n', 'difference', 'p', 'corrected p'], lines)


def _corrected(answers: list[Difference | None]) -> list[float]:
    return correct_for_number([math.nan if answer is None else answer.p for answer in answers])


def _describe_tests(rows: list[Row], answers: list[Difference | None]) -> str:
    """Say how many tests there are, and what a reader may conclude."""
    shown = [d for row in rows for d in (row.difference, row.beyond_best)]
    tested = sum(d is not None and not math.isnan(d.p) for d in shown)
    text = (
        f'The tables of the groups show {tested} tests, and their p is not corrected for this '
        f'number. If there were no effect at all, about {LEVEL * tested:.0f} of them would be bold '
        'by chance. '
    )
    if questions := sum(not math.isnan(p) for p in _corrected(answers)):
        text += (
            f'The last column of the questions is corrected for their number ({questions}) by the '
            'method of Holm, and decides what is bold there. '
        )
    return text + (
        'A difference that is not bold may still be real: few seeds show only large effects.\n'
    )


def _mean(values: Values) -> str:
    mean, std = mean_and_std(values)
    return f'{mean:.2f}' if math.isnan(std) else f'{mean:.2f} ± {std:.2f}'


def _difference(difference: Difference | None, *corrected: float) -> list[str]:
    """Write a difference with its interval, its p, and its corrected p if there is one.

    The last p decides whether the difference is bold.
    """
    if difference is None:
        return [NONE] * (2 + len(corrected))
    text, ps = f'{difference.mean:+.2f}', [difference.p, *corrected]
    if not math.isnan(difference.p):
        text += f' [{difference.low:+.2f}, {difference.high:+.2f}]'
    cells = [text, *map(_p, ps)]
    if ps[-1] < LEVEL:
        cells[0], cells[-1] = f'**{cells[0]}**', f'**{cells[-1]}**'
    return cells


def _p(p: float) -> str:
    if math.isnan(p):
        return NONE
    return f'{p:.3f}' if p >= 0.001 else '< 0.001'


def _ratio(costs: dict[str, float]) -> str:
    return f'{costs["ratio"]:.2f} ({costs["smallest"]:.2f} to {costs["largest"]:.2f})'
