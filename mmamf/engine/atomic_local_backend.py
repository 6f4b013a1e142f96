from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmamf.whole_file import whole_file


class AtomicLocalBackend(LocalBackend):
    """Writes local files completely or not at all.

    mmengine's own backend writes in place, so a process that dies while writing leaves half a file.
    Here :func:`whole_file` writes.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes to a file."""
        with whole_file(filepath, durable=True) as draft:
            draft.write_bytes(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text to a file."""
        self.put(obj.encode(encoding), filepath)


register_backend('atomic_local', AtomicLocalBackend)
