"""What the data sets share whose samples are files of several folders, matched by name."""

import os.path as osp
import posixpath
import re
from collections.abc import Iterable, Sequence

import mmengine
from mmengine import fileio

# 'modality_paths' and 'ensemble' mean something else already
RESERVED = ('paths', 'ensemble', 'img_path', 'seg_map_path')
SHOWN = 10


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """Refuse names of modalities that are empty, repeated, reserved or no identifiers.

    Raises:
        ValueError: If so.
    """
    given, names = names, () if isinstance(names, str) else tuple(names)
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f'modalities: expected a non-empty sequence of distinct names, got {given!r}'
        )
    for name in names:
        if not isinstance(name, str) or not re.fullmatch('[A-Za-z][A-Za-z0-9_]*', name):
            raise ValueError(
                f'modalities: expected names of letters, digits and underscores, got {name!r}'
            )
        if name in RESERVED:
            raise ValueError(f'modalities: expected a name other than {RESERVED}, got {name!r}')
    return names


def check_given(argument: str, what: str, given: dict[str, str], names: Sequence[str]) -> None:
    """Refuse an argument that has nothing for one of the names.

    Raises:
        ValueError: If so.
    """
    for name in names:
        if name not in given:
            raise ValueError(
                f'{argument}: expected a {what} for each of {names}, got none for {name!r} in '
                f'{dict(given)}'
            )


def read_list(ann_file: str, backend_args: dict | None = None) -> list[str]:
    """Read the lines of an annotation file that are not empty.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if not fileio.isfile(ann_file, backend_args=backend_args):
        raise FileNotFoundError(f'ann_file not found: {ann_file}')
    lines = mmengine.list_from_file(ann_file, backend_args=backend_args)
    return [line.strip() for line in lines if line.strip()]


def match_files(
    owner: str,
    folders: dict[str, str],
    suffixes: dict[str, str],
    names: list[str] | None = None,
    ann_file: str = '',
    backend_args: dict | None = None,
    optional: Sequence[str] = (),
) -> list[dict[str, str | None]]:
    """List the files of each sample, after a check that every one that must be there is.

    Args:
        owner: Name of the data set, for errors.
        folders: Folder of each kind of file; the first that is not optional is the one that is
            scanned for samples. If all are optional, all are scanned.
        suffixes: Suffix of each kind of file.
        names: The samples as named by ``ann_file``, without suffix; None takes all files of the
            scanned folders, sub-folders included.
        ann_file: For errors.
        backend_args: Arguments of the mmengine file backend.
        optional: Kinds of files that a sample may lack; its path is None then.

    Raises:
        FileNotFoundError: If a folder is missing, there is no sample, or files of one are missing.
    """
    for key in suffixes:
        if not fileio.isdir(folders[key], backend_args=backend_args):
            raise FileNotFoundError(f'data_prefix: folder of {key!r} not found: {folders[key]}')
    # only where the listed samples are: a published data set may have millions of files elsewhere
    places = None if names is None else sorted({posixpath.dirname(name) for name in names})
    stems = {
        key: _find_stems(folders[key], suffix, places, backend_args)
        for key, suffix in suffixes.items()
    }
    first = next((key for key in suffixes if key not in optional), None)
    scanned = list(suffixes) if first is None else [first]
    first = scanned[0]
    if names is None:
        names = sorted(set().union(*(stems[key] for key in scanned)))
    if not names:
        raise FileNotFoundError(
            f'{owner}: expected at least one sample, found no file *{suffixes[first]} in '
            f'{folders[first]}' + (f' named by {ann_file}' if ann_file else '')
        )

    paths = {
        key: [osp.join(folders[key], name + suffix) for name in names]
        for key, suffix in suffixes.items()
    }
    missing = [
        path
        for key in suffixes
        for name, path in zip(names, paths[key], strict=True)
        if name not in stems[key] and key not in optional
    ]
    if missing:
        listed = '\n  '.join(missing[:SHOWN])
        more = f'\n  and {len(missing) - SHOWN} more' if len(missing) > SHOWN else ''
        raise FileNotFoundError(
            f'{owner}: expected {len(suffixes)} files for each of {len(names)} samples, '
            f'{len(missing)} are missing:\n  {listed}{more}'
        )
    return [
        {key: paths[key][i] if name in stems[key] else None for key in paths}
        for i, name in enumerate(names)
    ]


def _find_stems(
    folder: str, suffix: str, places: Iterable[str] | None, backend_args: dict | None
) -> set[str]:
    """List the files below a folder, or only those right in some sub-folders, without suffix."""
    stems = set()
    for place in [''] if places is None else places:
        path = osp.join(folder, place) if place else folder
        # '..' and absolute names would lead out of the folder, and all modalities to one file
        if posixpath.isabs(place) or '..' in place.split('/'):
            continue
        if not fileio.isdir(path, backend_args=backend_args):
            continue
        files = fileio.list_dir_or_file(
            path,
            list_dir=False,
            suffix=suffix,
            recursive=places is None,
            backend_args=backend_args,
        )
        names = (file.removesuffix(suffix).replace(osp.sep, '/') for file in files)
        stems.update(posixpath.join(place, name) for name in names)
    return stems
