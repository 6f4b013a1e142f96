import hashlib
from pathlib import Path

import torch


def find_weights(weights: str | None, url: str, other_names: tuple[str, ...] = ()) -> Path:
    """Find a published file of weights on this machine, and check it. Nothing is downloaded.

    Args:
        weights: Path of the file, or None to look for it in the cache of ``torch.hub``.
        url: Address of the published file. As usual for ``torch.hub``, its name is
            ``<name>-<digits>.pth`` with the first digits of its SHA-256.
        other_names: Other names of the same published file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not the published one.
    """
    name = url.rsplit('/', 1)[-1]
    cache = Path(torch.hub.get_dir()) / 'checkpoints'
    candidates = [Path(weights)] if weights else [cache / n for n in (name, *other_names)]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        places = ' or '.join(str(path) for path in candidates)
        raise FileNotFoundError(
            f'expected the weights file {name} at {places}, found none. Nothing is downloaded '
            f'here: get it from {url}, and put it into {cache} or give its path as '
            '`weights` in the config or by --cfg-options'
        )
    expected = Path(name).stem.rsplit('-', 1)[-1]
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if not found.startswith(expected):
        raise ValueError(
            f'{path}: expected the file {name}, whose SHA-256 begins with {expected}, got the '
            f'SHA-256 {found}'
        )
    return path
