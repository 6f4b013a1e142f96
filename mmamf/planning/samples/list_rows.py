"""Matches files by lists whose rows name one file of each modality."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from .path_words import FOLDER, MODALITIES, Words, label_score, plain, split_path, without
from .sample_lists import FoundList, tails


def rows_with_files(
    lists: Sequence[FoundList], images: set[str]
) -> list[tuple[tuple[str, ...], list[str | None]]]:
    """List the rows that name several image files, with the names of the columns."""
    rows = []
    for one in lists:
        folder = '' if posixpath.isabs(one.path) else posixpath.dirname(one.path)
        named = []
        for row in one.rows:
            cells = row.cells if len(row.cells) > 1 else tuple(row.cells[0].split())
            files = [next((t for t in tails(c, folder) if t in images), None) for c in cells]
            if len({*files} - {None}) > 1:
                named.append((row.names, files))
        if len(named) > 0.5 * len(one.rows):
            rows += named
    return rows


def agree(rows: list, streams: Iterable[Mapping[Words, str]]) -> bool:
    """Tell whether names match the files that lists match."""
    keys = {file: key for stream in streams for key, file in stream.items()}
    same = sum(len({keys.get(file) for file in files if file}) == 1 for _, files in rows)
    return same >= 0.9 * len(rows)


def words_of_rows(rows: list, images: Sequence[str], owners: Mapping[str, str]) -> dict[str, Words]:
    """Give the files of one row the words of the first, and a word per column."""
    words: dict[str, Words] = {}
    columns: dict[int, list[str]] = defaultdict(list)
    for _, files in rows:
        for column, file in enumerate(files):
            if file:
                columns[column].append(file)
    names = {column: _column_name(column, rows, files) for column, files in columns.items()}
    for _, files in rows:
        first = next(file for file in files if file)
        # its folders stay, because they may be sequences
        key = without(split_path(first), {*split_path(names[_first_column(files)] + '/x')[0]})
        for column, file in enumerate(files):
            if file:
                name = owners.get(file, names[column])
                words.setdefault(file, ((name + FOLDER,), *(key or split_path(first))))
    for file in images:
        words.setdefault(file, split_path(file))
    return words


def _first_column(files: Sequence[str | None]) -> int:
    """Return the place of the first file."""
    return next(column for column, file in enumerate(files) if file)


def _column_name(column: int, rows: list, files: Sequence[str]) -> str:
    """Name a column by the header, or else by what the paths of its files have in common."""
    header = next((names for names, row in rows if names and len(names) > column), ())
    if header and header[column]:
        return re.sub(r'\W+', '_', header[column])
    common = set.intersection(*({w for part in split_path(f) for w in part} for f in files))
    words = [plain(word) for word in sorted(common) if not plain(word).isdigit()]
    known = [word for word in words if word in MODALITIES or label_score(word)]
    return (known or words or [f'column{column}'])[0]
