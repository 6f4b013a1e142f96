"""Writes files that appear complete or not at all."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: str | Path, durable: bool = False) -> Iterator[Path]:
    """Yield the path of a draft, and rename the draft to the file when it is complete.

    If an exception comes out of the block, the draft is removed, and an older file stays as it is.
    The folder of the file is created if necessary. A link at the path is replaced; its target stays
    as it is.

    Args:
        path: The file to write.
        durable: Whether to wait until the disk has the file. It then outlives a loss of power.

    Raises:
        OSError: If the file cannot be written; the error names it.
    """
    target = Path(path)
    # one name per target, so that the leftover of a killed process is overwritten
    draft = target.with_name(f'.{target.name}.tmp')
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.unlink(missing_ok=True)  # otherwise a link there would be followed
    try:
        yield draft
        if durable:
            _flush(draft)
        os.replace(draft, target)
    except OSError as error:
        error.filename = error.filename or str(target)  # a full disk names no file by itself
        raise
    finally:
        draft.unlink(missing_ok=True)  # it still exists if something failed
    if durable:
        _flush(target.parent)  # the rename itself


def write_json(path: str | Path, content: dict) -> None:
    """Write a JSON file that outlives a loss of power.

    Args:
        path: The file to write.
        content: Its content.

    Raises:
        OSError: If the file cannot be written; the error names it.
    """
    with whole_file(path, durable=True) as draft:
        draft.write_text(json.dumps(content, indent=1) + '\n')


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
