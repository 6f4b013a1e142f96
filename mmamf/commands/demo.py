"""A demo: renders rooms, trains on them, tests, and writes a report with tables and pictures.

After an interruption, the same command continues. After a complete demo, it trains again.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from mmamf.analysis.results_table import collect_results, format_results
from mmamf.own_files import own_file
from mmamf.visualization import plot_curves

TOOLS = own_file('tools')
CONFIGS = own_file('configs') / 'amf'
TASKS = dict(
    segmentation=CONFIGS / 'amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120_demo.py',
    translation=CONFIGS / 'amf_unet_1xb4-adam-2k_rooms-128x96_rgb-depth2normal.py',
)
COMMANDS = dict(segmentation='demo', translation='demo-translation')  # targets of make
MODALITIES = ('rgb', 'depth', 'normal')  # for both tasks; the others would need a third more time
SHEETS = ('prediction_sheet.png', 'translation_sheet.png')
ROOMS = Path('data', 'rooms')
# Hides warnings of the old stack about its own code.
PYTHON = (sys.executable, '-W', 'ignore::UserWarning', '-W', 'ignore::FutureWarning')


def run(*command: str | Path, log: Path | None = None) -> None:
    """Run one step in a process and show its progress.

    With a log, all output of the step goes there, and only the lines of `progress` are shown.

    Raises:
        SystemExit: If the step fails; the message names the error.
    """
    if log:
        print(f'  all that is written: {log}', flush=True)
    with open(log or os.devnull, 'w') as file:
        # In a session of its own, so that Ctrl-C reaches only this process, which then ends the
        # step.
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.PIPE if log else None,
            stderr=subprocess.STDOUT if log else None,
            text=True,
            start_new_session=True,
        )
        try:
            for line in process.stdout or ():
                file.write(line)
                if shown := progress(line):
                    print(shown, flush=True)
            process.wait()
        except KeyboardInterrupt:
            if log is None:  # a step without a log cleans up by itself
                process.send_signal(signal.SIGINT)
            else:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
    if process.returncode:
        raise SystemExit(failure(process.returncode, log))


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


def failure(code: int, log: Path | None) -> str:
    """Say why a step failed: its last exception, or its exit code."""
    if log is None:
        return f'The demo stopped (exit code {code}): see the message above.'
    lines = log.read_text().splitlines()
    errors = [i for i, line in enumerate(lines) if re.match(r'[\w.]*(Error|Exception)\b', line)]
    reason = '\n'.join(lines[errors[-1] :][:20]) if errors else f'exit code {code}'
    return f'The demo stopped: {reason}\n(all of it in {log}; to start over, remove {log.parent})'


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
                f'{work / name}: this folder was there before and is not of a demo; choose another '
                '--work-dir, or move it away'
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
    (report / 'results.json').write_text(json.dumps(results, indent=2) + '\n')
    (report / 'results.txt').write_text(format_results(results))
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
    """Run the demo; an interruption ends the program.

    Args:
        args: The parsed command line of `tools/demo.py`.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):  # like Ctrl-C, except under nohup
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        demo(args)
    except KeyboardInterrupt:
        command = COMMANDS[args.task]
        print(f'\ninterrupted: run make {command} again to continue', flush=True)
        raise SystemExit(130) from None
