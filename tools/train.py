"""Trains a model from a config."""

import argparse
import os

from mmamf_command_line import add_cfg_options, add_launcher, one_line_errors


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--work-dir', help='where logs and checkpoints go; default: work_dirs/<name of the config>'
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='continue from a checkpoint; without a path, from the latest one in the work dir',
    )
    parser.add_argument(
        '--allow-different-config',
        action='store_true',
        help='resume although the config contradicts the one that the checkpoint was trained with',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: float16 with loss scaling on a GPU, bfloat16 on a CPU',
    )
    parser.add_argument(
        '--modalities',
        nargs='+',
        metavar='NAME',
        help='train with these modalities of the config only, such as rgb; their names become '
        'part of the default work dir',
    )
    parser.add_argument(
        '--length',
        type=int,
        help='iterations, or epochs in a config that counts epochs; schedules and intervals follow',
    )
    add_cfg_options(parser)
    add_launcher(parser)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


@one_line_errors('the same command with --resume goes on from the last checkpoint')
def main() -> None:
    """Train."""
    args = parse_args()
    from mmamf.commands.train import train

    train(args)


if __name__ == '__main__':
    main()
