#!/usr/bin/env python3
"""Converts a checkpoint of one of the authors' networks to one that configs/amf/ loads."""

import argparse
import sys
from pathlib import Path

import mmamf_command_line  # noqa: F401

NO_FUSION = 'configs/amf/amf_unet_1xb1-adam-300e_taskonomy-256x256_shade-texture2rgb_no-fusion.py'


def convert(path: Path) -> dict:
    """Convert a file to a state dict; an error in it ends the program."""
    from mmamf.checkpoints import convert_official
    from mmamf.weights import read_checkpoint

    if not path.is_file():
        sys.exit(f'no such checkpoint: {path}')
    try:
        return convert_official(read_checkpoint(path, weights_only=True))
    except ValueError as error:
        sys.exit(str(error) if str(path) in str(error) else f'{path}: {error}')


def is_part(state: dict, name: str) -> bool:
    """Whether all entries belong to one part of the model."""
    return all(key.startswith(f'{name}.') for key in state)


def main() -> None:
    """Read, convert, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', type=Path, help="checkpoint in the authors' format")
    parser.add_argument('dst', type=Path, help='where to write ours')
    parser.add_argument(
        '--discriminator',
        type=Path,
        metavar='FILE',
        help="the authors' discriminator, which goes into the same output as their generator",
    )
    args = parser.parse_args()
    state = convert(args.src)
    if is_part(state, 'discriminator'):
        sys.exit(f'{args.src}: expected a generator; pass the discriminator as --discriminator')
    if args.discriminator is not None:
        discriminator = convert(args.discriminator)
        if not is_part(state, 'generator') or not is_part(discriminator, 'discriminator'):
            sys.exit('--discriminator: expected the generator as src and the discriminator here')
        state |= discriminator
    import torch

    from mmamf.checkpoints import describe_official

    args.dst.parent.mkdir(parents=True, exist_ok=True)
    torch.save({'meta': describe_official(state), 'state_dict': state}, args.dst)
    print(f'wrote {len(state)} entries to {args.dst}')
    if 'generator.alpha' in state:
        print(
            f'load it with generator=dict(fusion=None), as in {NO_FUSION}: a config with fusion '
            'loads it without a word and gives other pictures'
        )


if __name__ == '__main__':
    main()
