"""Counts affected files and keeps the first of them, so that memory does not grow."""

from collections.abc import Iterable

SHOWN = 10


class Affected:
    """The files that a finding is about.

    Args:
        paths: Paths of files to add.
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self.files: list[str] = []
        self.count = 0
        for path in paths:
            self.add(path)

    def add(self, path: str) -> None:
        """Add a file."""
        self.count += 1
        if len(self.files) < SHOWN:
            self.files.append(path)

    def __bool__(self) -> bool:
        return self.count > 0

    @property
    def of(self) -> dict:
        """The arguments ``files`` and ``count`` of a Finding."""
        return dict(files=tuple(self.files), count=self.count)
