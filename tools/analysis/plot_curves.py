"""Plots loss and mIoU of a training, for the modalities and the ensemble, from its work dir."""

import argparse
from pathlib import Path

from mmamf_command_line import one_line_errors


@one_line_errors()
def main() -> None:
    """Plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', type=Path, help='work dir of tools/train.py')
    parser.add_argument('--out', type=Path, help='picture to write; default: WORK_DIR/curves.png')
    args = parser.parse_args()
    out = args.out or args.work_dir / 'curves.png'
    from mmamf.visualization import plot_curves

    plot_curves(args.work_dir, out)
    print(out)


if __name__ == '__main__':
    main()
