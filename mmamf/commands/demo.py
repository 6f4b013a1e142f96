"""A demo: renders rooms, trains on them, tests, and writes a report with tables and pictures."""

import argparse
import json
import re
import shutil
import signal
import sys
import time
from pathlib import Path

from mmamf.analysis.results_table import collect_results, format_results
from mmamf.own_files import own_file
from mmamf.visualization import plot_curves
from mmamf.whole_file import whole_file, write_json

from .process import PYTHON, Process, interruptible

TOOLS = own_file('tools')
CONFIGS = own_file('configs') / 'amf'
TASKS = dict(
    segmentation=CONFIGS / 'amf_efficientnet-lite0_refinenet_1xb2-adamw-800_rooms-160x120.py',
    translation=CONFIGS / 'amf_unet_1xb4-adam-2k_rooms-128x96_rgb-depth2normal.py',
)
COMMANDS = dict(segmentation='demo', translation='demo-translation')  # targets of make
MODALITIES = ('rgb', 'depth', 'normal')  # for both tasks; the others would need a third more time
SHEETS = ('prediction_sheet.png', 'translation_sheet.png')
ROOMS = Path('data', 'rooms')


def run(*command: str | Path, log: Path | None = None) -> None:
    """Run one step in a process and show its progress.

    With a log, all output of the step goes there, and only the lines of `progress` are shown.

    Raises:
        SystemExit: If the step fails; the message names the error.
    """
    if log:
        print(f'  all output: {log}', flush=True)
        log.unlink(missing_ok=True)
    process = Process(command, log)
    try:
        for line in process.lines() if log else ():
            if shown := progress(line):
                print(shown, flush=True)
        process.wait()
    finally:
        # a step without a log cleans up by itself after a Ctrl-C
        process.stop(signal.SIGTERM if log else signal.SIGINT)
    if process.returncode and log is None:
        raise SystemExit(
            f'The demo stopped (exit code {process.returncode}): see the message above.'
        )
    if process.returncode:
        raise SystemExit(
            f'The demo stopped: {process.last_error()}\n'
            f'(all output: {log}; to start over, remove {log.parent})'
        )


def progress(line: str) -> str | None:
    """Shorten a line of mmengine's log to its progress."""
    if match := re.search(r'Sheet of predictions: (.+)', line):
        return f'  a look at the predictions: {match[1]}'
    match = re.search(r'Iter\((\w+)\) +\[ *(\d+)/(\d+)\]', line)
    if not match:
        return None
    values = re.findall(r'(\S+): +(\S+)', line[match.end() :])
    shown = [f'{k} {v}' for k, v in values if k in ('eta', 'loss') or k.endswith(('mIoU', 'MAE'))]
    return f'  {match[1]:5} {match[2]:>5}/{match[3]}  ' + '  '.join(shown)


def train(config: Path, folder: Path, log: Path) -> Path:
    """Train, or continue an interrupted training; return the last checkpoint."""
    if not (folder / config.name).is_file():  # empty, or the training of another config
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    finished, last = folder / 'finished', folder / 'last_checkpoint'
    if not finished.is_file():
        resume = ['--resume'] if last.is_file() else []
        if resume:
            print(f'  continuing the training that was interrupted in {folder}')
        command = [*PYTHON, TOOLS / 'train.py', config, '--work-dir', folder, *resume]
        run(*command, log=log)
        finished.touch()
    return folder / Path(last.read_text()).name


def demo(args: argparse.Namespace) -> None:
    """Run the steps, and print the results."""
    work = args.work_dir or Path('work_dirs', COMMANDS[args.task])
    report = work / 'report'
    steps: dict[str, float] = {}

    def begin(step: str) -> None:
        steps[step] = time.perf_counter()
        print(f'[{len(steps)}/4] {step}', flush=True)

    for name in ('train', 'test'):  # folders to remove before a new run
        ours = (work / 'finished').is_file() or (work / f'{name}.log').is_file()
        if (work / name).exists() and not ours:
            sys.exit(
                f'{work / name}: expected no folder, or one of an earlier demo, got another one; '
                'choose another --work-dir, or move it away'
            )
    if (work / 'finished').is_file():  # an earlier demo is complete
        shutil.rmtree(work / 'train', ignore_errors=True)
        (work / 'finished').unlink()
    work.mkdir(parents=True, exist_ok=True)

    begin('data')
    config = args.config
    if config is None:
        config = TASKS[args.task]
        render = [TOOLS / 'render_rooms.py', '--out', ROOMS, '--modalities', *MODALITIES]
        run(sys.executable, *render)
    begin('training')
    checkpoint = train(config, work / 'train', work / 'train.log')
    begin('test')
    shutil.rmtree(work / 'test', ignore_errors=True)
    folders = ['--work-dir', work / 'test', '--show-dir', work / 'test' / 'shown']
    run(*PYTHON, TOOLS / 'test.py', config, checkpoint, *folders, log=work / 'test.log')
    begin('report')
    report.mkdir(exist_ok=True)
    (metrics,) = (work / 'test').glob('*/*.json')
    results = collect_results(json.loads(metrics.read_text()))
    write_json(report / 'results.json', results)
    with whole_file(report / 'results.txt') as draft:
        draft.write_text(format_results(results))
    shown = work / 'test' / 'shown'
    (sheet,) = (name for name in SHEETS if (shown / name).is_file())
    shutil.copy(shown / sheet, report / sheet)
    plot_curves(work / 'train', report / 'curves.png')
    (work / 'finished').touch()

    times = [*steps.values(), time.perf_counter()]
    print(f'\n{format_results(results)}')
    for name in ('results.txt', 'results.json', 'curves.png', sheet):
        print(report / name)
    seconds = [f'{s} {b - a:.0f} s' for s, a, b in zip(steps, times, times[1:], strict=False)]
    print(f'\nall {times[-1] - times[0]:.0f} s: {", ".join(seconds)}')


def run_demo(args: argparse.Namespace) -> None:
    """Run the demo until its end or an interruption, given the arguments of `tools/demo.py`."""
    with interruptible(f'run make {COMMANDS[args.task]} again to continue'):
        demo(args)
