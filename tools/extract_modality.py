#!/usr/bin/env python3
"""Extracts one modality from a trained model: its branch becomes an ordinary mmseg backbone.

The checkpoint has the keys of the plain backbone (`bn1.weight`), and stock configs load it with
`init_cfg=dict(type='Pretrained', checkpoint=...)`. An ordinary backbone has no fusion, so the
branch keeps its own maps where fusion exchanged some. The tool lists these points. On images of the
test set, it measures how much the features and the predictions of the extracted branch differ from
those in the whole model.
"""

import argparse
from pathlib import Path

from mmamf_command_line import add_cfg_options, add_model, one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_model(parser)
    parser.add_argument('out', type=Path, help='the checkpoint of the backbone to write')
    parser.add_argument('--modality', default='rgb', metavar='NAME', help='default: rgb')
    parser.add_argument(
        '--samples',
        type=int,
        default=8,
        metavar='N',
        help='number of test images to measure on; 0: measure nothing; default: 8',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Extract, write, measure."""
    args = parse_args(argv)
    from mmamf.deployment.extract_modality import extract

    extract(args)


if __name__ == '__main__':
    main()
