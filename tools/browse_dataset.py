"""Shows the samples that a model gets, after transforms and data preprocessor, with their labels.

For display, the values of every modality are converted back to those of its file. The printed mean
and standard deviation are of the normalized values. Padding follows normalization, so it has the
color of the mean. Missing readings are black and are left out of the statistics. A modality that a
sample lacks is not shown.
"""

import argparse
from pathlib import Path

from mmamf_command_line import add_cfg_options, one_line_errors

PHASES = ('train', 'val', 'test')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file of a segmentor or a translator')
    parser.add_argument('--phase', choices=PHASES, default='train', help='default: train')
    parser.add_argument(
        '--number', type=int, default=8, help='how many samples, evenly spaced; default: 8'
    )
    parser.add_argument(
        '--out',
        metavar='DIR',
        type=Path,
        help='where PHASE.png goes; default: work_dirs/<name of the config>/browse',
    )
    add_cfg_options(parser)
    args = parser.parse_args(argv)
    if args.number < 1:
        parser.error(f'--number: expected at least 1, got {args.number}')
    args.out = args.out or Path('work_dirs', Path(args.config).stem, 'browse')
    return args


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Draw the sheet and print the statistics."""
    args = parse_args(argv)
    from mmamf.analysis.browse_dataset import browse_config

    browse_config(args)


if __name__ == '__main__':
    main()
