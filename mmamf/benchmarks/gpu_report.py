"""Checks and measures on a GPU what the other machines of this project cannot, in limited time."""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import torch
from mmengine.registry import init_default_scope

import mmamf
from mmamf.commands.process import PYTHON, Process
from mmamf.visualization.markdown import format_table
from mmamf.whole_file import whole_file, write_json

from .networks import MIT_B0, Cell
from .report import COLUMNS, make_tables
from .speed import machine, measure
from .task import keep_memory

SHARE_OF_TESTS = 0.4  # of the time, at most
TESTS = Path(mmamf.__file__).parents[1] / 'tests'


def list_cells(quick: bool) -> Iterator[tuple[Cell, bool]]:
    """List what to measure, the most important first, and whether with torch.compile.

    Args:
        quick: Tiny images, for a trial.
    """
    height, width = (64, 64) if quick else (480, 640)
    for precision in ('float32', 'float16'):
        for depth, batch, mode in product((18, 50, MIT_B0), (8, 1), ('training', 'inference')):
            yield Cell('encoder', depth, height, width, batch, mode, precision), False
        if precision == 'float32':
            for mode in ('training', 'inference'):  # again, as compiling takes minutes
                yield Cell('encoder', 18, height, width, 8, mode, precision), True


def run_tests(device: str, seconds: float) -> dict[str, str]:
    """Run the tests that are marked ``gpu``.

    Args:
        device: Device for the tests.
        seconds: When to end them.

    Returns:
        For each test 'passed', 'skipped' or its error, and for the run, as '', 'ended in time' or
        why not.
    """
    if not TESTS.is_dir():
        return {'': f'not run: expected the tests of a clone in {TESTS}'}
    with tempfile.TemporaryDirectory() as folder:
        results, log = Path(folder, 'results.xml'), Path(folder, 'log.txt')
        options = ('-q', '-m', 'gpu', '-p', 'no:cacheprovider', f'--junitxml={results}')
        options += (f'--rootdir={TESTS.parent}', '-c', TESTS.parent / 'pyproject.toml')
        command = (*PYTHON, '-m', 'pytest', *options, *_files_with_mark())
        process = Process(command, log, env=dict(os.environ, MMAMF_DEVICE=device))
        end = time.monotonic() + seconds
        try:
            while process.poll() is None and time.monotonic() < end:
                time.sleep(0.2)
            if process.poll() is None:
                return {'': f'not ended after {seconds:.0f} s'}
        finally:
            process.stop()
        if not results.is_file():
            return {'': f'not run: {log.read_text()[-500:]}'}
        cases = ElementTree.parse(results).iter('testcase')
        return {'': 'ended in time'} | {case.get('name'): _outcome(case) for case in cases}


def _files_with_mark() -> list[Path]:
    return [path for path in sorted(TESTS.rglob('test_*.py')) if 'mark.gpu' in path.read_text()]


def _outcome(case: ElementTree.Element) -> str:
    for child in case:
        if child.tag == 'skipped':
            return 'skipped'
        if child.tag in ('failure', 'error'):
            return child.get('message', child.tag).splitlines()[0]
    return 'passed'


def measure_cells(
    cells: list[tuple[Cell, bool]], end: float, repeats: int
) -> Iterator[tuple[str, dict]]:
    """Measure cells until the time is over; a cell starts only if the slowest so far would fit.

    Args:
        cells: What :func:`list_cells` lists.
        end: The end, by ``time.monotonic``.
        repeats: Rounds of every cell.

    Yields:
        The name and the result of every cell. A cell that needs too much memory is left out.
    """
    longest = 0.0
    for cell, compiled in cells:
        start = time.monotonic()
        if start + longest > end:
            return
        print(f'{cell.name}{", compiled" * compiled}', flush=True)
        try:
            yield cell.name, measure(cell, repeats, compiled)
        except torch.cuda.OutOfMemoryError:
            print(f'{cell.name}: not enough memory', flush=True)
        torch.cuda.empty_cache()
        longest = max(longest, time.monotonic() - start)


def make_report(results: dict, cells: list[tuple[Cell, bool]]) -> str:
    """Write the outcome of the tests and the table's rows, in Markdown."""
    tests = dict(results['tests'])
    state = tests.pop('')
    failed = {name: text for name, text in tests.items() if text not in ('passed', 'skipped')}
    passed = sum(text == 'passed' for text in tests.values())
    lines = [
        f'Device: {results["machine"]}.',
        '',
        f'Tests: {state}; {passed} passed, {len(failed)} failed, '
        f'{len(tests) - passed - len(failed)} skipped.',
        *(f'- {name}: {text}' for name, text in failed.items()),
        '',
    ]
    if results['cells']:
        lines.append(make_tables({results['machine']: results['cells']}))
    names = dict.fromkeys(cell.name for cell, _ in cells)
    missing = [name for name in names if name not in results['cells']]
    if missing:
        blank = ['not measured'] * (len(COLUMNS) - 1)
        rows = ([name, *blank] for name in missing)
        lines += ['', format_table(COLUMNS, rows, texts=len(COLUMNS))]
    return '\n'.join(lines)


def write_gpu_report(args: argparse.Namespace) -> None:
    """Test, measure and write, given the arguments of `tools/analysis/gpu_report.py`.

    Raises:
        ValueError: If there is no GPU, or the time is not positive.
    """
    if args.minutes <= 0:
        raise ValueError(f'--minutes: expected more than 0, got {args.minutes}')
    if args.device == 'cuda' and not torch.cuda.is_available():
        raise ValueError(
            f'--device cuda: expected a GPU, got none: torch {torch.__version__} on '
            f'{platform.machine()} sees no device. --device cpu --quick tries the command here'
        )
    init_default_scope('mmseg')
    keep_memory()
    end = time.monotonic() + 60 * args.minutes
    cells = list(list_cells(args.quick))
    results = dict(machine=machine(), cells={})
    results['tests'] = run_tests(args.device, 60 * args.minutes * SHARE_OF_TESTS)
    args.out.mkdir(parents=True, exist_ok=True)
    write_json(args.out / 'gpu_report.json', results)
    for name, result in measure_cells(cells, end, 1 if args.quick else 5):
        results['cells'][name] = result
        write_json(args.out / 'gpu_report.json', results)  # after each, should the next one hang
    report = make_report(results, cells)
    with whole_file(args.out / 'gpu_report.md') as draft:
        draft.write_text(report + '\n')
    print(report)
