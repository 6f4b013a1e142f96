"""Finds the samples in a folder, whatever its layout."""

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from mmamf.datasets.list_files import list_files

from .class_names import find_class_names, read_class_names
from .find_groups import find_groups
from .find_sides import NONE, SHOWN, read_lists, side_of_paths, sides_of_lists
from .found_data import LABELS, FoundData, FoundSample
from .list_rows import agree, rows_with_files, words_of_rows
from .modality_words import learn_modality_words
from .name_streams import name_streams
from .named_places import NamedPlaces, summary
from .path_words import COLORS, FOLDER, Words
from .sample_lists import FoundList
from .select_images import READABLE, select_images, without_plans
from .streams import Stream, make_streams, split_paths

UNLABELED = 'no partner: an image without label map'


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
    root = Path(os.path.abspath(root))
    places = NamedPlaces(root, modalities or {}, labels)
    listing = list_files(str(root))
    paths = without_plans(listing.files)
    images, unused = select_images(paths, listing.dead, places)
    if not images:
        raise ValueError(_nothing(root, paths, unused))
    lists = read_lists(root, paths, split)
    remarks: dict[str, str] = {}
    say = partial(_say, remarks)
    streams, doubles = _match(images, lists, places)
    streams, others = name_streams(streams, places, say)
    unused |= doubles | others
    samples = _samples(streams)
    if not samples:
        raise ValueError(_nothing(root, images, unused))
    names = {key: _sample_name(key) for key in samples}
    sides = {}
    if split != NONE:
        sides = {key: side_of_paths(files) for key, files in samples.items()}
        sides.update(sides_of_lists(root, lists, samples, names, bool(split), say))
    groups = find_groups([*samples])
    kept = []
    for key, files in samples.items():
        reason = _why_left_out(files, sides.get(key), streams)
        if reason:
            unused.update(dict.fromkeys(files.values(), reason))
        else:
            kept.append(FoundSample(names[key], files, groups[key], sides.get(key)))
    if not kept:
        raise ValueError(_nothing(root, images, unused))
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
        and any(unused.get(file) == UNLABELED for file in files.values())
    ]
    named, classes_file = _classes(root, classes, paths, set(names.values()))
    return FoundData(
        root,
        tuple(order),
        tuple(sorted(kept, key=lambda sample: sample.name)),
        dict(sorted(unused.items())),
        named,
        dict(sorted(remarks.items())),
        classes_file=classes_file,
        unlabeled=tuple(sorted(unlabeled, key=lambda sample: sample.name)),
    )


def _match(
    images: Sequence[str], lists: Sequence[FoundList], places: NamedPlaces
) -> tuple[list[Stream], dict[str, str]]:
    """Match files by their paths, or by lists that contradict the paths."""
    owners = places.owners(images)
    streams, doubles = make_streams(*split_paths(images, owners, places))
    rows = rows_with_files(lists, set(images))
    if not rows or agree(rows, [stream.files for stream in streams]):
        return streams, doubles
    words = words_of_rows(rows, images, owners)
    return make_streams(words, learn_modality_words([*words.values()]))


def _samples(streams: Sequence[Stream]) -> dict[Words, dict[str, str]]:
    samples: dict[Words, dict[str, str]] = defaultdict(dict)
    for stream in streams:
        for key, file in stream.files.items():
            samples[key][stream.name] = file
    return dict(sorted(samples.items()))


def _sample_name(key: Words) -> str:
    parts = ['_'.join(word.rstrip(FOLDER) for word in part) for part in key]
    return '/'.join(parts)


def _why_left_out(files: Mapping[str, str], side: str | None, streams: Sequence[Stream]) -> str:
    """Say why a sample cannot be used; '' if it can."""
    labeled = any(stream.name == LABELS for stream in streams)
    several = len(streams) - labeled > 1
    if side == NONE:
        return 'in none of the lists of samples'
    if files.keys() == {LABELS}:
        return 'no partner: a label map without image'
    if labeled and LABELS not in files and side != 'test':
        return UNLABELED
    if not labeled and several and len(files) == 1:
        return 'no partner: no other modality has such a file'
    return ''


def _classes(
    root: Path, given: Sequence[str] | Path | None, paths: Sequence[str], samples: set[str]
) -> tuple[tuple[str, ...], str]:
    """Return the names of the classes, and the file that says them."""
    if given is None:
        names, file = find_class_names(root, paths)
        return ((), '') if samples & set(names) else (names, file)
    if isinstance(given, Path | str):
        path = given if Path(given).is_file() else root / given
        return read_class_names(Path(path)), str(given)
    return tuple(given), ''


def _say(remarks: dict[str, str], place: str, text: str) -> None:
    said = remarks.get(place)
    if said is None:
        remarks[place] = text
    elif text not in said and said.count('; ') < SHOWN:
        remarks[place] = f'{said}; {text}'


def _nothing(root: Path, files: Sequence[str], unused: Mapping[str, str]) -> str:
    reasons = ''.join(f'\n  {file}: {why}' for file, why in sorted(unused.items())[:SHOWN])
    return (
        f'{root}: expected images ({", ".join("*" + s for s in READABLE[:6])}, ...), such '
        'as a folder per modality (rgb/0001.png, depth/0001.png, labels/0001.png) or a word '
        f'per modality (0001_rgb.png, 0001_depth.png, 0001_mask.png); found '
        f'{summary(files)}{reasons}'
    )
