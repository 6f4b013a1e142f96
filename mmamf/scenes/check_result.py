import os.path as osp
from collections.abc import Iterable
from pathlib import Path

from mmamf.visualization.save_picture import check_apart


def check_result(path: str | Path, inputs: Iterable[str | None]) -> None:
    """Refuse a result that would overwrite an input or an earlier result.

    Args:
        path: The file to write.
        inputs: The files that are read.

    Raises:
        ValueError: If it exists.
    """
    check_apart([path], [file for file in inputs if file])
    if osp.lexists(path):
        raise ValueError(
            f'{path}: expected no such file, because a scene takes long and is not overwritten; '
            'remove it, or choose another output folder'
        )
