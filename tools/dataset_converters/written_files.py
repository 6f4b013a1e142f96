"""Files of a converted data set: written completely, inside OUT, and checked when a run resumes.

OUT/.done/STEM lists the files of one sample, one per line: checksum (CRC-32), size, path in OUT. If
a file was cut, changed or lost later, it does not fit its line, and the sample is made again.
"""

import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

DONE = '.done'
_CHUNK = 1 << 20


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears complete or not at all, even on a full disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + '.part')
    part.unlink(missing_ok=True)  # it may be a link, and writing would follow it
    try:
        part.write_bytes(content)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_image(path: Path, image: np.ndarray | Path) -> Path:
    """Write an image to ``path`` plus its suffix; a PNG appears complete or not at all.

    Args:
        path: File to write, without suffix.
        image: An array in OpenCV's order of channels, which becomes a PNG, or the path of a file
            that is taken unchanged.

    Returns:
        The file written.
    """
    if isinstance(image, Path):
        path = path.with_name(path.name + image.suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            os.link(image.resolve(), path)
        except OSError:  # on another file system
            shutil.copyfile(image, path)
        return path
    path = path.with_name(path.name + '.png')
    write_whole(path, cv2.imencode('.png', image)[1].tobytes())
    return path


def check_inside(out: Path, path: Path, source: str) -> None:
    """Refuse a file that would be outside the output folder, because of '..' or a link.

    Raises:
        ValueError: If it would be outside.
    """
    steps_up = out not in path.parents or '..' in path.relative_to(out).parts
    if steps_up or not path.resolve().is_relative_to(out.resolve()):
        raise ValueError(
            f'{source}: expected a file inside {out}, got {path}, which is {path.resolve()}: a '
            "name must not contain '..', and a folder in OUT must not be a link to another place"
        )


def is_done(out: Path, stem: str) -> bool:
    """Tell whether all files of a sample are still as they were written.

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
        # the size first, because it costs nothing
        return file.stat().st_size == int(size) and _checksum(file) == int(checksum, 16)
    except (OSError, ValueError):  # lost, or listed by an earlier version, by name only
        return False


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open('rb') as file:
        while chunk := file.read(_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum
