"""Looks at a folder of registered images and labels, and writes a config that trains on them.

It finds the samples, reads every file once, says what is wrong with them, and chooses network,
sizes, schedule and loss for these data, this machine and the given time. The config explains each
choice. `report.html` beside it shows the data. After that, `tools/train.py` is all there is left.
"""

import argparse
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
    if not 0 < args.share < 1:
        parser.error(f'--share: expected a number between 0 and 1, got {args.share}')
    if args.minutes <= 0:
        parser.error(f'--minutes: expected more than 0, got {args.minutes}')
    args.name = args.name or re.sub(r'\W+', '_', args.data.resolve().name).strip('_') or 'data'
    args.out = args.out or Path('configs', args.name)
    return args


def main(argv: list[str] | None = None) -> None:
    """Plan a training."""
    args = parse_args(argv)
    from mmamf.planning.plan_data import plan_data

    plan_data(args)


if __name__ == '__main__':
    main()
