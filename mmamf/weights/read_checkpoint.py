import re
from pathlib import Path
from typing import Any

import torch
from mmengine.runner import CheckpointLoader


def read_checkpoint(path: str | Path, map_location: Any = 'cpu', **kwargs) -> dict:
    """Read a checkpoint of PyTorch from a file.

    Args:
        path: The file.
        map_location: As of :func:`torch.load`.
        **kwargs: Passed on to :func:`torch.load`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no checkpoint, or holds objects whose reading could run code.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f'{path}: there is no such checkpoint')
    size = file.stat().st_size
    if not size:
        raise ValueError(f'{path}: expected a checkpoint, got an empty file (0 bytes)')
    try:
        content = torch.load(file, map_location=map_location, **kwargs)
    except Exception as error:  # a broken pickle fails in any way
        raise ValueError(
            f'{path}: expected a checkpoint, got a file of {size} bytes that {_reason(error)}'
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f'{path}: expected a checkpoint that is a dict of tensors, got a file of {size} bytes '
            f'with a {type(content).__name__}'
        )
    return content


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_from_local(filename: str, map_location: Any) -> dict:
    """Read a local file for mmengine: everything that loads weights says what is wrong with it.

    Args:
        filename: The file.
        map_location: As of :func:`torch.load`.
    """
    return read_checkpoint(filename, map_location)


def _reason(error: Exception) -> str:
    refused = re.search(r'GLOBAL (\S+) was not an allowed', str(error))
    if refused:
        return (
            f'holds objects of {refused[1]}, which could run code when they are read. Save it '
            'again with tensors and plain values alone: dict(state_dict=model.state_dict())'
        )
    detail = str(error).strip().split('\n', 1)[0][:200]
    return f'cannot be read ({type(error).__name__}: {detail}). It may be cut off: copy it again'
