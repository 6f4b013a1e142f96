"""Reads lists of samples, one per line, in the many spellings that people use."""

import codecs
import os.path as osp
import posixpath
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from mmengine import fileio

from .list_files import IMAGES, why_absent, without_suffix

SHOWN = 10
BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_list(ann_file: str, backend_args: dict | None = None) -> list[str]:
    """Read the non-empty lines of an annotation file, see :func:`read_text`."""
    # joined files have marks inside the text
    lines = re.split('[\r\n]+', read_text(ann_file, backend_args))
    lines = (line.strip().lstrip('\ufeff') for line in lines)
    return [line for line in lines if line]


def read_text(ann_file: str, backend_args: dict | None = None) -> str:
    """Read a text in UTF-8, or in UTF-16 with a byte order mark.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has another encoding.
    """
    if not fileio.isfile(ann_file, backend_args=backend_args):
        raise FileNotFoundError(f'ann_file not found: {ann_file}{why_absent(ann_file)}')
    content = fileio.get(ann_file, backend_args=backend_args)
    encoding = 'utf-16' if content.startswith(BYTE_ORDER_MARKS) else 'utf-8-sig'
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{ann_file}: expected a text in UTF-8, got other bytes ({error}): save it as UTF-8'
        ) from error
    if '\0' in text:
        raise ValueError(
            f'{ann_file}: expected a text in UTF-8, got zero bytes, as in UTF-16 without a byte '
            'order mark: save it as UTF-8'
        )
    return text


class SampleList:
    """The samples of a list. The existing files decide what a line means.

    A line is the path of a sample below the folders, without suffix. A line may also have a suffix,
    ``./`` or backslashes; be an absolute path; start with the folder's path or its end; or have
    several columns that all mean the same sample. A line that begins with ``#`` is a comment,
    unless there is a sample of that name.

    Args:
        lines: The lines.
        ann_file: File of the lines, for errors.
        folders: Folders of the files.
        suffixes: Suffixes of the files.
    """

    def __init__(
        self, lines: Sequence[str], ann_file: str, folders: Iterable[str], suffixes: Iterable[str]
    ) -> None:
        self.ann_file = ann_file
        spellings = {spell(folder) for folder in folders for spell in (osp.abspath, osp.realpath)}
        self._folders = [folder.split(osp.sep) for folder in sorted(spellings)]
        self._suffixes = sorted(set(suffixes), key=len, reverse=True)
        # line -> names that the whole line may mean, then names that each column may mean
        self._readings = {line: [self._read(text) for text in _columns(line)] for line in lines}
        self._lines = lines

    @property
    def subfolders(self) -> list[str]:
        """Sub-folders that may contain files of the samples."""
        readings = (names for columns in self._readings.values() for names in columns)
        return sorted({posixpath.dirname(name) for names in readings for name in names})

    def resolve(self, known: Collection[str]) -> list[str]:
        """Name the samples in the order of the lines, including those without files.

        Args:
            known: Names that have files.

        Raises:
            ValueError: If a line means several samples, or several lines mean the same.
        """
        named = [self._resolve(line, known) for line in self._lines]
        names = [name for name in named if name is not None]
        repeated = [name for name, times in Counter(names).items() if times > 1]
        if repeated:
            raise ValueError(
                f'{self.ann_file}: expected each sample once, got {len(repeated)} samples several '
                f'times: {repeated[:SHOWN]}'
            )
        return names

    def explain(self, known: Collection[str]) -> str:
        """Say how a line should look, if one without files looks otherwise; else return ''."""
        for line in self._lines:
            plain = posixpath.normpath(line) == line and not line.lower().endswith(IMAGES)
            if plain and not re.search(r'[\s,;\\]|^/|^\.\.', line):
                continue
            name = self._resolve(line, known)
            if name is not None and name not in known:
                return (
                    f'{self.ann_file}: expected a line to be the path of a sample below its '
                    f"folders, without suffix, such as 'a/0001', got {line!r}, for which there is "
                    'no file; '
                )
        return ''

    def _resolve(self, line: str, known: Collection[str]) -> str | None:
        readings = self._readings[line]
        whole, *columns = (next((n for n in names if n in known), None) for names in readings)
        if whole is not None:
            return whole
        if columns and None not in columns:
            if len(set(columns)) > 1:
                raise ValueError(
                    f'{self.ann_file}: expected one sample per line, whose files have the same '
                    f'name in all folders, got {columns} in the line {line!r}'
                )
            return columns[0]
        if line.startswith('#'):
            return None
        return next(iter(readings[0]), line)

    def _read(self, text: str) -> list[str]:
        """List the names that a path may mean, the most literal first."""
        names = []
        for path in (text, text.replace('\\', '/')):
            parts = posixpath.normpath(path).split('/')
            tails = [] if posixpath.isabs(path) else [parts]
            for folder in self._folders:
                # number of folders that the line repeats: the whole path, or its end
                lengths = [len(folder)] if posixpath.isabs(path) else range(1, len(parts))
                tails += [parts[k:] for k in lengths if parts[:k] == folder[-k:]]
            for tail in tails:
                name = '/'.join(tail)
                if name not in ('', '.') and tail[0] != '..':
                    names += [name, *(without_suffix(name, suffix) for suffix in self._suffixes)]
        return list(dict.fromkeys(name for name in names if name))


def _columns(line: str) -> list[str]:
    """List the whole line and then its columns without quotes, if it has any."""
    columns = [column.strip('"\'') for column in re.split(r'[\s,;]+', line)]
    return [line, *filter(None, columns)] if len(columns) > 1 or columns[0] != line else [line]
