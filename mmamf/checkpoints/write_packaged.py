from pathlib import Path

import torch

from ..weights.packaged_weights import SCHEME, SOURCES, load_packaged_weights
from ..whole_file import whole_file


def write_packaged(name: str, dst: Path) -> None:
    """Write ImageNet weights of an installed package to a file for ``init_cfg`` of a backbone.

    The file also says from which package they come, and its license.

    Args:
        name: One of the names in ``SOURCES``, such as 'mobilenet-v2'.
        dst: The file to write.

    Raises:
        ValueError: See :func:`mmamf.weights.load_packaged_weights`.
    """
    state = load_packaged_weights(f'{SCHEME}{name}')
    source = SOURCES[name]
    meta = dict(package=source.pip, license=source.license)
    with whole_file(dst, durable=True) as draft:
        torch.save({'meta': meta, 'state_dict': state}, draft)
    print(f'wrote {len(state)} entries of {source.pip} ({source.license}) to {dst}')
