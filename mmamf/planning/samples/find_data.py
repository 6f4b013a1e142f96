"""Finds the samples in a folder, whatever its layout."""

import fnmatch
import os
import posixpath
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmamf.datasets.list_files import IMAGES, list_files
from mmamf.structures.modality import RESERVED

from ..counted import counted
from .class_names import find_class_names, read_class_names
from .find_groups import find_groups
from .find_sides import NONE, SHOWN, read_lists, side_of_paths, sides_of_lists
from .found_data import CACHE, LABELS, SPLITS, FoundData, FoundSample
from .list_rows import agree, rows_with_files, words_of_rows
from .modality_words import learn_modality_words, streams_of
from .path_words import (
    COLORS,
    FOLDER,
    FORMS,
    GIVEN,
    LABEL_PICTURES,
    MODALITIES,
    OVERVIEWS,
    SYSTEM,
    Words,
    label_score,
    plain,
    split_of,
    split_path,
    split_text,
    without,
)

UNREADABLE = (
    '.npz', '.heic', '.heif', '.avif', '.svg', '.dcm', '.nii', '.nii.gz', '.mha', '.nrrd', '.mat',
    '.h5', '.hdf5', '.nc', '.raw', '.dng', '.cr2', '.nef', '.arw', '.mp4', '.avi', '.mov', '.bag',
)  # fmt: skip
READABLE = tuple(suffix for suffix in IMAGES if suffix not in UNREADABLE)
UNLABELED = 'no partner: an image without label map'
RARE = 0.05  # a modality of fewer samples is taken for something else


def find_data(
    root: Path,
    modalities: Mapping[str, str] | None = None,
    labels: str | None = None,
    classes: Sequence[str] | Path | None = None,
    split: Sequence[str | Path] | str | None = None,
) -> FoundData:
    """Find the registered images of each sample, their label maps, and a split.

    The paths of all image files are split into words. Words whose removal makes the paths of
    several files equal name the modalities, see :func:`learn_modality_words`; what remains of a
    path names the sample. So there may be a folder per modality, or words in the names, or both; a
    side of a split or a sequence may be above or below the modality. Well-known words say which
    files are label maps. Lists that name several files per line match them, if their names do not.
    No image is opened.

    Args:
        root: The folder.
        modalities: Folder or glob of the files of a modality, by its name, below the folder. It
            takes the place of what would be found for this name. 'none' leaves the modality out.
        labels: Folder or glob of the label maps; 'none' means that there are none.
        classes: Names of the classes, or a file of them.
        split: Lists that name the samples of each side, such as train.txt and val.txt; 'none'
            ignores all lists and folders that name a side.

    Raises:
        FileNotFoundError: If the folder or a file that an argument names does not exist.
        ValueError: If there are no images, an argument names no file, or a list no sample.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f'{root}: expected the folder of the data, found no such folder')
    finder = _Finder(Path(os.path.abspath(root)), dict(modalities or {}), labels)
    return finder.find(classes, split)


@dataclass
class _Stream:
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


class _Finder:
    """Goes from the files of a folder to its samples.

    Args:
        root: The folder.
        given: Folder or glob of each modality that an argument names.
        labels: Folder or glob of the label maps.
    """

    def __init__(self, root: Path, given: dict[str, str], labels: str | None) -> None:
        self.root = root
        self.given = {name: place for name, place in given.items() if place != NONE}
        self.left_out = {name for name, place in given.items() if place == NONE}
        self.has_labels = labels != NONE
        if labels and self.has_labels:
            self.given[LABELS] = labels
        self.unused: dict[str, str] = {}
        self.remarks: dict[str, str] = {}

    def find(
        self,
        classes: Sequence[str] | Path | None,
        split: Sequence[str | Path] | str | None,
    ) -> FoundData:
        listing = list_files(str(self.root))
        files = _without_plans(listing.files)
        images = self._select_images(files, listing.dead)
        lists = read_lists(self.root, files, split)
        owners = self._owners(images)
        streams = self._streams(*self._split(images, owners))
        rows = rows_with_files(lists, set(images))
        if rows and not agree(rows, [s.files for s in streams]):
            words = words_of_rows(rows, images, owners)
            streams = self._streams(words, learn_modality_words([*words.values()]))
        streams = self._name(streams)
        samples = self._samples(streams)
        if not samples:
            raise ValueError(self._nothing(images))
        names = {key: _sample_name(key) for key in samples}
        sides = {}
        if split != NONE:
            sides = {key: side_of_paths(files) for key, files in samples.items()}
            sides.update(sides_of_lists(self.root, lists, samples, names, bool(split), self._say))
        groups = find_groups([*samples])
        kept = [
            FoundSample(names[key], files, groups[key], sides.get(key))
            for key, files in samples.items()
            if self._keep(files, sides.get(key), streams)
        ]
        if not kept:
            raise ValueError(self._nothing(images))
        found = Counter(name for sample in kept for name in sample.files if name != LABELS)
        most = max(found.values())
        order = sorted(found, key=lambda n: (found[n] < most, n not in COLORS, -found[n], n))
        columns = [*order, LABELS]
        kept = [replace(s, files={c: s.files[c] for c in columns if c in s.files}) for s in kept]
        unlabeled = [
            FoundSample(names[key], files, groups[key])
            for key, files in samples.items()
            # a file of no known modality is no frame, but a picture of something else
            if files.keys() & found.keys()
            and any(self.unused.get(file) == UNLABELED for file in files.values())
        ]
        named, classes_file = self._classes(classes, files, set(names.values()))
        return FoundData(
            self.root,
            tuple(order),
            tuple(sorted(kept, key=lambda sample: sample.name)),
            dict(sorted(self.unused.items())),
            named,
            dict(sorted(self.remarks.items())),
            classes_file=classes_file,
            unlabeled=tuple(sorted(unlabeled, key=lambda sample: sample.name)),
        )

    def _select_images(self, files: Sequence[str], dead: Sequence[str]) -> list[str]:
        images = []
        for file in files:
            lower = file.lower()
            if lower.endswith(READABLE):
                shown = OVERVIEWS & {plain(word) for part in split_path(file) for word in part}
                places = self.given.values() if shown else ()
                if shown and not any(_is_below(file, place, self.root) for place in places):
                    self.unused[file] = f'an overview: its path says {min(shown)!r}'
                else:
                    images.append(file)
            elif lower.endswith(UNREADABLE):
                suffix = next(s for s in sorted(UNREADABLE, key=len)[::-1] if lower.endswith(s))
                self.unused[file] = f'*{suffix} cannot be read'
        for file in dead:
            if file.lower().endswith((*READABLE, *UNREADABLE)) or '.' not in file:
                self.unused[file] = 'a link that leads nowhere or back'
        if not images:
            raise ValueError(self._nothing(images, files))
        return images

    def _owners(self, images: Sequence[str]) -> dict[str, str]:
        """Map each file that an argument names to its modality."""
        owners = {}
        for name, place in self.given.items():
            files = [file for file in images if _is_below(file, place, self.root)]
            if not files:
                raise ValueError(
                    f'{self.root}: expected image files in {place!r}, the folder or glob of '
                    f'{name!r}, found none; there are {_summary(images)}'
                )
            for file in files:
                if owners.setdefault(file, name) != name:
                    raise ValueError(
                        f'{self.root / file}: expected one modality of each file, got '
                        f'{owners[file]!r} and {name!r}'
                    )
        return owners

    def _split(
        self, images: Sequence[str], owners: Mapping[str, str]
    ) -> tuple[dict[str, Words], frozenset[str]]:
        """Split paths into words, and find those that name modalities.

        The first form of words that matches most files is taken, or else the best.
        """
        choices = []
        for form in FORMS:
            words = {}
            for file in images:
                name = owners.get(file)
                words[file] = split_path(file, form)
                if name:
                    fixed = _fixed_words(self.given[name], form)
                    own = without(words[file], fixed) or words[file]
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

    def _streams(self, words: Mapping[str, Words], found: frozenset[str]) -> list[_Stream]:
        by_stream: dict[tuple, dict[Words, list[str]]] = defaultdict(lambda: defaultdict(list))
        for file, (stream, key) in zip(words, streams_of([*words.values()], found)):
            by_stream[tuple(dict.fromkeys(stream))][key].append(file)
        streams = []
        for stream, keys in sorted(by_stream.items()):
            suffixes = Counter(_suffix(file) for files in keys.values() for file in files)
            chosen = {}
            for key, files in keys.items():
                files.sort(key=lambda file: (-suffixes[_suffix(file)], file))
                chosen[key] = files[0]
                for file in files[1:]:
                    self.unused[file] = f'the same sample and modality as {files[0]}, which is used'
            streams.append(_Stream(stream, chosen))
        return streams

    def _name(self, streams: list[_Stream]) -> list[_Stream]:
        """Name the modalities and find the label maps; leave out what is neither."""
        labels = [s for s in streams if s.label_score > 0]
        if len(streams) > 1 and not labels and {_suffix_word(s.words) for s in streams} == {
            'jpg', 'png'
        }:  # fmt: skip
            labels = [s for s in streams if _suffix_word(s.words) == 'png']
            self._say('', 'the *.png beside *.jpg of the same name are taken for label maps')
        labels.sort(key=lambda s: (-s.label_score, -len(s.files), s.words))
        chosen = labels[0] if labels and self.has_labels else None
        kept = []
        for stream in streams:
            if stream is chosen:
                stream.name = LABELS
            elif stream in labels:
                if not chosen:
                    reason = 'label maps, and --labels none says that there are none'
                elif stream.label_score < chosen.label_score:
                    reason = (
                        f'label maps beside those like {_first(chosen)}; --labels DIR takes others'
                    )
                else:  # such as a folder of masks per class
                    reason = f'no less label maps than {_first(chosen)}; --labels DIR takes others'
                self.unused.update(dict.fromkeys(stream.files.values(), reason))
                continue
            kept.append(stream)
        images = [stream for stream in kept if stream.name != LABELS]
        most = max((len(stream.files) for stream in images), default=0)
        names = _names([stream.words for stream in images])
        result = [stream for stream in kept if stream.name == LABELS]
        for stream, name in zip(images, names):
            few = len(stream.files) < RARE * most and not stream.words[:1] == (GIVEN + name,)
            if name in self.left_out:
                reason = f'--modality {name}=none leaves it out'
            elif name in self.given and GIVEN + name not in stream.words:
                reason = f'--modality {name}={self.given[name]} names other files'
            elif few:
                reason = (
                    f'no partner: only {counted(len(stream.files), "such file")} beside '
                    f'{counted(most, "sample")}; '
                    '--modality NAME=DIR makes them a modality'
                )
            else:
                stream.name = name
                result.append(stream)
                continue
            self.unused.update(dict.fromkeys(stream.files.values(), reason))
        return result

    def _samples(self, streams: list[_Stream]) -> dict[Words, dict[str, str]]:
        samples: dict[Words, dict[str, str]] = defaultdict(dict)
        for stream in streams:
            for key, file in stream.files.items():
                samples[key][stream.name] = file
        return dict(sorted(samples.items()))

    def _keep(self, files: Mapping[str, str], side: str | None, streams: list[_Stream]) -> bool:
        """Tell whether a sample can be used; name its files otherwise."""
        labeled = any(stream.name == LABELS for stream in streams)
        several = len(streams) - labeled > 1
        if side == NONE:
            reason = 'in none of the lists of samples'
        elif files.keys() == {LABELS}:
            reason = 'no partner: a label map without image'
        elif labeled and LABELS not in files and side != 'test':
            reason = UNLABELED
        elif not labeled and several and len(files) == 1:
            reason = 'no partner: no other modality has such a file'
        else:
            return True
        self.unused.update(dict.fromkeys(files.values(), reason))
        return False

    def _classes(
        self, given: Sequence[str] | Path | None, files: Sequence[str], samples: set[str]
    ) -> tuple[tuple[str, ...], str]:
        """Return the names of the classes, and the file that says them."""
        if given is None:
            names, file = find_class_names(self.root, files)
            return ((), '') if samples & set(names) else (names, file)
        if isinstance(given, Path | str):
            path = given if Path(given).is_file() else self.root / given
            return read_class_names(Path(path)), str(given)
        return tuple(given), ''

    def _say(self, place: str, text: str) -> None:
        said = self.remarks.get(place)
        if said is None:
            self.remarks[place] = text
        elif text not in said and said.count('; ') < SHOWN:
            self.remarks[place] = f'{said}; {text}'

    def _nothing(self, images: Sequence[str], files: Sequence[str] = ()) -> str:
        unused = ''.join(
            f'\n  {file}: {reason}' for file, reason in sorted(self.unused.items())[:SHOWN]
        )
        return (
            f'{self.root}: expected images ({", ".join("*" + s for s in READABLE[:6])}, ...), such '
            'as a folder per modality (rgb/0001.png, depth/0001.png, labels/0001.png) or a word '
            f'per modality (0001_rgb.png, 0001_depth.png, 0001_mask.png); found '
            f'{_summary(images or files)}{unused}'
        )


def _without_plans(files: Sequence[str]) -> list[str]:
    """Leave out what systems make, and the tables of plans: they are no data."""
    plans = {posixpath.dirname(file) for file in files if posixpath.basename(file) == CACHE}
    tables = {posixpath.join(plan, f'{side}.csv') for plan in plans for side in SPLITS}
    return [
        file
        for file in files
        if file not in tables and SYSTEM.isdisjoint(posixpath.dirname(file).lower().split('/'))
    ]


def _is_below(file: str, place: str, root: Path) -> bool:
    """Tell whether a folder contains a file, or a glob matches it."""
    place = _relative(place, root)
    if any(sign in place for sign in '*?['):
        return fnmatch.fnmatchcase(file, place)
    return place in ('', '.') or file == place or file.startswith(place + '/')


def _relative(place: str, root: Path) -> str:
    path = posixpath.normpath(place.replace('\\', '/'))
    return posixpath.relpath(path, root) if posixpath.isabs(path) else path


def _fixed_words(place: str, form: str) -> set[str]:
    """List the words of a folder or glob that are in the path of every file."""
    is_glob = any(sign in place for sign in '*?[')
    words = split_path(re.sub(r'\[[^]]*\]|[*?]', ' ', place) if is_glob else place + '/x', form)
    parts = words if is_glob else words[:-1]
    return {word for part in parts for word in part if not plain(word).isdigit()}


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


def _suffix_word(words: Sequence[str]) -> str:
    return next((word[1:] for word in words if word.startswith('.')), '')


def _matched(cut: Sequence[tuple[tuple, Words]]) -> int:
    """Count the files that have a partner of another modality."""
    streams = defaultdict(set)
    for stream, key in cut:
        streams[key].add(stream)
    return sum(len(streams[key]) > 1 for _, key in cut)


def _names(streams: Sequence[tuple[str, ...]]) -> list[str]:
    """Name modalities by their well-known word, or else by all of their words."""
    short, long = [], []
    for words in streams:
        given = [word for word in words if word.startswith(GIVEN)]
        texts = [*dict.fromkeys(plain(word).strip('.') for word in given or words)]
        known = [part for text in texts for part in split_text(text) if part in MODALITIES]
        long.append('_'.join(texts) or 'image')
        short.append(known[0] if len(known) == 1 else long[-1])
    chosen = [one if short.count(one) == 1 else other for one, other in zip(short, long)]
    return [_valid(name) for name in chosen]


def _valid(name: str) -> str:
    name = ''.join(c for c in unicodedata.normalize('NFKD', name) if not unicodedata.combining(c))
    name = re.sub('[^A-Za-z0-9_]', '_', name)
    name = name if name[:1].isalpha() else f'm_{name}'
    return f'{name}_image' if name in (*RESERVED, LABELS, 'sample') else name


def _sample_name(key: Words) -> str:
    parts = ['_'.join(word.rstrip(FOLDER) for word in part) for part in key]
    return '/'.join(parts)


def _first(stream: _Stream) -> str:
    return min(stream.files.values())


def _summary(files: Sequence[str]) -> str:
    if not files:
        return 'no file at all'
    folders = Counter(posixpath.dirname(file) or '.' for file in files)
    shown = ', '.join(f'{folder} ({count})' for folder, count in sorted(folders.items())[:SHOWN])
    more = f' and {counted(len(folders) - SHOWN, "more folder")}' if len(folders) > SHOWN else ''
    return f'{counted(len(files), "file")} in {shown}{more}'
