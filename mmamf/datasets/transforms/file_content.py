"""Reads the bytes of a file, with errors that name it."""

import os

from mmengine import fileio


def read_content(path: str, backend_args: dict | None = None, kind: str = 'image file') -> bytes:
    """Read a whole file.

    Args:
        path: The file, local or of any mmengine file backend.
        backend_args: Arguments of the mmengine file backend.
        kind: Name of the file's kind in errors.

    Raises:
        FileNotFoundError: If there is no such file, or it is a link that leads nowhere.
        ValueError: If it is empty, is a folder, or cannot be read.
    """
    try:
        content = fileio.get(path, backend_args=backend_args)
    except (FileNotFoundError, NotADirectoryError) as error:
        link = f' (a link to {os.readlink(path)})' if os.path.islink(path) else ''
        raise FileNotFoundError(f'{kind} not found: {path}{link}') from error
    except IsADirectoryError as error:
        raise ValueError(f'{path}: expected a file, got a folder') from error
    except MemoryError as error:
        raise ValueError(f'{path}: expected a file that fits into memory') from error
    except (OSError, ValueError) as error:  # no permission, circular links, a failing disk
        raise ValueError(f'{path!r} cannot be read: {error}') from error
    if not content:
        raise ValueError(
            f'{path} is corrupt or truncated: expected an image, got a file of 0 bytes'
        )
    return content
