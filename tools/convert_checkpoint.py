#!/usr/bin/env python3
"""Turn a checkpoint of the authors' segmentation network into one that configs/amf/ loads."""

import argparse
import sys
from pathlib import Path

from mmamf.checkpoints import convert_official  # isort: skip  (mmamf cures the stack before torch loads)
import torch


def main() -> None:
    """Read, convert, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', type=Path, help="checkpoint in the authors' format")
    parser.add_argument('dst', type=Path, help='where to write ours')
    args = parser.parse_args()
    if not args.src.is_file():
        sys.exit(f'no such checkpoint: {args.src}')
    checkpoint = torch.load(args.src, map_location='cpu', weights_only=True)
    try:
        state = convert_official(checkpoint)
    except ValueError as error:
        sys.exit(f'{args.src}: {error}')
    args.dst.parent.mkdir(parents=True, exist_ok=True)
    torch.save({'state_dict': state}, args.dst)
    print(f'wrote {len(state)} entries to {args.dst}')


if __name__ == '__main__':
    main()
