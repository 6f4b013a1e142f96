"""Finds the images of one modality, in a folder or by a pattern."""

import glob
import os
import os.path as osp
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from mmamf.datasets.list_files import IMAGES, list_files, without_suffix
from mmamf.datasets.sample_files import report_unused
from mmamf.datasets.sample_list import SHOWN

WILDCARDS = re.compile(r'(\*\*/|(?:\*|\?|\[[^\]]+\])+)')


def images_in_folder(
    name: str, folder: str, suffix: str, results: Collection[str | Path]
) -> dict[str, str]:
    """Find the images of a modality in a folder and below it.

    Args:
        name: Name of the modality.
        folder: The folder.
        suffix: End of the modality's file names; without such files, all images are taken.
        results: Folders of earlier results, which are left out.

    Returns:
        Name of each sample -> its file.

    Raises:
        FileNotFoundError: If there is no image.
        ValueError: If two files have the same name.
    """
    return _unique(name, folder, *list_folder(folder, suffix, results))


def list_folder(
    folder: str, suffix: str, results: Collection[str | Path]
) -> tuple[list[tuple[str, str]], list[str]]:
    """List the images in a folder: pairs of sample and file, and what is not used.

    Args:
        folder: See :func:`images_in_folder`.
        suffix: See :func:`images_in_folder`.
        results: See :func:`images_in_folder`.
    """
    files, dead = list_files(folder)
    images = [file for file in files if file.lower().endswith(IMAGES)]
    paths = {osp.join(folder, file): file for file in images}
    earlier = sorted(_find_results(paths, folder, results))
    images = [file for path, file in paths.items() if path not in earlier]
    # the folder may also have other images, such as previews or confidence maps
    own = [file for file in images if suffix and without_suffix(file, suffix) is not None] or images
    others = [osp.join(folder, file) for file in sorted(set(images) - set(own))]
    unused = [f'{path} (not *{suffix})' for path in others]
    unused += [f'{osp.join(folder, path)} (a link that leads nowhere or back)' for path in dead]
    unused += [f'{path} (an earlier result)' for path in earlier]
    return [(stem_of(file, suffix), osp.join(folder, file)) for file in own], unused


def images_in_glob(
    name: str, pattern: str, suffix: str, results: Collection[str | Path]
) -> dict[str, str]:
    """Find the images of a modality by a pattern. What the wildcards stand for names the samples.

    Args:
        name: Name of the modality.
        pattern: The pattern, as for :func:`glob.glob`.
        suffix: End of the modality's file names, which is no part of a sample's name.
        results: Folders of earlier results, which are left out.

    Returns:
        Name of each sample -> its file.

    Raises:
        FileNotFoundError: If there is no image.
        ValueError: If two files have the same name.
    """
    pattern = osp.normpath(pattern)
    return _unique(name, pattern, *list_glob(pattern, suffix, results))


def list_glob(
    pattern: str, suffix: str, results: Collection[str | Path]
) -> tuple[list[tuple[str, str]], list[str]]:
    """List the images of a pattern: pairs of sample and file, and what is not used.

    Args:
        pattern: See :func:`images_in_glob`.
        suffix: See :func:`images_in_glob`.
        results: See :func:`images_in_glob`.
    """
    base, dot, extension = pattern.rpartition('.')
    if dot and WILDCARDS.fullmatch(extension):  # a wildcard extension is not part of the name
        *parts, tail = WILDCARDS.split(f'{base}.')
        rest = '[^/]*'
    else:
        *parts, tail = WILDCARDS.split(pattern)
        rest = ''
    # parts alternate between literal text and wildcards
    groups = (_group(part) if i % 2 else re.escape(part) for i, part in enumerate(parts))
    expression = ''.join(groups) + re.escape(tail) + rest
    paths = glob.glob(_in_any_case(pattern), recursive=True)
    earlier = _find_results(paths, osp.dirname(parts[0]), results)
    found, unused = [], [f'{path} (an earlier result)' for path in sorted(earlier)]
    for path in paths:
        if path in earlier:
            continue
        if not osp.isfile(path):
            if osp.islink(path) and not osp.isdir(path):
                unused.append(f'{path} (a link that leads nowhere)')
            continue
        match = re.fullmatch(expression, path, re.IGNORECASE)
        stem = '/'.join(filter(None, match.groups()))
        whole = stem + path[match.end(match.lastindex) :]
        is_own = without_suffix(whole, suffix) is not None
        if not tail or len(tail) < len(suffix) and is_own:
            stem = stem_of(whole, suffix)
        found.append((stem, path))
    return found, unused


def stem_of(path: str, suffix: str) -> str:
    """Return the name of the sample that a file belongs to: its path without suffix or extension.

    Args:
        path: The file.
        suffix: End of the modality's file names; '' if there is none.
    """
    path = path.replace(os.sep, '/')
    stem = without_suffix(path, suffix) if suffix else None
    return osp.splitext(path)[0] if stem is None else stem


def _find_results(paths: Iterable[str], around: str, results: Collection[str | Path]) -> set[str]:
    """Return the paths that lie in earlier results, unless ``around`` itself lies in them."""
    root = Path(osp.realpath(around))
    there = [Path(osp.realpath(result)) for result in results if osp.exists(result)]
    there = [result for result in there if not root.is_relative_to(result)]
    if not there:
        return set()
    real = {path: Path(osp.realpath(path)) for path in paths}
    return {path for path in real if any(real[path].is_relative_to(place) for place in there)}


def _in_any_case(pattern: str) -> str:
    """Let the extension of a glob match in upper and lower case."""
    base, extension = osp.splitext(pattern)
    if '[' in extension:
        return pattern
    return base + re.sub('[a-zA-Z]', lambda m: f'[{m[0].lower()}{m[0].upper()}]', extension)


def _group(wildcards: str) -> str:
    """Turn adjacent wildcards into one group of a regular expression."""
    if wildcards == '**/':
        return '(?:(.*)/)?'
    meanings = {'**': '.*', '*': '[^/]*', '?': '[^/]', '[!': '[^'}
    return '(' + re.sub(r'\*\*|\*|\?|\[!', lambda match: meanings[match[0]], wildcards) + ')'


def _unique(
    name: str, place: str, found: list[tuple[str, str]], unused: list[str]
) -> dict[str, str]:
    if not found:
        others = f'; not used: {", ".join(unused[:SHOWN])}' if unused else ''
        raise FileNotFoundError(f'modality {name!r}: there is no image in {place}{others}')
    files: dict[str, str] = {}
    for stem, path in sorted(found):
        if stem in files:
            raise ValueError(
                f'modality {name!r}: expected files of different names, got {files[stem]} and '
                f'{path}, both {stem!r}'
            )
        files[stem] = path
    report_unused(f'modality {name!r}: {len(files)} images in {place}', unused)
    return files
