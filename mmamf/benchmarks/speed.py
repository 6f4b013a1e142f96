"""Measures the network against a plain one, a loop over the modalities, and separate networks."""

import argparse
import json
import platform
from itertools import product
from pathlib import Path

import torch
from mmengine.registry import init_default_scope

from mmamf.analysis.complexity import complexity
from mmamf.whole_file import write_json

from .interleaved import take_turns
from .networks import Cell, Form, build, forms_of, make_inputs
from .report import draw, make_tables
from .task import Task, keep_memory, peak_memory

QUICK = Cell('encoder', 18, 32, 32, 1, 'inference', 'float32')
WARM_UP = 2  # steps


def choose_cells(args: argparse.Namespace) -> list[Cell]:
    """List the cells that the command line selects."""
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
    # the profiler cannot see compiled code or another library
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
    """Name what times depend on: the device, the number of threads, and the version of torch."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else processor()
    return f'{device}, {torch.get_num_threads()} threads, torch {torch.__version__}'


def processor() -> str:
    """Name the CPU."""
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(': ')[2] for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()


def _count(cell: Cell, form: Form) -> tuple[int, float]:
    network = build(cell, form)  # not on the meta device: MiT-B0 reads numbers while it is built
    own = sum(parameter.numel() for parameter in network.parameters())  # a move unties shared ones
    found = complexity(network.to('meta'), make_inputs(cell, form).to('meta'))
    return found._replace(parameters=own)


def measure_speed(args: argparse.Namespace) -> None:
    """Measure and report, given the arguments of `tools/analysis/benchmark.py`."""
    init_default_scope('mmseg')
    keep_memory()
    path = args.out / 'performance.json'
    results = json.loads(path.read_text()) if path.is_file() else {}
    own = results.setdefault(machine(), {})  # one entry for each machine
    for cell in [] if args.report else choose_cells(args):
        if cell.name in own:
            print(f'{cell.name}: is in {path}, not measured again')
            continue
        print(cell.name, flush=True)
        own[cell.name] = measure(cell, args.repeats, args.compile)
        write_json(path, results)
    results = {name: cells for name, cells in results.items() if cells}
    print(make_tables(results))
    draw(results, args.out / 'performance.png')
