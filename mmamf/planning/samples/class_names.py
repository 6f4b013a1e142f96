"""Reads the names of the classes from a file that clearly lists them."""

import csv
import json
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmamf.datasets.sample_list import read_list, read_text

FILES = re.compile(
    r'_?(class(es)?([_-]?(names?|list|dict))?|labels?([_-]?(names?|map|list|colors))?|names|'
    r'categories|label[_-]?classes|dataset|meta|classnames)\.(txt|names|json|csv)',
    re.IGNORECASE,
)
KEYS = ('classes', 'class_names', 'names', 'labels', 'categories', 'CLASSES', 'label_names')
MOST = 1000


def find_class_names(root: Path, files: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Find the names of the classes in the files of a folder.

    Returns:
        The names, and the file that says them; nothing if no file clearly says them.
    """
    fitting = [file for file in files if FILES.fullmatch(posixpath.basename(file))]
    # a name with "class" says more, and a file at the top is about all data
    fitting.sort(key=lambda f: (f.count('/'), 'class' not in posixpath.basename(f).lower(), f))
    for file in fitting[:20]:
        try:
            return read_class_names(root / file), file
        except ValueError:
            continue
    return (), ''


def read_class_names(path: Path) -> tuple[str, ...]:
    """Read the names of the classes, in the order of their indices.

    The file is a JSON (a list of names, names by index, indices by name, or a list of
    ``dict(id=..., name=...)``), a CSV with a column ``name``, or a text with one name per line,
    with its index before it or not.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has another form.
    """
    if path.suffix.lower() == '.json':
        names = _of_json(json.loads(read_text(str(path))))
    else:
        names = _of_lines(read_list(str(path)))
    wrong = not names or len(names) > MOST or len(set(names)) < len(names)
    # paths and numbers are names of samples
    if wrong or any(
        re.search(r'\d{3}|/', name) or not re.search(r'[^\W\d]', name) for name in names
    ):
        raise ValueError(f'{path}: expected the names of the classes, one per line, each once')
    return tuple(names)


def _of_lines(lines: list[str]) -> list[str]:
    rows = list(csv.reader(lines))
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    column = next((header.index(key) for key in ('name', 'class', 'label') if key in header), None)
    if len(header) > 1 and column is not None:
        index = next(
            (header.index(k) for k in ('id', 'index', 'value', 'pixel value') if k in header), None
        )
        named = [(row[index] if index is not None else '', row[column].strip()) for row in rows[1:]]
    else:
        # an index, then the name, then perhaps a color
        form = re.compile(r'(?:(\d+)\s*[\s:,;=.-]\s*)?(.*?)(?:[\s,;]+\d+){0,4}')
        found = [form.fullmatch(line.strip().strip(',')) for line in lines]
        named = [(match[1] or '', match[2].strip(' "\'')) for match in found if match]
    return _in_order(named)


def _of_json(value: Any) -> list[str]:
    if isinstance(value, dict):
        inner = next((value[key] for key in KEYS if isinstance(value.get(key), dict | list)), None)
        if inner is not None:
            return _of_json(inner)
        if value and all(isinstance(item, int) for item in value.values()):
            return _in_order([(str(index), str(name)) for name, index in value.items()])
        if value and all(str(key).isdigit() and isinstance(v, str) for key, v in value.items()):
            return _in_order([(str(index), name) for index, name in value.items()])
        return []
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return value
        if all(isinstance(item, dict) and 'name' in item for item in value):
            indices = [str(item.get('id', item.get('index', ''))) for item in value]
            return _in_order([(i, str(item['name'])) for i, item in zip(indices, value)])
    return []


def _in_order(named: list[tuple[str, str]]) -> list[str]:
    """Sort names by their indices, if all have one; indices must not leave anything out."""
    indices = [index for index, _ in named]
    if any(indices):
        if not all(index.isdigit() for index in indices):
            return []
        named = sorted(named, key=lambda pair: int(pair[0]))
        first = int(named[0][0])
        if first > 1 or [int(i) for i, _ in named] != list(range(first, first + len(named))):
            return []
    return [name for _, name in named]
