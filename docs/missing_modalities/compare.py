"""Trains networks for missing sensors in several ways, and tests each on all its subsets.

Networks for two modalities are also tested with a damaged depth sensor (damage.py). The methods
`only-...` are networks for some of four modalities. Every finished run is saved in
OUT/<method>-<seed>.json, so the same command continues after an interruption. Two commands may
share the work if their methods or seeds differ. `--report` prints a table of all runs.

Usage: python docs/missing_modalities/compare.py METHOD ... --seeds 0 1 2
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from itertools import combinations
from pathlib import Path

from mmamf.visualization.curves import read_scalars

ROOT = Path(__file__).resolve().parents[2]
OUT = Path(__file__).parent / 'runs'
WORK_DIRS = Path('work_dirs/missing_modalities')
CONFIG = 'configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120{}.py'
TWO = CONFIG.format('')
FOUR = CONFIG.format('_rgb-depth-normal-shade')
DROPOUT = CONFIG.format('_modality-dropout')
DAMAGED = CONFIG.format('_damaged-depth')
LADDER = Path(__file__).with_name('damage.py')
PROB = 'train_dataloader.dataset.pipeline.1.prob'
OPTIONAL = 'test_dataloader.dataset.modalities.1.optional=True'
EXCHANGE = 'model.train_cfg.exchange_dropout'

# method -> config, number of iterations, options
METHODS = {
    'never': (TWO, 1200, {}),
    'modality-dropout': (DROPOUT, 1200, {f'{PROB}.rgb': 0.25, f'{PROB}.depth': 0.25}),
    'exchange-dropout': (TWO, 1200, {EXCHANGE: 0.5}),
    'exchange-dropout-0.3': (TWO, 1200, {EXCHANGE: 0.3}),
    'exchange-dropout-0.7': (TWO, 1200, {EXCHANGE: 0.7}),
    'damaged-depth': (DAMAGED, 1200, {}),
    'never-3600': (TWO, 3600, {}),
    'modality-dropout-3600': (DROPOUT, 3600, {f'{PROB}.rgb': 0.25, f'{PROB}.depth': 0.25}),
    'exchange-dropout-3600': (TWO, 3600, {EXCHANGE: 0.5}),
    'four-never': (FOUR, 1200, {}),
    'four-exchange-dropout': (FOUR, 1200, {EXCHANGE: 0.5}),
}
MODALITIES = ('rgb', 'depth', 'normal', 'shade')
ALONE = {
    'only-' + '-'.join(subset): subset
    for count in (1, 2, 3)
    for subset in combinations(MODALITIES, count)
}
METHODS |= {method: (FOUR, 1200, {}) for method in ALONE}


def run(*command: object, log: Path, timing: Path | None = None) -> None:
    """Run a tool with one thread; add its CPU time in seconds to a file, also if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    threads = {**os.environ, 'OMP_NUM_THREADS': '1'}
    try:
        with log.open('a') as file:
            arguments = [sys.executable, *map(str, command)]
            subprocess.run(arguments, check=True, env=threads, stdout=file, stderr=file)
    finally:
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if timing:
            earlier = float(timing.read_text()) if timing.exists() else 0
            timing.write_text(str(earlier + spent))


def measure(method: str, seed: int) -> None:
    """Train a network, test it on all subsets, and save what came out."""
    result = OUT / f'{method}-{seed}.json'
    if result.exists():
        return
    config, iterations, options = METHODS[method]
    work_dir = WORK_DIRS / f'{method}-{seed}'
    work_dir.mkdir(parents=True, exist_ok=True)
    words = [f'{key}={value}' for key, value in options.items()]
    train = [ROOT / 'tools/train.py', config, '--work-dir', work_dir, '--length', iterations]
    if method in ALONE:
        train += ['--modalities', *ALONE[method]]
    checkpoint = work_dir / f'iter_{iterations}.pth'
    timing = work_dir / 'cpu_seconds'
    if not checkpoint.exists():
        settings = [*words, f'randomness.seed={seed}', f'train_cfg.val_interval={iterations}']
        resume = ['--resume'] if (work_dir / 'last_checkpoint').exists() else []
        arguments = (*train, *resume, '--cfg-options', *settings)
        run(*arguments, log=work_dir / 'train.log', timing=timing)
    damage = {}
    if method in ALONE:  # the validation at the end of the training is the only test
        subsets = {'+'.join(ALONE[method]): read_scalars(work_dir)[-1][1]}
    else:
        subsets = test('missing_modalities', method, checkpoint)
    if config != FOUR:
        damage = test('robustness', method, checkpoint, '--ladder', LADDER)
    OUT.mkdir(exist_ok=True)
    found = dict(
        method=method,
        seed=seed,
        config=config,
        options=words,
        iterations=iterations,
        cpu_seconds=round(float(timing.read_text())),
        mIoU={name: round(found['mIoU'], 2) for name, found in subsets.items()},
        damaged={name: round(found['scalars']['mIoU'], 2) for name, found in damage.items()},
    )
    result.write_text(json.dumps(found, indent=1) + '\n')


def test(tool: str, method: str, checkpoint: Path, *arguments: object) -> dict[str, dict]:
    """Run a series of tests; return its results by name."""
    config, _, options = METHODS[method]
    out = checkpoint.with_name(tool)
    words = [f'{key}={value}' for key, value in options.items()]
    if tool == 'robustness':  # images of a dead sensor have no reading; optional ones are absent
        words.append(OPTIONAL)
    words = ['--cfg-options', *words] if words else []
    command = [ROOT / f'tools/analysis/{tool}.py', config, checkpoint, '--out', out]
    run(*command, *arguments, *words, log=checkpoint.with_name('test.log'))
    return json.loads((out / 'results.json').read_text())['tests']


def report() -> None:
    """Print mean and standard deviation over the seeds of every method."""
    everything = [json.loads(path.read_text()) for path in sorted(OUT.glob('*.json'))]
    for method in METHODS:
        runs = [run for run in everything if run['method'] == method]
        found = [run['mIoU'] | run['damaged'] for run in runs]
        for subset in found[0] if runs else ():
            values = [run[subset] for run in found]
            spread = statistics.stdev(values) if len(values) > 1 else 0
            print(
                f'{method:24} {subset:24} {statistics.mean(values):.1f} +- {spread:.1f} '
                f'({len(values)} seeds)'
            )
        if runs:
            seconds = [run['cpu_seconds'] for run in runs]
            print(f'{method:24} CPU seconds {min(seconds)} to {max(seconds)}')


def main() -> None:
    """Run what is missing, or report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('methods', nargs='*', choices=[*METHODS, []], help='default: all')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument('--report', action='store_true', help='print a table of what is there')
    args = parser.parse_args()
    for seed in () if args.report else args.seeds:
        for method in args.methods or METHODS:
            measure(method, seed)
    report()


if __name__ == '__main__':
    main()
