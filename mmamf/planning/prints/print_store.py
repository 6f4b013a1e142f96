"""Keeps the prints of files in an SQLite file."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .file_prints import ImagePrint, LabelPrint
from .prints_as_bytes import pack, unpack_image, unpack_label

VERSION = 5  # of the prints: a change of what they mean makes all files be read again
IMAGE, LABEL = 'image', 'label'  # a file may be both
TABLE = 'mmamf_prints'
# The 64 bits of a look in three parts. Looks that differ in two bits agree in one part at least.
PARTS = ((0, 22), (22, 21), (43, 21))  # (lowest bit, number of bits)


class PrintStore:
    """The prints of the files of a data set, in an SQLite file.

    A print is valid as long as its file has the same size and time of change. Files that cannot be
    read are read again in each run: a codec may have been installed, or a link mended.

    Args:
        path: The SQLite file. It is made if there is none.
        root: The folder of the data set.

    Raises:
        ValueError: If the file is something else.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.root = Path(root)
        self.version = f'{VERSION} {self.root.resolve()}'
        self.path = path
        with self._explained():
            self.database = sqlite3.connect(path)
            # not waiting for the disk: only a loss of power can damage the cache
            self.database.execute('PRAGMA synchronous = OFF')
            self.database.execute(
                f'CREATE TABLE IF NOT EXISTS {TABLE} (role TEXT, path TEXT, size INTEGER, '
                'mtime INTEGER, version TEXT, intact INTEGER, content TEXT, part0 INTEGER, '
                'part1 INTEGER, part2 INTEGER, print BLOB, PRIMARY KEY (role, path))'
            )
            self.database.commit()

    def expect(self, files: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Forget the prints of other and of changed files, and list the files to be read.

        Args:
            files: Role and path below the root of each file.
        """
        self.database.execute('DROP TABLE IF EXISTS temp.expected')
        self.database.execute(
            'CREATE TEMP TABLE expected (role TEXT, path TEXT, size INTEGER, mtime INTEGER, '
            'PRIMARY KEY (role, path))'
        )
        self.database.executemany(
            'INSERT OR IGNORE INTO expected VALUES (?, ?, ?, ?)',
            ((role, path, *self._state(path)) for role, path in files),
        )
        with self._explained():
            self.database.execute(
                f'DELETE FROM {TABLE} WHERE NOT intact OR version != ? OR NOT EXISTS (SELECT 1 '
                f'FROM expected e WHERE e.role = {TABLE}.role AND e.path = {TABLE}.path AND '
                f'e.size = {TABLE}.size AND e.mtime = {TABLE}.mtime)',
                (self.version,),
            )
            self.database.commit()
        return self.database.execute(
            f'SELECT e.role, e.path FROM expected e LEFT JOIN {TABLE} p ON p.role = e.role AND '
            'p.path = e.path WHERE p.path IS NULL ORDER BY e.rowid'
        ).fetchall()

    def add(self, rows: Iterable[tuple]) -> None:
        """Keep the prints that :func:`make_row` has packed."""
        self.database.executemany(
            f'INSERT OR REPLACE INTO {TABLE} SELECT ?1, ?2, size, mtime, ?3, ?4, ?5, ?6, ?7, ?8, '
            '?9 FROM expected WHERE role = ?1 AND path = ?2',
            ((role, path, self.version, *rest) for role, path, *rest in rows),
        )
        self.database.commit()

    def images(self, paths: Iterable[tuple[str, str]]) -> Iterator[tuple[str, ImagePrint]]:
        """Yield the name and the print of each file that is given by a name and a path."""
        for name, path in paths:
            yield name, unpack_image(self._packed(IMAGE, path))

    def labels(self, paths: Iterable[tuple[str, str]]) -> Iterator[tuple[str, LabelPrint]]:
        """Yield the name and the print of each file that is given by a name and a path."""
        for name, path in paths:
            yield name, unpack_label(self._packed(LABEL, path))

    def _packed(self, role: str, path: str) -> bytes:
        query = f'SELECT print FROM {TABLE} WHERE role = ? AND path = ?'
        return self.database.execute(query, (role, path)).fetchone()[0]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Explain errors of SQLite."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise ValueError(
                f'{self.path}: expected a cache that can be written, and no other plan that uses '
                f'it now ({error})'
            ) from error
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f'{self.path}: expected the cache of a fingerprint, which is an SQLite file, got '
                f'something else ({error}); delete it, and it will be made again'
            ) from error

    def _state(self, path: str) -> tuple[int, int]:
        try:
            state = os.stat(self.root / path)
        except OSError:  # reading it will say why
            return 0, 0
        return state.st_size, state.st_mtime_ns


def make_row(role: str, print_: ImagePrint | LabelPrint) -> tuple:
    """Pack a print for :meth:`PrintStore.add`. The workers do this, not the one that writes."""
    parts = (None, None, None)  # a flat image looks like every other
    if role == IMAGE and not is_flat(print_):
        parts = tuple(print_.look >> low & (1 << bits) - 1 for low, bits in PARTS)
    return (role, print_.path, print_.error is None, print_.content, *parts, pack(print_))


def is_flat(print_: ImagePrint) -> bool:
    """Tell whether an image is so uniform that its look says nothing.

    A picture with content has 8 darker and 8 brighter cells at least; a ramp or an empty frame does
    not.
    """
    return not 8 <= print_.look.bit_count() <= 56
