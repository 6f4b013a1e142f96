"""Shared by data sets that match the files of several folders by name."""

import logging
import os.path as osp
import posixpath
from collections.abc import Iterable, Iterator, Sequence

from mmengine import fileio
from mmengine.logging import print_log

from .list_files import IMAGES, Listing, list_files, why_absent, without_suffix
from .sample_list import SHOWN, SampleList


def match_files(
    owner: str,
    folders: dict[str, str],
    suffixes: dict[str, str],
    lines: Sequence[str] | None = None,
    ann_file: str = '',
    backend_args: dict | None = None,
    optional: Sequence[str] = (),
) -> dict[str, dict[str, str | None]]:
    """List the files of each sample, after a check that all required files exist.

    Upper and lower case of suffixes do not matter. If two files differ only in that, the file with
    the configured spelling is taken. The log says how many samples there are, and which image files
    belong to no sample.

    Args:
        owner: Name of the data set, for errors.
        folders: Folder of each kind of file. The first kind that is not optional is scanned for
            samples. If all are optional, all are scanned.
        suffixes: Suffix of each kind of file.
        lines: The samples as listed by ``ann_file``, see :class:`SampleList`. None takes all files
            of the scanned folders, sub-folders included.
        ann_file: File of the lines, for errors.
        backend_args: Arguments of the mmengine file backend.
        optional: Kinds of files that a sample may lack; their paths are None then.

    Returns:
        Sample name -> kind of file -> path. The name is the path of the files below their folders,
        without suffix.

    Raises:
        FileNotFoundError: If a folder or a sample's file is missing, or there is no sample.
        ValueError: If a folder cannot be read, a line means several samples, or several lines mean
            the same sample.
    """
    folders = {key: folders[key] for key in suffixes}
    for key, folder in folders.items():
        if not fileio.isdir(folder, backend_args=backend_args):
            raise FileNotFoundError(
                f'data_prefix: folder of {key!r} not found: {folder}{why_absent(folder)}'
            )
    # Look only where the listed samples are. A published data set may have millions of other files.
    listed = subfolders = None
    if lines is not None:
        listed = SampleList(lines, ann_file, folders.values(), suffixes.values())
        subfolders = listed.subfolders
    listings = {
        folder: list_files(folder, subfolders, backend_args) for folder in set(folders.values())
    }
    stems = {key: _by_stem(listings[folders[key]].files, suffixes[key]) for key in suffixes}
    required = [key for key in suffixes if key not in optional]
    scanned = required[:1] or list(suffixes)
    first = scanned[0]
    if listed is None:
        names = sorted(set().union(*(stems[key] for key in scanned)))
    else:
        known = set().union(*stems.values())
        names = listed.resolve(known)
    if not names:
        raise FileNotFoundError(
            f'{owner}: expected at least one sample, found no file *{suffixes[first]} in '
            f'{folders[first]}'
            + (f' named by {ann_file}' if ann_file else '')
            + _others(first, listings[folders[first]].files)
        )

    missing = [(key, name) for key in required for name in names if name not in stems[key]]
    if missing:
        raise FileNotFoundError(
            (listed.explain(known) if listed else '')
            + f'{owner}: expected {len(suffixes)} files for each of {len(names)} samples, '
            f'{len(missing)} are missing:' + _list_missing(missing, folders, suffixes, listings)
        )
    samples = {
        name: {
            key: osp.join(folders[key], stems[key][name]) if name in stems[key] else None
            for key in suffixes
        }
        for name in names
    }
    used = {osp.normpath(path) for paths in samples.values() for path in paths.values() if path}
    unused = {}
    for key, folder in folders.items():
        for path, reason in _unused(folder, listings[folder], suffixes[key], listed is not None):
            if path not in used and unused.get(path) != '':
                unused[path] = reason
    unused = [path + reason for path, reason in sorted(unused.items()) if reason]
    report_unused(f'{owner}: {len(samples)} samples of {ann_file or folders[first]}', unused)
    return samples


def _by_stem(files: Iterable[str], suffix: str) -> dict[str, str]:
    """Map the path without suffix to the path; files with another suffix are left out."""
    stems = {}
    for file in files:
        stem = without_suffix(file, suffix)
        if stem is not None and (stem not in stems or file.endswith(suffix)):
            stems[stem] = file
    return stems


def report_unused(summary: str, unused: Sequence[str]) -> None:
    """Log what was found, and which image files are not used.

    Args:
        summary: Text that says what was found.
        unused: Paths of the unused image files.
    """
    if unused:
        more = f' and {len(unused) - SHOWN} more' if len(unused) > SHOWN else ''
        summary += f'; {len(unused)} image files not used: {", ".join(unused[:SHOWN])}{more}'
    print_log(summary, logger='current', level=logging.WARNING if unused else logging.INFO)


def _unused(
    folder: str, listing: Listing, suffix: str, is_listed: bool
) -> Iterator[tuple[str, str]]:
    """Yield the image files of a folder, each with a reason why no sample may use it.

    The reason is '' for a file with the right suffix that a list of samples may leave out.
    """
    for file in listing.dead:
        yield osp.normpath(osp.join(folder, file)), ' (a link that leads nowhere or back)'
    for file in listing.files:
        fits = without_suffix(file, suffix) is not None
        if fits or file.lower().endswith(IMAGES):
            reason = f' (not *{suffix})' if not fits else '' if is_listed else ' (of no sample)'
            yield osp.normpath(osp.join(folder, file)), reason


def _list_missing(
    missing: Iterable[tuple[str, str]],
    folders: dict[str, str],
    suffixes: dict[str, str],
    listings: dict[str, Listing],
) -> str:
    """List the paths of missing files, one per line, with the file that exists instead."""
    # a sample outside the folders is missing in all of them; list it once
    paths = [*dict.fromkeys(('' if _is_outside(name) else key, name) for key, name in missing)]
    lines = []
    for key, name in paths[:SHOWN]:
        if not key:
            line = f'{name}, which lies outside the folders {[*folders.values()]}'
        else:
            line = osp.join(folders[key], name + suffixes[key])
            others = [f for f in listings[folders[key]].files if osp.splitext(f)[0] == name]
            line += f' (there is {others[0]})' if others else why_absent(line)
        lines.append(line)
    if len(paths) > SHOWN:
        lines.append(f'and {len(paths) - SHOWN} more')
    return ''.join(f'\n  {line}' for line in lines)


def _is_outside(name: str) -> bool:
    return posixpath.isabs(name) or name.startswith('..')


def _others(name: str, files: Sequence[str]) -> str:
    images = [file for file in files if file.lower().endswith(IMAGES)]
    if not images:
        return ''
    suffix = osp.splitext(images[0])[1]
    return (
        f'; there are {len(images)} other image files, such as {images[0]}: if they are the files '
        f'of {name!r}, say suffix={suffix!r} in its description'
    )
