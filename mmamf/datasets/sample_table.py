"""Reads tables that name the files of every sample."""

import csv
import io
import os.path as osp
import posixpath
from collections import Counter
from collections.abc import Collection, Sequence

from mmengine import fileio

from .list_files import why_absent
from .sample_list import SHOWN, read_text

SAMPLE, LABELS = 'sample', 'labels'  # columns beside the modalities
SEPARATORS = ',;\t'

Files = dict[str, str | None]


def is_table(ann_file: str) -> bool:
    """Tell whether a list of samples is a table."""
    return str(ann_file).lower().endswith('.csv')


def read_sample_table(
    path: str,
    root: str,
    modalities: Sequence[str],
    optional: Collection[str] = (),
    test_mode: bool = False,
    backend_args: dict | None = None,
) -> dict[str, Files]:
    """Read the files of each sample from a table, after a check that all of them exist.

    The first row names the columns: ``sample``, the modalities, and ``labels``, in any order.
    Further columns are ignored, and so are blank lines and spaces around a cell. Cells are
    separated by commas, semicolons or tabs; the first row decides. The text is UTF-8, or UTF-16
    with a byte order mark.

    Args:
        path: The table.
        root: Folder that the paths of the files start from; '' is the current one.
        modalities: The modalities to read.
        optional: Those that a sample may lack: their cell is empty.
        test_mode: Whether the table, or a sample, may lack label maps.
        backend_args: Arguments of the mmengine file backend.

    Returns:
        Sample name -> modality, and 'seg_map_path' for the label map -> path. The path of a
        modality is None if the cell is empty. A sample without label map lacks its key.

    Raises:
        FileNotFoundError: If the table or files of its samples do not exist, or it has no sample.
        ValueError: If a column or a required cell is missing, a row is too short or too long, a
            name is repeated or leads out of a folder, or the text cannot be read.
    """
    needed = (SAMPLE, *modalities, *(() if test_mode else (LABELS,)))
    reserved = [name for name in modalities if name in (SAMPLE, LABELS)]
    if reserved:
        raise ValueError(f'{path}: expected no modality with the name of a column, got {reserved}')
    rows = _rows(path, read_text(path, backend_args))
    _, header = next(rows, (1, []))
    repeated = [name for name, times in Counter(filter(None, header)).items() if times > 1]
    missing = [name for name in needed if name not in header]
    if missing or repeated:
        fault = f'no {missing}' if missing else f'{repeated} more often'
        raise ValueError(
            f'{path}: expected a first row that names the columns {", ".join(needed)}, each once, '
            f'separated by commas, got {fault} in {header}; a plain list of samples has a suffix '
            'other than .csv'
        )
    samples: dict[str, Files] = {}
    lines: dict[str, int] = {}
    for line, cells in rows:
        if len(cells) != len(header):
            raise ValueError(
                f'{path}, line {line}: expected {len(header)} cells, as in the first row, got '
                f'{len(cells)}: {cells}'
            )
        row = dict(zip(header, cells))
        name = row[SAMPLE]
        _check_name(name, f'{path}, line {line}')
        if name in lines:
            raise ValueError(
                f'{path}: expected each sample once, got {name!r} in line {lines[name]} and '
                f'line {line}'
            )
        lines[name] = line
        for column in needed:
            if not row[column] and column not in optional:
                raise ValueError(
                    f'{path}, line {line}: expected a file of {column!r} for the sample {name!r}, '
                    'got an empty cell'
                    + ('' if column == LABELS else '; if samples may lack it, say optional=True in '
                       'its description')
                )  # fmt: skip
        files = {column: _join(root, row[column]) for column in modalities}
        if row.get(LABELS):
            files['seg_map_path'] = _join(root, row[LABELS])
        samples[name] = files
    if not samples:
        raise FileNotFoundError(f'{path}: expected at least one sample below the first row')
    _check_files(path, samples, lines, backend_args)
    return samples


def _rows(path: str, text: str):
    """Yield the number of each line, and its cells."""
    first = text.lstrip().split('\n', 1)[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=''), delimiter=separator, strict=True)
    try:
        for cells in reader:
            cells = [cell.strip().lstrip('\ufeff') for cell in cells]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise ValueError(
            f'{path}, line {reader.line_num}: expected cells, with quotes in pairs: {error}'
        ) from error


def _check_name(name: str, place: str) -> None:
    """Refuse a name that cannot be the path of a result below a folder."""
    if not name or posixpath.normpath(name) != name or name[0] in '/.' or '\\' in name:
        raise ValueError(
            f"{place}: expected the name of a sample, such as 'a/0001', which names its results, "
            f'got {name!r}'
        )


def _join(root: str, cell: str) -> str | None:
    return osp.join(root, cell) if cell else None


def _check_files(
    path: str, samples: dict[str, Files], lines: dict[str, int], backend_args: dict | None
) -> None:
    files = [(name, file) for name, row in samples.items() for file in row.values() if file]
    missing = [
        (lines[name], file)
        for name, file in files
        if not fileio.isfile(file, backend_args=backend_args)
    ]
    if missing:
        shown = '\n  '.join(
            f'{file}{why_absent(file)} (line {line})' for line, file in missing[:SHOWN]
        )
        more = f'\n  and {len(missing) - SHOWN} more' if len(missing) > SHOWN else ''
        raise FileNotFoundError(
            f'{path}: expected {len(files)} files of {len(samples)} samples, {len(missing)} are '
            f'missing:\n  {shown}{more}'
        )
