"""The table and the figure of what was measured."""

from pathlib import Path

from interleaved import Spread, ratio
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .networks import Cell

LAYOUTS = ('contiguous', 'channels_last')
COLUMNS = (
    'cell',
    'ours / plain',
    'channels last',
    'loop / ours',
    'both channels last',
    'loop / our best',
    'separate / ours',
    'memory: ours / loop',
    'recomputed: memory, time',
    'parameters: ours / separate',
    'GMACs: ours',
)


def make_table(results: dict[str, dict]) -> str:
    """Make a table in Markdown: ratios, each the median of the rounds and the range."""
    lines = ['| ' + ' | '.join(COLUMNS) + ' |', '|' + '---|' * len(COLUMNS)]
    for name, result in results.items():
        lines.append('| ' + ' | '.join([name, *_cells(result)]) + ' |')
    machines = sorted({result['machine'] for result in results.values()})
    notes = [f'Measured on: {machine}.' for machine in machines]
    if missing := _not_measured(results):
        notes.append(f'Not measured: {", ".join(missing)}.')
    return '\n'.join([*lines, '', *notes])


def draw(results: dict[str, dict], path: Path) -> None:
    """Draw how many times as fast our best form is as the loop, and what it costs over plain."""
    figure = Figure(figsize=(10, 1.4 + 0.32 * len(results)), dpi=120, layout='constrained')
    left, right = figure.subplots(1, 2, sharey=True)
    for place, (name, result) in enumerate(results.items()):
        seconds, color = result['seconds'], _color(name)
        for offset, layout in enumerate(LAYOUTS):
            over = _ratio(seconds, f'ours/{layout}/eager', f'plain/{layout}/eager')
            _bar(left, place + 0.4 * offset - 0.2, over, color, hatch='//' * offset)
        speedup = _ratio(seconds, 'loop/contiguous/eager', best_form(seconds))
        _bar(right, place, speedup, color)
    left.set(title='time over a plain encoder (hatched: channels last)')
    right.set(title='our best form: times as fast as the loop')
    left.set_yticks(range(len(results)), list(results), fontsize=7)
    left.axvline(1.03, color='#c8102e', linewidth=1)
    left.invert_yaxis()
    for axes in (left, right):
        axes.axvline(1, color='#222222', linewidth=1)
        axes.grid(axis='x', alpha=0.3)
        axes.spines[['top', 'right', 'left']].set_visible(False)
    figure.savefig(path)


def best_form(seconds: dict[str, list[float]]) -> str:
    """Find the fastest form of our network, by the sum of its rounds."""
    return min(
        (name for name in seconds if name.startswith('ours/')), key=lambda n: sum(seconds[n])
    )


def _not_measured(results: dict[str, dict]) -> list[str]:
    found = {
        'GPU': any(result['gpu'] for result in results.values()),
        'bf16': any(Cell.parse(name).precision == 'bf16' for name in results),
        'torch.compile': any('compiled' in ''.join(r['seconds']) for r in results.values()),
    }
    return [name for name, measured in found.items() if not measured]


def _cells(result: dict) -> list[str]:
    seconds, memory = result['seconds'], result['memory']
    best = best_form(seconds)
    own, loop = 'ours/contiguous/eager', 'loop/contiguous/eager'
    cells = [_format(_ratio(seconds, f'ours/{x}/eager', f'plain/{x}/eager')) for x in LAYOUTS]
    cells += [_format(_ratio(seconds, f'loop/{x}/eager', f'ours/{x}/eager')) for x in LAYOUTS]
    cells.append(f'{_format(_ratio(seconds, loop, best))}, {best.partition("/")[2]}')
    cells.append(_format(_ratio(seconds, 'separate/contiguous/eager', own)))
    cells.append(f'{memory[own] / memory[loop]:.2f}')
    again = 'ours/contiguous/recomputed'
    if again in seconds:
        time = _format(_ratio(seconds, again, own))
        cells.append(f'{memory[again] / memory[loop]:.2f}, {time}')
    else:
        cells.append('')
    (parameters, gmacs), (separate, _) = (
        result['complexity'][name] for name in ('ours', 'separate')
    )
    return [*cells, f'{parameters / separate:.2f}', f'{gmacs:.1f}']


def _ratio(seconds: dict[str, list[float]], of: str, to: str) -> Spread:
    return ratio(seconds[of], seconds[to])


def _format(value: Spread) -> str:
    return f'{value.median:.2f} ({value.smallest:.2f}..{value.largest:.2f})'


def _color(name: str) -> str:
    return '#3274b5' if Cell.parse(name).mode == 'inference' else '#e58a1f'


def _bar(axes: Axes, place: float, value: Spread, color: str, hatch: str = '') -> None:
    axes.barh(place, value.median - 1, left=1, height=0.36, color=color, alpha=0.6, hatch=hatch)
    axes.hlines(place, value.smallest, value.largest, color='#222222', linewidth=1)
