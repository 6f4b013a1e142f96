"""Files of a converted data set: written whole, inside OUT, and checked when a run goes on.

OUT/.done/STEM lists the files of one sample, a line each: checksum (CRC-32), size, path in OUT. A
file that was cut, changed or lost since then no longer fits its line, so the sample is made again.
"""

import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

DONE = '.done'
_CHUNK = 1 << 20


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears as a whole or not at all, also on a full disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + '.part')
    part.unlink(missing_ok=True)  # a link, perhaps, which writing would follow
    try:
        part.write_bytes(content)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_image(path: Path, image: np.ndarray | Path) -> Path:
    """Write an image to ``path`` plus its suffix; a PNG appears as a whole or not at all.

    Args:
        path: File to write, without suffix.
        image: An array in OpenCV's channel order, which becomes a PNG, or the path of a file that
            is taken over as it is.

    Returns:
        The file written.
    """
    if isinstance(image, Path):
        path = path.with_name(path.name + image.suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            os.link(image.resolve(), path)
        except OSError:  # another file system
            shutil.copyfile(image, path)
        return path
    path = path.with_name(path.name + '.png')
    write_whole(path, cv2.imencode('.png', image)[1].tobytes())
    return path


def check_inside(out: Path, path: Path, source: str) -> None:
    """Refuse a file that would lie outside the output folder: by '..', or behind a link.

    Raises:
        ValueError: If it would.
    """
    steps_up = '..' in PurePosixPath(path.relative_to(out)).parts if out in path.parents else True
    if steps_up or not path.resolve().is_relative_to(out.resolve()):
        raise ValueError(
            f'{source}: expected a file inside {out}, got {path}, which is {path.resolve()}: a '
            "name must not contain '..', and a folder in OUT must not be a link to another place"
        )


def is_done(out: Path, stem: str) -> bool:
    """Tell whether all files of a sample are as they were written.

    Args:
        out: Folder of the data set.
        stem: Name of the sample.
    """
    path = out / DONE / stem
    lines = path.read_text(errors='replace').splitlines() if path.is_file() else []
    return bool(lines) and all(_fits(out, line) for line in lines)


def mark_done(out: Path, stem: str, files: Sequence[Path]) -> None:
    """List the files of a sample, once all are written.

    Args:
        out: Folder of the data set.
        stem: Name of the sample.
        files: The files, inside ``out``.
    """
    lines = [
        f'{_checksum(file):08x} {file.stat().st_size} {file.relative_to(out).as_posix()}\n'
        for file in files
    ]
    write_whole(out / DONE / stem, ''.join(lines).encode())


def _fits(out: Path, line: str) -> bool:
    try:
        checksum, size, name = line.split(' ', 2)
        file = out / name
        # the size first: it costs nothing
        return file.stat().st_size == int(size) and _checksum(file) == int(checksum, 16)
    except (OSError, ValueError):  # lost, or a list of an earlier version, which holds names alone
        return False


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open('rb') as file:
        while chunk := file.read(_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum
