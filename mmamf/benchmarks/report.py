"""The table and the figure of the measurements."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmamf.visualization.figures import add_grid, save_figure
from mmamf.visualization.markdown import format_table

from .interleaved import Spread, ratio, spread
from .networks import Cell

ONNX = 'ours/contiguous/onnxruntime'
LAYOUTS = ('contiguous', 'channels_last')
COLUMNS = (
    'cell',
    'ours / plain',
    'channels last',
    'loop / ours',
    'both channels last',
    'loop / our best',
    'latency: our best, onnxruntime',
    'compiled: ours / plain, eager / compiled',
    'separate / ours',
    'memory: ours / loop',
    'recomputed: memory, time',
    'parameters: ours / separate',
    'GMACs: ours',
)


def make_tables(results: dict[str, dict[str, dict]]) -> str:
    """Make a Markdown table for every machine, of ratios: median of the rounds, and range.

    Args:
        results: Results of every machine, of every cell by its name.
    """
    lines = []
    for machine, cells in results.items():
        lines += [f'Measured on: {machine}.', '']
        rows = ([name, *_cells(result)] for name, result in _ordered(cells))
        lines.append(format_table(COLUMNS, rows, texts=len(COLUMNS)))
    if missing := _not_measured(results):
        lines.append(f'Not measured: {", ".join(missing)}.')
    return '\n'.join(lines)


def draw(results: dict[str, dict[str, dict]], path: Path) -> None:
    """Draw how many times faster our best form is than the loop, and its cost over plain."""
    rows = [row for cells in results.values() for row in _ordered(cells)]
    figure = Figure(figsize=(10, 1.4 + 0.32 * len(rows)), dpi=120, layout='constrained')
    figure.suptitle('; '.join(results), fontsize=8)
    left, right = figure.subplots(1, 2, sharey=True)
    for place, (name, result) in enumerate(rows):
        seconds, color = result['seconds'], _color(name)
        for offset, layout in enumerate(LAYOUTS):
            over = _ratio(seconds, f'ours/{layout}/eager', f'plain/{layout}/eager')
            _bar(left, place + 0.4 * offset - 0.2, over, color, hatch='//' * offset)
        speedup = _ratio(seconds, 'loop/contiguous/eager', best_form(seconds))
        _bar(right, place, speedup, color)
    left.set(title='time over a plain encoder (hatched: channels last)')
    right.set(title='our best form: times as fast as the loop')
    left.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=7)
    left.axvline(1.03, color='#c8102e', linewidth=1)
    left.invert_yaxis()
    for axes in (left, right):
        axes.axvline(1, color='#222222', linewidth=1)
        add_grid(axes, 'x')
        axes.spines['left'].set_visible(False)
    save_figure(figure, path)


def best_form(seconds: dict[str, list[float]]) -> str:
    """Find the fastest form of our network in torch, by the sum over its rounds."""
    ours = [name for name in seconds if name.startswith('ours/') and name != ONNX]
    return min(ours, key=lambda name: sum(seconds[name]))


def _ordered(cells: dict[str, dict]) -> list[tuple[str, dict]]:
    def order(item: tuple[str, dict]) -> tuple:
        part, network, *rest = Cell.parse(item[0])
        return part, isinstance(network, str), network, *rest

    return sorted(cells.items(), key=order)


def _not_measured(results: dict[str, dict[str, dict]]) -> list[str]:
    rows = [row for cells in results.values() for row in cells.items()]
    found = {
        'GPU': any(result['gpu'] for _, result in rows),
        'bf16': any(Cell.parse(name).precision == 'bf16' for name, _ in rows),
        'torch.compile': any('compiled' in ''.join(result['seconds']) for _, result in rows),
    }
    return [name for name, measured in found.items() if not measured]


def _cells(result: dict) -> list[str]:
    seconds, memory = result['seconds'], result['memory']
    best = best_form(seconds)
    own, loop = 'ours/contiguous/eager', 'loop/contiguous/eager'
    cells = [_format(_ratio(seconds, f'ours/{x}/eager', f'plain/{x}/eager')) for x in LAYOUTS]
    cells += [_format(_ratio(seconds, f'loop/{x}/eager', f'ours/{x}/eager')) for x in LAYOUTS]
    cells.append(f'{_format(_ratio(seconds, loop, best))}, {best.partition("/")[2]}')
    cells.append(_latencies(seconds, best))
    cells.append(_compiled(seconds))
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


def _latencies(seconds: dict[str, list[float]], best: str) -> str:
    if ONNX not in seconds:
        return 'not measured'
    own, onnx = (1000 * spread(seconds[name]).median for name in (best, ONNX))
    return f'{own:.1f} ms, {onnx:.1f} ms'


def _compiled(seconds: dict[str, list[float]]) -> str:
    own, plain = (f'{network}/contiguous/compiled' for network in ('ours', 'plain'))
    if own not in seconds:
        return 'not measured'
    faster = _format(_ratio(seconds, 'ours/contiguous/eager', own))
    return f'{_format(_ratio(seconds, own, plain))}, {faster}'


def _ratio(seconds: dict[str, list[float]], of: str, to: str) -> Spread:
    return ratio(seconds[of], seconds[to])


def _format(value: Spread) -> str:
    return f'{value.median:.2f} ({value.smallest:.2f}..{value.largest:.2f})'


def _color(name: str) -> str:
    return '#3274b5' if Cell.parse(name).mode == 'inference' else '#e58a1f'


def _bar(axes: Axes, place: float, value: Spread, color: str, hatch: str = '') -> None:
    axes.barh(place, value.median - 1, left=1, height=0.36, color=color, alpha=0.6, hatch=hatch)
    axes.hlines(place, value.smallest, value.largest, color='#222222', linewidth=1)
