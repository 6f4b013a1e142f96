import os
import tempfile
from pathlib import Path


def make_out_folder(path: str | Path) -> Path:
    """Make a folder for results if need be, and find out that files can be written there.

    Args:
        path: The folder.

    Raises:
        ValueError: If that is not possible.
    """
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        reason = 'it is a file' if Path(path).is_file() else error.strerror
        raise ValueError(
            f'{path}: expected a folder for the results that can be written: {reason}'
        ) from error
    return Path(path)
