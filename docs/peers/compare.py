"""Trains our network and CMX on the rooms for the same CPU time, and draws mIoU over this time.

A run is a process of tools/train.py with one thread. Its curve is saved in runs/ beside this file,
and a run that has one is not repeated. `--report` trains nothing: it prints the tables and draws
the curves. CMX needs a checkout of https://github.com/huaaaliu/RGBX_Semantic_Segmentation.

Usage: python docs/peers/compare.py NETWORK --seed 0 --cmx CHECKOUT
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from matplotlib.figure import Figure

from mmamf.comparison.paired import compare
from mmamf.visualization.curves import read_scalars
from mmamf.visualization.figures import add_grid, save_figure
from mmamf.visualization.markdown import format_table
from mmamf.whole_file import write_json

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUNS = HERE / 'runs'
WORK_DIRS = Path('work_dirs/peers')
SEEDS = (0, 1, 2)

# network -> name, iterations (they take about equal CPU time), learning rate, color
NETWORKS = {
    'ours': ('ours, MiT-B0', 900, 2e-3, '#3274b5'),
    'cmx': ('CMX, MiT-B0', 750, 2e-3, '#e58a1f'),
}


def train(network: str, seed: int, rate: float, checkout: str) -> None:
    """Train a network, unless that was done before, and save its curve."""
    result = RUNS / f'{network}-{rate:g}-{seed}.json'
    if result.exists():
        print(f'{result}: is there, not trained again')
        return
    iterations = NETWORKS[network][1]
    options = {'randomness.seed': seed, 'optim_wrapper.optimizer.lr': rate}
    if network == 'cmx':
        options['model.backbone.checkout'] = checkout
    work_dir = WORK_DIRS / result.stem
    shutil.rmtree(work_dir, ignore_errors=True)  # of a run that was interrupted
    command = [ROOT / 'tools/train.py', HERE / f'{network}.py', '--work-dir', work_dir]
    command += ['--length', iterations, '--cfg-options']
    command += [f'{key}={value}' for key, value in options.items()]
    threads = {**os.environ, 'OMP_NUM_THREADS': '1'}
    subprocess.run([sys.executable, *map(str, command)], check=True, env=threads)
    points = [(step, found) for step, found in read_scalars(work_dir) if 'cpu_seconds' in found]
    curve = dict(
        network=network,
        seed=seed,
        rate=rate,
        iterations=[step for step, _ in points],
        cpu_minutes=[round(found['cpu_seconds'] / 60, 3) for _, found in points],
        mIoU=[round(found['mIoU'], 2) for _, found in points],
    )
    write_json(result, curve)
    print(json.dumps(curve))


def report() -> None:
    """Print the tables of the rates and of the results, and draw the curves."""
    runs = [json.loads(path.read_text()) for path in sorted(RUNS.glob('*.json'))]
    tried = [run for run in runs if run['seed'] not in SEEDS]
    rows = [(run['network'], f'{run["rate"]:g}', f'{run["mIoU"][-1]:.1f}') for run in tried]
    print(format_table(('network', 'learning rate', 'mIoU'), rows))

    figure = Figure(figsize=(7, 4.2), dpi=120, layout='constrained')
    axes = figure.subplots()
    rows, last = [], {}
    for network, (title, _, rate, color) in NETWORKS.items():
        own = [run for run in runs if (run['network'], run['rate']) == (network, rate)]
        own = [run for run in own if run['seed'] in SEEDS]
        if not own:
            continue
        minutes, values = ([*zip(*(run[key] for run in own))] for key in ('cpu_minutes', 'mIoU'))
        for run in own:
            axes.plot(run['cpu_minutes'], run['mIoU'], color=color, linewidth=0.8, alpha=0.5)
        means = [[*map(statistics.mean, points)] for points in (minutes, values)]
        axes.plot(*means, color=color, linewidth=2.2, marker='o', markersize=4, label=title)
        length = own[0]['iterations'][-1]
        rows.append([title, f'{rate:g}', f'{length}', *map(_spread, (minutes[-1], *values))])
        last[network] = {run['seed']: run['mIoU'][-1] for run in own}
    shares = ('mIoU after 20 %', '40 %', '60 %', '80 %', 'the end')  # validations of ours.py
    print(format_table(('network', 'learning rate', 'updates', 'CPU minutes', *shares), rows))
    if difference := compare(last.get('ours', {}), last.get('cmx', {})):
        low, high = difference.low, difference.high
        print(f'ours - CMX: {difference.mean:+.1f} [{low:+.1f}, {high:+.1f}]')
    axes.set(xlabel='CPU time of the training in minutes', ylabel='mIoU')
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.legend(frameon=False)
    add_grid(axes)
    save_figure(figure, HERE / 'curves.png')


def _spread(values: tuple[float, ...]) -> str:
    spread = statistics.stdev(values) if len(values) > 1 else 0
    return f'{statistics.mean(values):.1f} ± {spread:.1f}'


def main() -> None:
    """Train one run, or report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('network', nargs='?', choices=NETWORKS)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--rate', type=float, help='learning rate; default: the chosen one')
    parser.add_argument('--cmx', default='', metavar='CHECKOUT', help="the authors' code of CMX")
    parser.add_argument('--report', action='store_true', help='print tables and draw curves')
    args = parser.parse_args()
    if args.network:
        train(args.network, args.seed, args.rate or NETWORKS[args.network][2], args.cmx)
    if args.report:
        report()


if __name__ == '__main__':
    main()
