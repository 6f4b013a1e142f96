import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend


class AtomicLocalBackend(LocalBackend):
    """Writes local files completely or not at all.

    mmengine's own backend writes in place, so a process that dies while writing leaves half a file.
    Here the bytes go to a temporary file beside the target. The file is flushed to disk, and then
    renamed.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes to a file."""
        target = Path(filepath)
        target.parent.mkdir(parents=True, exist_ok=True)
        # one fixed name per target, so that the leftover of a killed run is overwritten
        temporary = target.with_name(f'.{target.name}.tmp')
        try:
            with open(temporary, 'wb') as file:
                file.write(obj)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except OSError as error:
            error.filename = error.filename or str(target)  # a full disk names no file by itself
            raise
        finally:
            temporary.unlink(missing_ok=True)  # it still exists if something failed
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)  # flushes the rename itself
        finally:
            os.close(directory)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text to a file."""
        self.put(obj.encode(encoding), filepath)


register_backend('atomic_local', AtomicLocalBackend)
