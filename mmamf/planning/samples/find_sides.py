"""Finds the side of the split of each sample, in lists and in paths."""

import posixpath
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..counted import counted
from .path_words import Words, split_of, split_path
from .sample_lists import FoundList, read_sample_list, select_lists, tails

NONE = 'none'  # as an argument: there is no such thing
SHOWN = 5


def side_of_paths(files: Mapping[str, str]) -> str | None:
    """Read the side of a split from folders, or else from the names of files."""
    folders, names = set(), set()
    for file in files.values():
        *above, name = split_path(file)
        folders.update(word for words in above for word in words)
        names.update(name)
    for words in (folders, names):
        sides = {split_of(word) for word in words} - {None}
        if sides:
            return sides.pop() if len(sides) == 1 else None
    return None


def read_lists(
    root: Path, files: Sequence[str], split: Sequence[str | Path] | str | None
) -> list[FoundList]:
    """Read the lists that an argument names, or else those among the files.

    Raises:
        FileNotFoundError: If the argument names no file.
    """
    if split == NONE:
        return []
    if split:
        paths = []
        for path in [split] if isinstance(split, str | Path) else split:
            path = Path(path) if Path(path).is_file() else root / path
            if not path.is_file():
                raise FileNotFoundError(f'--split: expected a list of samples, no file {path}')
            paths.append(str(path.absolute()))
    else:
        paths = select_lists(files)
    read = (read_sample_list(root, path) for path in paths)
    return [one for one in read if one is not None and one.rows]


def sides_of_lists(
    root: Path,
    lists: Sequence[FoundList],
    samples: Mapping[Words, Mapping[str, str]],
    names: Mapping[Words, str],
    given: bool,
    say: Callable[[str, str], None],
) -> dict[Words, str]:
    """Read the side of each sample from lists; of several families of lists, the largest."""
    if not lists:
        return {}
    index: dict[str, Words] = {}
    ends: dict[str, set] = defaultdict(set)
    for key, files in samples.items():
        spellings = [names[key]]
        for file in files.values():
            spellings += [file, posixpath.splitext(file)[0]]
        for spelling in spellings:
            index[spelling.lower()] = key
            ends[posixpath.basename(spelling).lower()].add(key)
    index = {**{end: min(keys) for end, keys in ends.items() if len(keys) == 1}, **index}
    families: dict[str, dict[Words, str]] = defaultdict(dict)
    examples: dict[str, str] = {}
    for one in lists:
        if not any(row.split for row in one.rows):
            if given:
                raise ValueError(
                    f'{root / one.path}: expected a list whose name says train, val or '
                    'test, or with a column or keys that do'
                )
            continue
        family = '' if given else one.family
        examples.setdefault(family, one.path)
        unknown = []
        for row in one.rows:
            found = {key for cell in row.cells for key in _meant(cell, one, index)}
            if len(found) != 1 or row.split is None:
                unknown.append(' '.join(row.cells))
                continue
            key = found.pop()
            if families[family].setdefault(key, row.split) != row.split:
                side = families[family][key]
                say(one.path, f'names {names[key]!r}, which is in {side}, too')
        if len(unknown) == len(one.rows):
            if given:
                raise ValueError(
                    f'{root / one.path}: expected names or files of samples, got '
                    f'{unknown[0]!r}; samples are such as {min(names.values())!r}'
                )
            continue
        for remark in one.remarks:
            say(one.path, remark)
        if unknown:
            say(
                one.path,
                f'{len(unknown)} of {counted(len(one.rows), "line")} '
                f'{"names" if len(unknown) == 1 else "name"} no sample, such as '
                f'{unknown[0][:100]!r}',
            )
    families = {name: sides for name, sides in families.items() if sides}
    if not families:
        return {}
    best = max(sorted(families), key=lambda f: len(families[f]))
    if others := [examples[family] for family in sorted(families) if family != best]:
        more = f' and {len(others) - SHOWN} more' if len(others) > SHOWN else ''
        say(
            '',
            f'The split is that of {examples[best]}, not that of {", ".join(others[:SHOWN])}'
            f'{more}: --split FILE... takes another',
        )
    sides = families[best]
    if 'train' in sides.values():  # what no list names is left out on purpose
        sides = {key: sides.get(key, NONE) for key in samples}
    return sides


def _meant(cell: str, source: FoundList, index: Mapping[str, Words]) -> set[Words]:
    """Find the samples that a cell of a list means, as a whole or by its columns."""
    folder = '' if posixpath.isabs(source.path) else posixpath.dirname(source.path)
    for texts in ([cell], cell.split()):
        found = {_look_up(text, folder, index) for text in texts} - {None}
        if found:
            return found
    return set()


def _look_up(text: str, folder: str, index: Mapping[str, Words]) -> Words | None:
    return next((index[tail] for t in tails(text, folder) if (tail := t.lower()) in index), None)
