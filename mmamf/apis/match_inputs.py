"""Images of several modalities, as people name them, sorted into samples."""

import glob
import os
import os.path as osp
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine import fileio

from mmamf.datasets.sample_files import SHOWN

IMAGES = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.bmp', '.webp', '.ppm', '.pgm', '.exr', '.npy')
WILDCARDS = re.compile(r'(\*\*/|(?:\*|\?|\[[^\]]+\])+)')

Image = str | np.ndarray  # a file, or what could be in it
Images = str | Path | np.ndarray | Sequence[str | Path | np.ndarray]


def match_inputs(
    inputs: Mapping[str, Images], modalities: Sequence[str], suffixes: Mapping[str, str]
) -> dict[str, dict[str, Image]]:
    """Sort images into samples, each of which has one per modality.

    The files of folders and globs are matched by name. In a folder, sub-folders included, a file's
    name is its path below the folder without suffix; with a glob, it is what the wildcards stand
    for, so that ``*_rgb.png`` and ``*_depth.png`` match. Files and arrays that are given one by
    one, or in lists, belong together in the order in which they come.

    Args:
        inputs: Modality -> a folder, a glob, a file, an array, or a list of files and arrays.
        modalities: The expected modalities.
        suffixes: The end of the file names of a modality that is no part of a sample's name; where
            it is not known or not found, that is the extension. It may be missing.

    Returns:
        Name of each sample -> its images, in the order of ``modalities``. Samples from arrays are
        numbered.

    Raises:
        ValueError: If the modalities are not the expected ones, samples lack a modality, or two
            files of one have the same name.
        FileNotFoundError: If a path does not exist, or a folder or glob holds no image.
        TypeError: If an input is of another type.
    """
    if not isinstance(inputs, Mapping) or set(inputs) != set(modalities):
        got = tuple(inputs) if isinstance(inputs, Mapping) else type(inputs).__name__
        raise ValueError(
            f'inputs: expected one for each of the modalities {tuple(modalities)}, got {got}'
        )
    found = {name: _find(name, inputs[name], suffixes.get(name, '')) for name in modalities}
    named = [name for name in modalities if isinstance(found[name], dict)]
    if not named:
        return _in_order(found, suffixes)
    if len(named) < len(found):
        others = [name for name in modalities if name not in named]
        raise ValueError(
            f'inputs: expected folders or globs for all modalities or for none, got them for '
            f'{named} and single images or lists for {others}'
        )
    return _by_name(found)


def _by_name(found: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    names = sorted(set().union(*found.values()))
    lacking = []
    for name in names:
        missing = [modality for modality in found if name not in found[modality]]
        if missing:
            present = next(files[name] for files in found.values() if name in files)
            lacking.append(f'{name}: no {", ".join(missing)} for {present}')
    if lacking:
        listed = '\n  '.join(lacking[:SHOWN])
        more = f'\n  and {len(lacking) - SHOWN} more' if len(lacking) > SHOWN else ''
        raise ValueError(
            f'inputs: expected files of the same names for each of {tuple(found)}, '
            f'{len(lacking)} of {len(names)} names lack some:\n  {listed}{more}'
        )
    return {name: {key: files[name] for key, files in found.items()} for name in names}


def _in_order(
    found: dict[str, list[Image]], suffixes: Mapping[str, str]
) -> dict[str, dict[str, Image]]:
    lengths = {name: len(images) for name, images in found.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f'inputs: expected as many images of each modality, got {lengths}')
    first = next(iter(found))
    numbers = [f'{i:06d}' for i in range(lengths[first])]
    names = [
        _without_suffix(osp.basename(image), suffixes.get(first, ''))
        if isinstance(image, str)
        else number
        for image, number in zip(found[first], numbers)
    ]
    if len(set(names)) < len(names):
        names = numbers
    return {name: {key: images[i] for key, images in found.items()} for i, name in enumerate(names)}


def _find(name: str, given: Any, suffix: str) -> dict[str, str] | list[Image]:
    """Return the files of a folder or glob by name, or what is given in order."""
    if isinstance(given, str | Path):
        path = osp.expanduser(given)
        if osp.isdir(path):
            return _in_folder(name, path, suffix)
        if glob.has_magic(path) and not osp.exists(path):
            return _in_glob(name, path, suffix)
    images = list(given) if isinstance(given, list | tuple) else [given]
    if not images:
        raise ValueError(f'modality {name!r}: expected at least one image, got an empty list')
    return [_checked(name, image) for image in images]


def _checked(name: str, image: Any) -> Image:
    if isinstance(image, np.ndarray):
        return image
    if not isinstance(image, str | Path):
        raise TypeError(
            f'modality {name!r}: expected a str, Path or numpy array, or a list of them, got '
            f'{type(image).__name__}'
        )
    path = osp.expanduser(image)
    if not osp.isfile(path):
        raise FileNotFoundError(f'modality {name!r}: there is no file {path}')
    return path


def _in_folder(name: str, folder: str, suffix: str) -> dict[str, str]:
    files = list(fileio.list_dir_or_file(folder, list_dir=False, recursive=True))
    images = [file for file in files if file.lower().endswith(IMAGES)]
    # beside a data set's own files there may be others: previews, confidences
    images = [file for file in images if suffix and file.endswith(suffix)] or images
    found = [(_without_suffix(file, suffix), osp.join(folder, file)) for file in images]
    return _unique(name, folder, found)


def _in_glob(name: str, pattern: str, suffix: str) -> dict[str, str]:
    pattern = osp.normpath(pattern)
    base, dot, extension = pattern.rpartition('.')
    if dot and WILDCARDS.fullmatch(extension):  # any extension, which is no part of the name
        *parts, tail = WILDCARDS.split(f'{base}.')
        rest = '[^/]*'
    else:
        *parts, tail = WILDCARDS.split(pattern)
        rest = ''
    # literal text and wildcards take turns
    groups = (_group(part) if i % 2 else re.escape(part) for i, part in enumerate(parts))
    expression = ''.join(groups) + re.escape(tail) + rest
    found = []
    for path in filter(osp.isfile, glob.glob(pattern, recursive=True)):
        match = re.fullmatch(expression, path)
        stem = '/'.join(filter(None, match.groups()))
        whole = stem + path[match.end(match.lastindex) :]
        if not tail or len(tail) < len(suffix) and whole.endswith(suffix):
            stem = _without_suffix(whole, suffix)
        found.append((stem, path))
    return _unique(name, pattern, found)


def _group(wildcards: str) -> str:
    """Turn wildcards that stand side by side into a group of a regular expression."""
    if wildcards == '**/':
        return '(?:(.*)/)?'
    meanings = {'**': '.*', '*': '[^/]*', '?': '[^/]', '[!': '[^'}
    return '(' + re.sub(r'\*\*|\*|\?|\[!', lambda match: meanings[match[0]], wildcards) + ')'


def _unique(name: str, place: str, found: list[tuple[str, str]]) -> dict[str, str]:
    if not found:
        raise FileNotFoundError(f'modality {name!r}: there is no image in {place}')
    files: dict[str, str] = {}
    for stem, path in sorted(found):
        if stem in files:
            raise ValueError(
                f'modality {name!r}: expected files of different names, got {files[stem]} and '
                f'{path}, both {stem!r}'
            )
        files[stem] = path
    return files


def _without_suffix(path: str, suffix: str) -> str:
    path = path.replace(os.sep, '/')
    if suffix and path.endswith(suffix):
        return path.removesuffix(suffix)
    return osp.splitext(path)[0]
