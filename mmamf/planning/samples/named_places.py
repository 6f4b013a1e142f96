"""Knows the folders and globs that arguments name."""

import fnmatch
import posixpath
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..counted import counted
from .find_sides import NONE, SHOWN
from .found_data import LABELS
from .path_words import plain, split_path


class NamedPlaces:
    """The folder or glob of each modality that an argument names.

    Args:
        root: The folder of the data.
        modalities: Folder or glob of the files of a modality, by its name; 'none' leaves it out.
        labels: Folder or glob of the label maps; 'none' means that there are none.
    """

    def __init__(self, root: Path, modalities: Mapping[str, str], labels: str | None) -> None:
        self.root = root
        self.given = {name: place for name, place in modalities.items() if place != NONE}
        self.left_out = {name for name, place in modalities.items() if place == NONE}
        self.has_labels = labels != NONE
        if labels and self.has_labels:
            self.given[LABELS] = labels

    def contain(self, file: str) -> bool:
        """Tell whether a file is in one of the places."""
        return any(self._is_in(file, place) for place in self.given.values())

    def owners(self, images: Sequence[str]) -> dict[str, str]:
        """Map each file that an argument names to its modality.

        Raises:
            ValueError: If a place has no file, or two places have the same one.
        """
        owners = {}
        for name, place in self.given.items():
            files = [file for file in images if self._is_in(file, place)]
            if not files:
                raise ValueError(
                    f'{self.root}: expected image files in {place!r}, the folder or glob of '
                    f'{name!r}, found none; there are {summary(images)}'
                )
            for file in files:
                if owners.setdefault(file, name) != name:
                    raise ValueError(
                        f'{self.root / file}: expected one modality of each file, got '
                        f'{owners[file]!r} and {name!r}'
                    )
        return owners

    def words(self, name: str, form: str) -> set[str]:
        """List the words of a modality's place that are in the path of every file."""
        place = self.given[name]
        is_glob = _is_glob(place)
        path = re.sub(r'\[[^]]*\]|[*?]', ' ', place) if is_glob else place + '/x'
        words = split_path(path, form)
        parts = words if is_glob else words[:-1]
        return {word for part in parts for word in part if not plain(word).isdigit()}

    def _is_in(self, file: str, place: str) -> bool:
        """Tell whether a folder contains a file, or a glob matches it."""
        place = posixpath.normpath(place.replace('\\', '/'))
        if posixpath.isabs(place):
            place = posixpath.relpath(place, self.root)
        if _is_glob(place):
            return fnmatch.fnmatchcase(file, place)
        return place in ('', '.') or file == place or file.startswith(place + '/')


def _is_glob(place: str) -> bool:
    return any(sign in place for sign in '*?[')


def summary(files: Sequence[str]) -> str:
    """Say how many files there are, and in which folders."""
    if not files:
        return 'no file at all'
    folders = Counter(posixpath.dirname(file) or '.' for file in files)
    shown = ', '.join(f'{folder} ({count})' for folder, count in sorted(folders.items())[:SHOWN])
    more = f' and {counted(len(folders) - SHOWN, "more folder")}' if len(folders) > SHOWN else ''
    return f'{counted(len(files), "file")} in {shown}{more}'
