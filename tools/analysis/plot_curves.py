"""Plots loss and mIoU of a training, per modality and of the ensemble, from its work dir."""

import argparse
import sys
from pathlib import Path

try:
    from mmamf.visualization import plot_curves
except ModuleNotFoundError as error:
    if error.name != 'mmamf':
        raise
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from mmamf.visualization import plot_curves


def main() -> None:
    """Plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', type=Path, help='work dir of tools/train.py')
    parser.add_argument('--out', type=Path, help='picture to write; default: WORK_DIR/curves.png')
    args = parser.parse_args()
    out = args.out or args.work_dir / 'curves.png'
    try:
        plot_curves(args.work_dir, out)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
    print(out)


if __name__ == '__main__':
    main()
