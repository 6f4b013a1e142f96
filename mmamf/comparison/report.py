"""Writes the report of a sweep: tables, chart and commands."""

import math
import shlex
from itertools import groupby
from pathlib import Path

from mmamf.visualization.markdown import format_table
from mmamf.whole_file import whole_file

from .chart import draw_chart
from .costs import COSTS, load_costs
from .paired import Difference, compare, mean_and_std
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
They are bold if p < {level}. Parameters count shared weights once. Multiply-adds are those of one
image, and count shared weights each time that they are used. Times are per image, as ratios to
`{reference}`: median (smallest to largest) of measurements that follow each other.
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
    tested = _count_tests(sweep.questions, answers, rows)
    parts.append(
        f'{tested} differences are tested here, and p is not corrected for their number. If there '
        f'were no effect at all, about {LEVEL * tested:.0f} of them would be bold by chance. A '
        'difference that is not bold may still be real: few seeds show only large effects.\n'
    )
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
    for question, difference in zip(questions, answers, strict=True):
        n = str(difference.n) if difference else '0'
        pair = f'`{question["method"]}` − `{question["against"]}`'
        lines.append([question['title'], pair, n, *_difference(difference)])
    return format_table(['', 'pair', 'n', 'difference', 'p'], lines)


def _count_tests(
    questions: list[dict[str, str]], answers: list[Difference | None], rows: list[Row]
) -> int:
    """Count the differences that have a p; a pair that is shown twice counts once."""
    shown = {frozenset((row.method.name, row.method.reference)): row.difference for row in rows}
    shown |= {row.method.name: row.beyond_best for row in rows}
    shown |= {frozenset((q['method'], q['against'])): d for q, d in zip(questions, answers)}
    return sum(d is not None and not math.isnan(d.p) for d in shown.values())


def _mean(values: Values) -> str:
    mean, std = mean_and_std(values)
    return f'{mean:.2f}' if math.isnan(std) else f'{mean:.2f} ± {std:.2f}'


def _difference(difference: Difference | None) -> list[str]:
    """Write a difference with its interval, and its p."""
    if difference is None:
        return [NONE, NONE]
    text, p = f'{difference.mean:+.2f}', NONE
    if not math.isnan(difference.p):
        text += f' [{difference.low:+.2f}, {difference.high:+.2f}]'
        p = f'{difference.p:.3f}' if difference.p >= 0.001 else '< 0.001'
    if difference.p < LEVEL:
        text, p = f'**{text}**', f'**{p}**'
    return [text, p]


def _ratio(costs: dict[str, float]) -> str:
    return f'{costs["ratio"]:.2f} ({costs["smallest"]:.2f} to {costs["largest"]:.2f})'
