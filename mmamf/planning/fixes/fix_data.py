"""Writes a copy of a data set without the faults that a copy can mend."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from ..prints.fingerprint import Fingerprint
from ..samples.found_data import LABELS, FoundData
from .fixed_images import FixedImages
from .fixed_labels import FixedLabels
from .geometry import upright_size


def fix_data(data: FoundData, fingerprint: Fingerprint, out: Path) -> FoundData:
    """Write the copy, a folder per modality, and return its samples.

    Files without a fault are copied as they are. Samples with a file that cannot be read are left
    out.

    Args:
        data: The samples.
        fingerprint: What their files contain.
        out: Folder of the copy. It must be new or empty.

    Raises:
        FileExistsError: If the folder has files.
        ValueError: If a fault cannot be mended.
    """
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f'--fix: expected a new or empty folder, {out} has files')
    columns = {name: dict(fingerprint.images(name)) for name in data.modalities}
    if LABELS in data.columns:
        columns[LABELS] = dict(fingerprint.labels())
    menders = {name: FixedImages(data, fingerprint, name) for name in data.modalities}
    samples = []
    labels = FixedLabels(fingerprint) if LABELS in data.columns else None
    for sample in track(data.samples, f'writing {out}'):
        prints = {column: columns[column][sample.name] for column in sample.files}
        if any(part.error is not None for part in prints.values()):
            continue
        size = upright_size(prints[next(iter(sample.files))])
        files = {}
        for column, part in prints.items():
            source, values = data.root / part.path, None
            mender = labels if column == LABELS else menders[column]
            if not mender.is_clean(part, size):
                values = mender.mend(source, part, size)
            files[column] = _write(values, source, out, Path(column, sample.name))
        samples.append(replace(sample, files=files))
    classes_file = 'classes.txt' if data.classes else ''
    if classes_file:
        (out / classes_file).write_text('\n'.join(data.classes) + '\n')
    return replace(
        data,
        root=out,
        samples=tuple(samples),
        unused={},
        remarks={},
        classes_file=classes_file,
        unlabeled=(),
    )


def _write(values: np.ndarray | None, source: Path, out: Path, name: Path) -> str:
    """Write an image, or copy its file if it is None; return the path below ``out``."""
    if values is None:
        path = out / f'{name}{source.suffix.lower()}'
    else:
        path = out / f'{name}{".png" if _fits_png(values) else ".npy"}'
    path.parent.mkdir(parents=True, exist_ok=True)
    if values is None:
        shutil.copy(source, path)
    elif path.suffix == '.npy':
        np.save(path, values)
    else:
        picture = values[..., ::-1] if values.ndim == 3 else values
        if not cv2.imwrite(os.fspath(path), picture):
            raise OSError(f'{path}: OpenCV cannot write it')
    return path.relative_to(out).as_posix()


def _fits_png(values: np.ndarray) -> bool:
    channels = 1 if values.ndim == 2 else values.shape[2]
    return values.dtype in (np.uint8, np.uint16) and channels in (1, 3)
