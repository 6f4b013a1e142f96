"""Measures the network against a plain one, a loop over the modalities, and separate networks.

Two modalities, random weights and images. The networks of a cell (part, size, batch, task) take
turns, and all figures but memory and latencies are ratios of neighbors in time. What this machine
has in the results file is not measured again. The table is printed; the file of results and the
figure are written. Set the number of threads with OMP_NUM_THREADS.
"""

import argparse
import json
import platform
import sys
from itertools import product
from pathlib import Path

try:
    import mmamf  # first: it cures the stack before anything else is imported
except ModuleNotFoundError as error:
    if error.name != 'mmamf':
        raise
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import mmamf  # noqa: F401

import torch
from complexity import complexity
from interleaved import take_turns
from mmengine.registry import init_default_scope
from performance.networks import WIDTHS, Cell, Form, build, forms_of, make_inputs
from performance.report import draw, make_tables
from performance.task import Task, keep_memory, peak_memory

QUICK = Cell('encoder', 18, 32, 32, 1, 'inference', 'float32')
WARM_UP = 2  # steps
PARTS = ('encoder', 'segmenter')
MODES = ('inference', 'training')
PRECISIONS = ('float32', 'bf16')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('docs'), help='folder of the results')
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=PARTS)
    parser.add_argument('--depths', nargs='+', type=int, choices=WIDTHS, default=list(WIDTHS))
    parser.add_argument('--sizes', nargs='+', default=['160x120', '640x480'], metavar='WxH')
    parser.add_argument('--batches', nargs='+', type=int, default=[1, 4])
    parser.add_argument('--modes', nargs='+', choices=MODES, default=MODES)
    parser.add_argument('--precisions', nargs='+', choices=PRECISIONS, default=['float32'])
    parser.add_argument('--repeats', type=int, default=9, help='rounds of every cell')
    parser.add_argument('--compile', action='store_true', help='with torch.compile as well')
    parser.add_argument('--quick', action='store_true', help='one tiny cell, to see that it runs')
    parser.add_argument('--report', action='store_true', help='measure nothing')
    return parser.parse_args(argv)


def choose_cells(args: argparse.Namespace) -> list[Cell]:
    """List the cells that the command line asks for."""
    if args.quick:
        return [QUICK]
    settings = (args.precisions, args.parts, args.depths, args.sizes, args.batches, args.modes)
    return [
        Cell(part, depth, *map(int, size.split('x')[::-1]), batch, mode, precision)
        for precision, part, depth, size, batch, mode in product(*settings)
    ]


def measure(cell: Cell, repeats: int, compiled: bool) -> dict:
    """Measure a cell: seconds of every round, peak memory, parameters and multiply-adds."""
    forms = forms_of(cell, compiled)
    tasks = {form.name: Task(cell, form) for form in forms}
    for task in tasks.values():
        for _ in range(WARM_UP):
            task.step()
    seconds = take_turns({name: task.seconds for name, task in tasks.items()}, repeats)
    # the profiler sees nothing of what is compiled, or of another library
    memory = {
        form.name: round(peak_memory(tasks[form.name]), 2)
        for form in forms
        if form.how not in ('compiled', 'onnxruntime')
    }
    return dict(
        seconds=seconds,
        memory=memory,
        complexity={form.network: _count(cell, form) for form in forms if form.how == 'eager'},
        gpu=torch.cuda.is_available(),
    )


def machine() -> str:
    """Name what times depend on: the device, the number of threads, and torch."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else _processor()
    return f'{device}, {torch.get_num_threads()} threads, torch {torch.__version__}'


def _processor() -> str:
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(': ')[2] for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()


def _count(cell: Cell, form: Form) -> tuple[int, float]:
    with torch.device('meta'):
        return complexity(build(cell, form), make_inputs(cell, form))


def main(argv: list[str] | None = None) -> None:
    """Measure, print and draw."""
    args = parse_args(argv)
    init_default_scope('mmseg')
    keep_memory()
    path = args.out / 'performance.json'
    results = json.loads(path.read_text()) if path.is_file() else {}
    own = results.setdefault(machine(), {})  # those of several machines lie side by side
    args.out.mkdir(parents=True, exist_ok=True)
    for cell in [] if args.report else choose_cells(args):
        if cell.name in own:
            print(f'{cell.name}: is in {path}, not measured again')
            continue
        print(cell.name, flush=True)
        own[cell.name] = measure(cell, args.repeats, args.compile)
        partial = path.with_suffix('.partial')
        partial.write_text(json.dumps(results, indent=1))
        partial.replace(path)
    results = {name: cells for name, cells in results.items() if cells}
    print(make_tables(results))
    draw(results, args.out / 'performance.png')


if __name__ == '__main__':
    main()
