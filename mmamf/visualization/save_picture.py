"""Writes result pictures safely: complete, and never over an input file."""

import os.path as osp
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from mmamf.whole_file import whole_file


def save_picture(path: str | Path, picture: np.ndarray, **options) -> None:
    """Write a PNG with :func:`whole_file`.

    Args:
        path: The file.
        picture: The pixels, uint8.
        **options: Arguments of :meth:`PIL.Image.Image.save`.

    Shape:
        - picture: (H, W), or (H, W, 3) in RGB.

    Raises:
        ValueError: If the file cannot be written.
    """
    try:
        with whole_file(path) as draft:
            Image.fromarray(picture).save(draft, 'PNG', **options)
    except OSError as error:
        raise ValueError(
            f'{path}: the file cannot be written: {error.strerror or error}'
        ) from error


def check_apart(results: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Refuse results that would overwrite input files.

    Args:
        results: Files to write.
        inputs: Files that are read.

    Raises:
        ValueError: If a result is an input.
    """
    read = {place for path in inputs for place in (_place(path), osp.realpath(path))}
    for path in results:
        if _place(path) in read:
            raise ValueError(
                f'{path}: expected a result that is no input, but it would overwrite this input; '
                'choose another output folder'
            )


def _place(path: str | Path) -> str:
    """Resolve the links in a file's folders, but not the file itself if it is a link."""
    folder, name = osp.split(path)
    return osp.join(osp.realpath(folder), name)
