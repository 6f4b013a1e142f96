import fcntl
import logging
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from mmengine.logging import print_log

NAME = '.training.lock'
TEMPORARIES = ('.*.pth.tmp', '.last_checkpoint.tmp')  # written by AtomicLocalBackend


class WorkDirLock:
    """Keeps a second training out of a folder, and removes half-written files of a killed one.

    It is an operating system lock on a file in the folder, so it ends with the process in every
    case. Forked data loader workers do not hold it.

    Args:
        folder: Folder to which a training writes; it is created.
        enabled: Whether to lock. In a distributed training, only the first process locks.

    Raises:
        ValueError: On entering, if another process trains there.
    """

    def __init__(self, folder: str | Path, enabled: bool = True) -> None:
        self.folder = Path(folder)
        self.enabled = enabled
        self._file: IO | None = None

    def __enter__(self) -> Self:
        """Lock the folder."""
        if not self.enabled:
            return self
        self.folder.mkdir(parents=True, exist_ok=True)
        # not flock, because data loader workers of a killed training would keep holding it
        file = open(self.folder / NAME, 'a+')
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            file.seek(0)
            holder = file.read().strip() or 'unknown'
            file.close()
            raise ValueError(
                f'{self.folder}: another training is writing to this folder ({holder}). Wait for '
                'its end, end it, or choose another --work-dir'
            ) from None
        except OSError as error:
            print_log(
                f'{self.folder} cannot be locked ({error}): do not start a second training in it.',
                logger='current',
                level=logging.WARNING,
            )
        self._file = file
        file.truncate(0)
        file.write(f'process {os.getpid()} on {socket.gethostname()}\n')
        file.flush()
        for pattern in TEMPORARIES:
            for path in self.folder.glob(pattern):
                if path.is_file() or path.is_symlink():
                    path.unlink()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the lock."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()  # releases the lock
