"""Tests a checkpoint: prints the table of results and writes them as JSON into the work dir."""

import argparse
import os

from mmamf_command_line import add_cfg_options, add_launcher, one_line_errors


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--work-dir',
        help='where log and metrics go, as <time>/<time>.json; '
        'default: work_dirs/<name of the config>',
    )
    parser.add_argument(
        '--out',
        metavar='DIR',
        help='save the predictions there: label maps as PNG of class indices, counted from 0 also '
        'with reduce_zero_label, or the pictures of a translation',
    )
    parser.add_argument('--show-dir', metavar='DIR', help='save painted predictions there')
    parser.add_argument(
        '--report',
        metavar='DIR',
        help='write a report there: IoU with intervals, calibration, confusion matrix, worst and '
        'most uncertain images',
    )
    parser.add_argument(
        '--tta',
        nargs='?',
        const='only',
        choices=['only', 'both'],
        help="test-time augmentation; 'both': test without it, then with it; the second test "
        'writes into the subfolder tta/ of each folder',
    )
    parser.add_argument(
        '--modalities',
        nargs='+',
        metavar='NAME',
        help='the modalities of the checkpoint, if it was trained with some of the config',
    )
    parser.add_argument(
        '--partial',
        action='store_true',
        help='test although the checkpoint lacks weights of the model or has additional ones; '
        'prints which',
    )
    parser.add_argument(
        '--allow-different-config',
        action='store_true',
        help='test although the config contradicts the one that the checkpoint was trained with',
    )
    add_cfg_options(parser)
    add_launcher(parser)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


@one_line_errors()
def main() -> None:
    """Test."""
    args = parse_args()
    from mmamf.commands.test import evaluate

    evaluate(args)


if __name__ == '__main__':
    main()
