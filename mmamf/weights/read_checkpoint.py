import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.runner import CheckpointLoader

from .load_weights import some
from .state_of import entries_of


def read_checkpoint(path: str | Path, map_location: Any = 'cpu', **kwargs) -> dict:
    """Read a PyTorch checkpoint from a file.

    Args:
        path: The file.
        map_location: See :func:`torch.load`.
        **kwargs: Further arguments of :func:`torch.load`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a checkpoint, has objects that could run code when they are read,
            or has weights in another form than dense tensors by name.
    """
    file = Path(path).expanduser()
    check_is_file(file)
    size = file.stat().st_size
    if not size:
        raise ValueError(f'{path}: expected a checkpoint, got an empty file (0 bytes)')
    try:
        content = torch.load(file, map_location=map_location, **kwargs)
    except Exception as error:  # a broken pickle raises many kinds of errors
        raise ValueError(
            f'{path}: expected a checkpoint, got a file of {size} bytes that '
            f'{_other_kind(file) or _reason(error)}'
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f'{path}: expected a checkpoint that is a dict of tensors, got a file of {size} bytes '
            f'with a {type(content).__name__}'
        )
    _check_entries(content, path)
    return content


def check_is_file(path: str | Path) -> None:
    """Check that a checkpoint file exists.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if Path(path).is_dir():
        raise FileNotFoundError(f'{path}: expected the file of a checkpoint, got a folder')
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path}: there is no such checkpoint')


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_from_local(filename: str, map_location: Any) -> dict:
    """Read a local file for mmengine, so that all its loaders give our errors.

    Args:
        filename: The file.
        map_location: See :func:`torch.load`.
    """
    return read_checkpoint(filename, map_location)


def _check_entries(content: dict, path: str | Path) -> None:
    if not isinstance(content.get('meta') or {}, dict):
        raise ValueError(
            f'{path}: expected meta to be a dict, got a {type(content["meta"]).__name__}'
        )
    entries = entries_of(content)
    odd = {
        'names that are no text': [repr(name) for name in entries if not isinstance(name, str)],
        'sparse or quantized tensors': [
            str(name)
            for name, value in entries.items()
            if isinstance(value, torch.Tensor)
            and (value.layout is not torch.strided or value.is_quantized)
        ],
        'arrays of NumPy': [
            str(name) for name, value in entries.items() if isinstance(value, np.ndarray)
        ],
    }
    for kind, names in odd.items():
        if names:
            raise ValueError(
                f'{path}: expected weights as dense tensors by name, got {kind}: {some(names)}'
            )


def _other_kind(file: Path) -> str:
    """Name the kind of a file that is not a checkpoint, from its first bytes; '' if unknown."""
    with file.open('rb') as stream:
        start = stream.read(512)
    if start.startswith(b'version https://git-lfs'):
        return 'is a pointer of Git LFS, not the file it stands for: run git lfs pull'
    if start.lstrip()[:9].lower().startswith((b'<html', b'<!doctype')):
        return 'is an HTML page: the download gave a web page, perhaps of an error or a login'
    text = start.decode('utf-8', errors='replace')
    if text.isascii() and all(c.isprintable() or c.isspace() for c in text):
        return f'is text, which starts with {text[:40]!r}'
    return ''


def _reason(error: Exception) -> str:
    refused = re.search(r'GLOBAL (\S+) was not an allowed', str(error))
    if refused:
        return (
            f'holds objects of {refused[1]}, which could run code when they are read. Save it '
            'again with tensors and plain values alone: dict(state_dict=model.state_dict())'
        )
    detail = str(error).strip().split('\n', 1)[0][:200]
    return f'cannot be read ({type(error).__name__}: {detail}). It may be cut off: copy it again'
