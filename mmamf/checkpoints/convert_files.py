from pathlib import Path

import torch

from ..weights import read_checkpoint
from ..whole_file import whole_file
from .convert_official import convert_official, describe_official
from .official_state import StateDict

NO_FUSION = 'configs/amf/amf_unet_1xb1-adam-300e_taskonomy-256x256_shade-texture2rgb_no-fusion.py'


def convert_files(src: Path, dst: Path, discriminator: Path | None = None) -> None:
    """Convert checkpoints of the authors with :func:`convert_official`, and write one of ours.

    Args:
        src: Their segmentation network, or their generator.
        dst: The checkpoint to write.
        discriminator: Their discriminator, which goes into the same file as their generator.

    Raises:
        FileNotFoundError: If a checkpoint does not exist.
        ValueError: If one is not a checkpoint of the authors, or not of the expected network.
    """
    state = _convert(src)
    if _is_part(state, 'discriminator'):
        raise ValueError(
            f'{src}: expected a segmentation network or a generator, got a discriminator; pass it '
            'as --discriminator'
        )
    if discriminator is not None:
        added = _convert(discriminator)
        if not _is_part(state, 'generator') or not _is_part(added, 'discriminator'):
            raise ValueError(
                f'--discriminator: expected a generator in {src} and a discriminator in '
                f'{discriminator}, got other networks'
            )
        state |= added
    with whole_file(dst, durable=True) as draft:
        torch.save({'meta': describe_official(state), 'state_dict': state}, draft)
    print(f'wrote {len(state)} entries to {dst}')
    if 'generator.alpha' in state:
        print(
            f'load it with generator=dict(fusion=None), as in {NO_FUSION}: a config with fusion '
            'loads it without an error, but gives other pictures'
        )


def _convert(path: Path) -> StateDict:
    content = read_checkpoint(path, weights_only=True)
    try:
        return convert_official(content)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


def _is_part(state: StateDict, name: str) -> bool:
    return all(key.startswith(f'{name}.') for key in state)
