"""Sorts files into streams, by the words of their paths."""

import posixpath
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .found_data import LABELS
from .modality_words import learn_modality_words, streams_of
from .named_places import NamedPlaces
from .path_words import (
    COLORS,
    FORMS,
    GIVEN,
    LABEL_PICTURES,
    MODALITIES,
    Words,
    label_score,
    plain,
    split_of,
    split_path,
    split_text,
    without,
)


@dataclass
class Stream:
    """Files of one kind: sample's words -> path."""

    words: tuple[str, ...]
    files: dict[Words, str]
    name: str = ''

    @property
    def label_score(self) -> float:
        """How surely these are label maps; 0 if they are not."""
        words = {part for word in self.words for part in split_text(plain(word))}
        if GIVEN + LABELS in self.words:
            return 100.0
        if any(word.startswith(GIVEN) for word in self.words):
            return 0.0
        score = max(map(label_score, words), default=0)
        if score <= 2 and words & MODALITIES - COLORS - LABEL_PICTURES:  # true depth is depth
            return 0.0
        return score / 4 if words & LABEL_PICTURES else score


def split_paths(
    images: Sequence[str], owners: Mapping[str, str], places: NamedPlaces
) -> tuple[dict[str, Words], frozenset[str]]:
    """Split paths into words, and find those that name modalities.

    The first form of words that matches most files is taken, or else the best.

    Args:
        images: The paths.
        owners: Modality of each file that an argument names.
        places: What arguments name.
    """
    choices = []
    for form in FORMS:
        words = {}
        for file in images:
            name = owners.get(file)
            words[file] = split_path(file, form)
            if name:
                own = without(words[file], places.words(name, form)) or words[file]
                words[file] = ((GIVEN + name,), *own)
        if form == FORMS[0]:
            distinct = len(set(words.values()))
        elif len(set(words.values())) < distinct:  # this form loses what tells files apart
            continue
        words = _tell_by_suffix(_without_sides(words))
        found = learn_modality_words([*words.values()])
        matched = _matched(streams_of([*words.values()], found))
        choices.append((matched, words, found))
        if matched >= 0.5 * len(images):
            break
    return max(choices, key=lambda choice: choice[0])[1:]


def make_streams(
    words: Mapping[str, Words], found: frozenset[str]
) -> tuple[list[Stream], dict[str, str]]:
    """Make a stream of the files whose paths have the same modality words.

    Args:
        words: The words of each path.
        found: Those that name modalities.

    Returns:
        The streams, and why files are in none.
    """
    by_stream: dict[tuple, dict[Words, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file, (stream, key) in zip(words, streams_of([*words.values()], found)):
        by_stream[tuple(dict.fromkeys(stream))][key].append(file)
    streams, unused = [], {}
    for stream, keys in sorted(by_stream.items()):
        suffixes = Counter(_suffix(file) for files in keys.values() for file in files)
        chosen = {}
        for key, files in keys.items():
            files.sort(key=lambda file: (-suffixes[_suffix(file)], file))
            chosen[key] = files[0]
            for file in files[1:]:
                unused[file] = f'the same sample and modality as {files[0]}, which is used'
        streams.append(Stream(stream, chosen))
    return streams, unused


def _without_sides(words: Mapping[str, Words]) -> dict[str, Words]:
    """Remove train, val and test from paths, if that makes no two paths equal."""
    sides = {word for path in words.values() for part in path for word in part if split_of(word)}
    if not sides:
        return dict(words)
    plainer = {file: without(path, sides) or path for file, path in words.items()}
    return plainer if len(set(plainer.values())) == len(set(words.values())) else dict(words)


def _tell_by_suffix(words: Mapping[str, Words]) -> dict[str, Words]:
    """Add the suffix as a word, if it is what tells most files apart: 1.jpg and its mask 1.png."""
    if len(set(words.values())) > 0.6 * len(words):
        return dict(words)
    return {file: (*path[:-1], (*path[-1], '.' + _suffix(file))) for file, path in words.items()}


def _suffix(file: str) -> str:
    return posixpath.splitext(file)[1][1:].lower()


def _matched(cut: Sequence[tuple[tuple, Words]]) -> int:
    """Count the files that have a partner of another modality."""
    streams = defaultdict(set)
    for stream, key in cut:
        streams[key].add(stream)
    return sum(len(streams[key]) > 1 for _, key in cut)
