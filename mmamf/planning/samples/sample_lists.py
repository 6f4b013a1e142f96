"""Reads the lists by which people split their data, in the many forms that they have."""

import csv
import json
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmamf.datasets.sample_list import read_text

from .path_words import SPLIT_WORDS, split_of, split_text

SUFFIXES = ('.txt', '.lst', '.csv', '.tsv', '.json')
LARGEST = 200_000_000  # bytes
MANY = 50  # lists; beyond, only those that name a side are read
SPLIT_COLUMNS = ('split', 'set', 'subset', 'phase', 'fold', 'partition')


@dataclass(frozen=True)
class ListRow:
    """One line of a list.

    Args:
        cells: Its columns.
        names: Names of the columns, if the list says them.
        split: The side that it belongs to.
    """

    cells: tuple[str, ...]
    names: tuple[str, ...] = ()
    split: str | None = None


@dataclass(frozen=True)
class FoundList:
    """A list of samples.

    Args:
        path: Its path.
        rows: Its lines.
        remarks: What is strange about it.
    """

    path: str
    rows: Sequence[ListRow]
    remarks: Sequence[str] = field(default_factory=tuple)

    @property
    def family(self) -> str:
        """Its path without the side: equal for train.txt and val.txt that belong together."""
        words = re.split(r'([\W_]+)', self.path.lower())
        return ''.join(word for word in words if word not in SPLIT_WORDS)


def select_lists(paths: Sequence[str]) -> list[str]:
    """Select the files that may be lists of samples."""
    paths = [path for path in paths if path.lower().endswith(SUFFIXES)]
    return [p for p in paths if _split_of_path(p)] if len(paths) > MANY else paths


def read_sample_list(root: Path, path: str) -> FoundList | None:
    """Read a list of samples; None if it is something else.

    Args:
        root: Folder of the data.
        path: The list, below the folder.
    """
    file = root / path
    if file.stat().st_size > LARGEST:
        return None
    try:
        text = read_text(str(file))
        content = json.loads(text) if path.lower().endswith('.json') else None
    except ValueError:  # another encoding, or no JSON
        return None
    split = _split_of_path(path)
    if content is not None:
        return FoundList(path, list(_rows_of_json(content, split)))
    remarks = _remarks(file, text)
    lines = [line.strip().strip('\ufeff') for line in re.split('[\r\n]+', text)]
    lines = [line for line in lines if line and not line.startswith('#')]
    rows = [ListRow((line,), (), split) for line in lines]
    separator = max(',;\t', key=lines[0].count) if lines else ','
    if lines and separator in lines[0]:
        rows = _rows_of_table(csv.reader(lines, delimiter=separator), split)
    return FoundList(path, rows, remarks)


def tails(cell: str, folder: str) -> Iterator[str]:
    """Yield the paths below the root that a cell may mean, the most literal first.

    Args:
        cell: Path with or without suffix, absolute (also on another machine) or relative.
        folder: Folder of the list, below the root.
    """
    path = posixpath.normpath(cell.strip().strip('"\'').replace('\\', '/')).lstrip('/')
    yield path
    yield posixpath.normpath(posixpath.join(folder, path))
    parts = path.split('/')
    for start in range(1, len(parts)):
        yield '/'.join(parts[start:])


def _split_of_path(path: str) -> str | None:
    folder, name = posixpath.split(posixpath.splitext(path)[0])
    for text in (name, posixpath.basename(folder)):
        sides = {split_of(word) for word in split_text(text)} - {None}
        if len(sides) == 1:
            return sides.pop()
    return None


def _rows_of_table(reader: Iterator[list[str]], split: str | None) -> list[ListRow]:
    rows = [[cell.strip() for cell in cells] for cells in reader]
    names = tuple(cell.lower() for cell in rows[0])
    # names of columns are words, never paths or numbers
    if not all(re.fullmatch(r'[a-z][\w ]*|', name) for name in names) or len(rows) < 2:
        return [ListRow(tuple(cells), (), split) for cells in rows]
    side = next((i for i, name in enumerate(names) if name in SPLIT_COLUMNS), None)
    return [
        ListRow(
            tuple(cells),
            names,
            split_of(cells[side].lower()) if side is not None and side < len(cells) else split,
        )
        for cells in rows[1:]
    ]


def _rows_of_json(value: Any, split: str | None) -> Iterator[ListRow]:
    if isinstance(value, str):
        yield ListRow((value,), (), split)
    elif isinstance(value, dict):
        texts = {key: text for key, text in value.items() if isinstance(text, str)}
        if texts and not any(split_of(key.lower()) for key in texts):
            own = next((split_of(texts[k].lower()) for k in SPLIT_COLUMNS if k in texts), None)
            yield ListRow(tuple(texts.values()), tuple(k.lower() for k in texts), own or split)
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                yield from _rows_of_json(inner, split_of(str(key).lower()) or split)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, list) and item and all(isinstance(cell, str) for cell in item):
                yield ListRow(tuple(item), (), split)
            else:
                yield from _rows_of_json(item, split)


def _remarks(file: Path, text: str) -> list[str]:
    with open(file, 'rb') as stream:
        start = stream.read(3)
    remarks = []
    if start == b'\xef\xbb\xbf' or start[:2] in (b'\xff\xfe', b'\xfe\xff'):
        remarks.append('begins with a byte order mark')
    if '\t' in text:
        remarks.append('separates columns by tabs')
    if '\r' in text:
        remarks.append('ends lines as on Windows')
    if '\\' in text:
        remarks.append('writes paths with backslashes')
    return remarks
