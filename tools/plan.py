"""Looks at a folder of registered images and labels, and writes a config that trains on them.

It finds the samples, reads every file once, says what is wrong with them, and chooses network,
sizes, schedule and loss for these data, this machine and the given time. The config explains each
choice. `report.html` beside it shows the data. After that, `tools/train.py` is all there is left.
"""

import argparse
import math
import re
from pathlib import Path

import mmamf_command_line  # noqa: F401  (finds the package of a clone)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('data', type=Path, metavar='DATA', help='folder of images and labels')
    parser.add_argument('--name', help='name of the config; default: the name of the folder')
    parser.add_argument(
        '--out', type=Path, metavar='DIR', help='where the plan goes; default: configs/NAME'
    )
    parser.add_argument(
        '--modality',
        action='append',
        default=[],
        metavar='NAME=DIR',
        help='files of a modality: a folder or a glob below DATA; repeat it for each modality; '
        'default: found by the names of files and folders',
    )
    parser.add_argument(
        '--labels', metavar='DIR', help='the label maps: a folder or a glob below DATA'
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='names of the classes in the order of their indices, or one file with a name per line',
    )
    parser.add_argument(
        '--split',
        nargs='+',
        metavar='FILE',
        help='lists of the samples of each side, such as train.txt val.txt; "none" ignores the '
        'split that is there and makes one',
    )
    parser.add_argument('--share', type=float, default=0.2, help='share of val; default: 0.2')
    parser.add_argument('--seed', type=int, default=0, help='seed of the split; default: 0')
    parser.add_argument(
        '--minutes', type=float, default=30, help='how long the training may take; default: 30'
    )
    parser.add_argument('--workers', type=int, help='processes that read files; default: CPUs')
    parser.add_argument(
        '--fix',
        type=Path,
        metavar='DIR',
        help='write a copy of the data to DIR, without the faults that a copy can mend, and plan '
        'with it',
    )
    parser.add_argument('--train', action='store_true', help='train at once')
    args = parser.parse_args(argv)
    if not args.data.is_dir():
        parser.error(f'DATA: expected a folder, {args.data} is none')
    for text in args.modality:
        if not re.fullmatch(r'\w+=.+', text):
            parser.error(f'--modality: expected NAME=DIR, got {text!r}')
    names = [text.split('=')[0] for text in args.modality]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        parser.error(f'--modality: expected each name once, got {repeated!r} twice')
    if not 0 < args.share < 1:
        parser.error(f'--share: expected a number between 0 and 1, got {args.share}')
    if args.seed < 0:
        parser.error(f'--seed: expected 0 or more, got {args.seed}')
    if not 0 < args.minutes < math.inf:
        parser.error(f'--minutes: expected more than 0, got {args.minutes}')
    if args.workers is not None and args.workers < 1:
        parser.error(f'--workers: expected 1 or more, got {args.workers}')
    if args.name is not None and not re.fullmatch(r'[\w.-]+', args.name):
        parser.error(f'--name: expected letters, digits, "_", "-" and ".", got {args.name!r}')
    if args.fix is not None and args.fix.resolve().is_relative_to(args.data.resolve()):
        parser.error('--fix: expected a folder outside DATA, or the copy would be read as data')
    args.name = args.name or re.sub(r'\W+', '_', args.data.resolve().name).strip('_') or 'data'
    args.out = args.out or Path('configs', args.name)
    if args.out.exists() and not args.out.is_dir():
        parser.error(f'--out: expected a folder, {args.out} is a file')
    return args


def main(argv: list[str] | None = None) -> None:
    """Plan a training."""
    args = parse_args(argv)
    from mmamf.planning.plan_data import plan_data

    plan_data(args)


if __name__ == '__main__':
    main()
