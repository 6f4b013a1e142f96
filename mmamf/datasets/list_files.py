"""Lists the files of a folder, and explains why a path does not exist."""

import os
import os.path as osp
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mmengine import fileio
from mmengine.fileio import LocalBackend

# suffixes of files that could be images, in upper or lower case
IMAGES = (
    '.png', '.jpg', '.jpeg', '.jpe', '.jp2', '.tif', '.tiff', '.bmp', '.gif', '.webp', '.ppm',
    '.pgm', '.pbm', '.pnm', '.exr', '.hdr', '.pfm', '.npy', '.npz',
)  # fmt: skip


class Listing(NamedTuple):
    """Paths of the files and of the dead links in a folder, relative to it."""

    files: list[str]
    dead: list[str]


def list_files(
    folder: str, subfolders: Iterable[str] | None = None, backend_args: dict | None = None
) -> Listing:
    """List the files in a folder and all its sub-folders, or directly in some of them.

    Hidden files, whose names begin with a dot, are left out. A link that leads back to a folder
    above it counts as dead, like a link that leads nowhere. mmengine's lister would follow it
    without end.

    Args:
        folder: The folder.
        subfolders: Sub-folders to list, without their own sub-folders; '' is the folder itself.
            Those that do not exist are skipped. None lists everything.
        backend_args: Arguments of the mmengine file backend.

    Raises:
        ValueError: If the folder or a sub-folder cannot be read.
    """
    files, dead = [], []
    for subfolder in [''] if subfolders is None else subfolders:
        path = osp.join(folder, subfolder) if subfolder else folder
        if subfolder and not fileio.isdir(path, backend_args=backend_args):
            continue
        for file, is_file in _walk(path, subfolders is None, backend_args):
            (files if is_file else dead).append(osp.relpath(file, folder).replace(os.sep, '/'))
    return Listing(sorted(files), sorted(dead))


def without_suffix(file: str, suffix: str) -> str | None:
    """Remove the suffix, in upper or lower case, from a path. Return None if it does not match.

    Args:
        file: Path with slashes.
        suffix: End of the path.
    """
    cut = len(file) - len(suffix)
    if cut <= 0 or file[cut:].lower() != suffix.lower() or file[cut - 1] == '/':
        return None
    return file[:cut]


def why_absent(path: str) -> str:
    """Say why a file or folder does not exist, as text to put after its path; '' if unknown."""
    if '://' in path:  # on another file system
        return ''
    if osp.isdir(path) or osp.isfile(path):
        return ' (a folder)' if osp.isdir(path) else ' (a file)'
    if osp.islink(path):
        return ' (a link that leads nowhere)'
    missing = osp.abspath(path)
    while not osp.lexists(osp.dirname(missing)):
        missing = osp.dirname(missing)
    above = osp.dirname(missing)
    if not osp.isdir(above):
        return f' ({above} is no folder)'
    return '' if missing == osp.abspath(path) else f' (there is no {missing})'


def _walk(
    folder: str, recursive: bool, backend_args: dict | None, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, bool]]:
    """Yield the path of each file or dead link, and whether it is a file."""
    if not isinstance(fileio.get_file_backend(folder, backend_args=backend_args), LocalBackend):
        files = fileio.list_dir_or_file(
            folder, list_dir=False, recursive=recursive, backend_args=backend_args
        )
        yield from ((osp.join(folder, file), True) for file in files)
        return
    above = (*above, osp.realpath(folder))
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise ValueError(f'{folder}: the folder cannot be read: {error.strerror}') from error
    for entry in entries:
        if entry.name.startswith('.'):
            continue
        is_link = entry.is_symlink()
        if not (osp.isdir(entry.path) if is_link else entry.is_dir()):
            is_file = osp.isfile(entry.path) if is_link else entry.is_file()
            if is_file or is_link:
                yield entry.path, is_file
        elif recursive:
            if is_link and osp.realpath(entry.path) in above:
                yield entry.path, False
            else:
                yield from _walk(entry.path, True, backend_args, above)
