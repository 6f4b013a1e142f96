"""Plots loss and mIoU of a training, for the modalities and the ensemble, from its work dir."""

import argparse
from pathlib import Path

import mmamf_command_line  # noqa: F401


def main() -> None:
    """Plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', type=Path, help='work dir of tools/train.py')
    parser.add_argument('--out', type=Path, help='picture to write; default: WORK_DIR/curves.png')
    args = parser.parse_args()
    out = args.out or args.work_dir / 'curves.png'
    from mmamf.visualization import plot_curves

    try:
        plot_curves(args.work_dir, out)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
    print(out)


if __name__ == '__main__':
    main()
