"""Counts parameters and multiply-adds of a config's model, and of separate networks.

The separate networks are one network for each modality, without sharing, fusion and ensemble. Parts
that only training uses are shown, but no sum contains them. The model is built without memory for
its weights, so nothing is computed or downloaded.
"""

import argparse

from mmamf_command_line import add_cfg_options, one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file of a segmentor or a translator')
    parser.add_argument(
        '--shape',
        type=int,
        nargs=2,
        metavar=('H', 'W'),
        help='size of the input in px; default: the size to which the config pads, or the size of '
        'its generator',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Count and print."""
    args = parse_args(argv)
    from mmamf.analysis.count_parts import show_parts

    show_parts(args)


if __name__ == '__main__':
    main()
