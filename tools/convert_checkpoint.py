#!/usr/bin/env python3
"""Turn a checkpoint of one of the authors' networks into one that configs/amf/ loads."""

import argparse
import pickle
import sys
from pathlib import Path

try:
    from mmamf.checkpoints import convert_official
except ModuleNotFoundError as error:
    if error.name != 'mmamf':
        raise
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from mmamf.checkpoints import convert_official

import torch


def main() -> None:
    """Read, convert, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', type=Path, help="checkpoint in the authors' format")
    parser.add_argument('dst', type=Path, help='where to write ours')
    args = parser.parse_args()
    if not args.src.is_file():
        sys.exit(f'no such checkpoint: {args.src}')
    try:
        state = convert_official(torch.load(args.src, map_location='cpu', weights_only=True))
    except (ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        sys.exit(f'{args.src}: {error}')
    args.dst.parent.mkdir(parents=True, exist_ok=True)
    torch.save({'state_dict': state}, args.dst)
    print(f'wrote {len(state)} entries to {args.dst}')


if __name__ == '__main__':
    main()
