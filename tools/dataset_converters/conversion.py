"""Parts that all converters share: writing a folder per modality, resuming, counting, reporting."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py
import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from scipy.io import loadmat
from written_files import DONE, check_inside, is_done, mark_done, write_image, write_whole

from mmamf.datasets.transforms.read_image import read_image

IGNORE = 255
SHOWN = 10


@dataclass(frozen=True)
class Sample:
    """One sample to convert.

    Args:
        stem: Name of its files in every folder, without suffix. It may contain '/'.
        split: The list that names it: 'train' for train.txt.
        source: The file or files that it comes from, for messages.
        load: Returns the image of each folder: an array in OpenCV's order of channels, which
            becomes a PNG, or the path of a file that is taken unchanged.
        intrinsics: fx, fy, cx, cy of the camera in pixels, if they are known.
    """

    stem: str
    split: str
    source: str
    load: Callable[[], dict[str, np.ndarray | Path]]
    intrinsics: tuple[float, float, float, float] | None = None


def make_parser(description: str) -> argparse.ArgumentParser:
    """Make the command line that the converters share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('raw', type=Path, metavar='RAW', help='folder of the official files')
    parser.add_argument('out', type=Path, metavar='OUT', help='folder to write')
    parser.add_argument(
        '--partial', action='store_true', help='convert what is there of an incomplete data set'
    )
    add_workers(parser)
    return parser


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add the option for the number of workers in :func:`run_all`."""
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count(), help='threads (default: one per CPU)'
    )


def require(root: Path, *names: str) -> list[Path]:
    """Return the files and folders with these names; if some are missing, raise and list them.

    Raises:
        FileNotFoundError: If some are missing.
    """
    missing = [name for name in names if not (root / name).exists()]
    if missing:
        listed = '\n  '.join(missing)
        raise FileNotFoundError(f'{root}: incomplete, {len(missing)} missing:\n  {listed}')
    return [root / name for name in names]


def require_frames(root: Path, frames: Mapping[str, Sequence[str]], partial: bool) -> list[str]:
    """Return the names of the frames that have all their files.

    Args:
        root: Folder of the official files.
        frames: Name of each frame -> its files, relative to ``root``.
        partial: Whether to leave out the other frames, and print their number and the first one,
            instead of an error.

    Raises:
        FileNotFoundError: If files are missing; the message lists them.
    """
    missing = {
        name: [file for file in files if not (root / file).exists()]
        for name, files in frames.items()
    }
    complete = [name for name in frames if not missing[name]]
    if not partial:
        require(root, *(file for files in missing.values() for file in files))
    elif len(complete) < len(frames):
        files = [file for files in missing.values() for file in files[:1]]
        more = ', ...' if len(files) > SHOWN else ''
        print(
            f'{root}: left out {len(files)} incomplete of {len(frames)} frames: there is no '
            f'{", ".join(files[:SHOWN])}{more}'
        )
    return complete


def require_count(what: str, expected: int, got: int, partial: bool = False) -> None:
    """Refuse a data set whose size is not the one that its owners publish.

    Raises:
        ValueError: If there are too many samples, or too few without ``partial``.
    """
    if got > expected or (got < expected and not partial) or got == 0:
        hint = '; --partial converts what is there' if 0 < got < expected else ''
        raise ValueError(f'{what}: expected {expected}, got {got}{hint}')


def check_label(label: np.ndarray, num_classes: int, source: str) -> np.ndarray:
    """Return a label map as uint8 if it holds only class indices and 255.

    Raises:
        ValueError: If a value is outside, or is not a whole number.
    """
    outside = np.unique(label[((label < 0) | (label >= num_classes)) & (label != IGNORE)])
    if label.dtype.kind not in 'biu':
        raise ValueError(f'{source}: expected whole numbers as labels, got {label.dtype}')
    if outside.size:
        raise ValueError(
            f'{source}: label values outside the mapping: expected 0..{num_classes - 1} or '
            f'{IGNORE}, got {outside[:SHOWN].tolist()}'
        )
    return label.astype(np.uint8)


def map_labels(values: np.ndarray, table: Sequence[int], source: str) -> np.ndarray:
    """Map every value to the class index at this place of ``table``, as uint8.

    Raises:
        ValueError: If a value is outside the table.
    """
    outside = np.unique(values[(values < 0) | (values >= len(table))])
    if outside.size:
        raise ValueError(
            f'{source}: label values outside the mapping: expected 0..{len(table) - 1}, got '
            f'{outside[:SHOWN].tolist()}'
        )
    return np.asarray(table, np.uint8)[values.astype(np.intp)]


def read_gray(path: Path, dtype: str) -> np.ndarray:
    """Read an image with one channel, such as a depth or a label map.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is damaged, or does not have one channel of that type.
    """
    image = read_image(str(path))
    if image.ndim != 2 or image.dtype != dtype:
        raise ValueError(
            f'{path}: expected one channel of {dtype}, got shape {image.shape} of {image.dtype}'
        )
    return image


def load_mat(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Read variables of a MATLAB v5 file.

    Raises:
        ValueError: If the file is damaged, has another version, or lacks a variable.
    """
    try:
        content = loadmat(path, squeeze_me=True, variable_names=names)
    except Exception as error:  # SciPy raises many kinds of errors on damaged files
        raise ValueError(f'{path} is no MATLAB v5 file, or damaged: {error}') from error
    missing = [name for name in names if name not in content]
    if missing:
        raise ValueError(f'{path}: incomplete, missing variables: {missing}')
    return content


def open_hdf5(path: Path) -> h5py.File:
    """Open a MATLAB v7.3 file, which is HDF5.

    Raises:
        ValueError: If it is damaged or has another version.
    """
    try:
        return h5py.File(path, 'r')
    except OSError as error:
        raise ValueError(f'{path} is no MATLAB v7.3 (HDF5) file, or damaged: {error}') from error


@contextmanager
def refuse_damage(what: str) -> Iterator[None]:
    """Read from an open HDF5 file inside this context.

    Raises:
        ValueError: If reading fails; the message names ``what`` was read.
    """
    try:
        yield
    except Exception as error:  # h5py raises many kinds of errors on damaged files
        raise ValueError(f'{what} is damaged: {error}') from error


def read_json(path: Path) -> dict:
    """Read a JSON file; the result is empty if it does not exist.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        return json.loads(path.read_text()) if path.exists() else {}
    except ValueError as error:
        raise ValueError(f'{path}: expected JSON, got {error}') from error


def convert(samples: Sequence[Sample], raw: Path, out: Path, settings: dict, workers: int) -> int:
    """Convert samples into ``out``; keep files that are there already and have not changed.

    If a sample cannot be read, the others are still converted, and the lists leave it out. Nothing
    is written outside ``out``.

    Args:
        samples: The samples, in the order of their lists.
        raw: Folder of the official files.
        out: Folder to write.
        settings: Data set and options. They are written to ``out/conversion.json`` together with
            ``raw``. A folder that was converted with other settings, or from another ``raw``, is
            refused.
        workers: Number of threads.

    Returns:
        Exit status: 1 if samples failed, else 0.

    Raises:
        ValueError: If two samples have the same name, ``out`` is ``raw``, or ``out`` was converted
            with other settings.
    """
    _refuse_duplicates(samples)
    if out.resolve() == raw.resolve():
        raise ValueError(f'expected OUT to be another folder than RAW, got {raw} for both')
    out.mkdir(parents=True, exist_ok=True)
    refuse_other_settings(out / 'conversion.json', settings | dict(raw=str(raw.resolve())))
    jobs = {sample.stem: partial(_convert_sample, sample, out) for sample in samples}
    failed = run_all(f'Converting into {out}', jobs, workers)
    for split in dict.fromkeys(sample.split for sample in samples):
        stems = [s.stem for s in samples if s.split == split and s.stem not in failed]
        write_whole(out / f'{split}.txt', ''.join(f'{stem}\n' for stem in stems).encode())
        print(f'{split}: {len(stems)} samples')
    cameras = {s.stem: list(s.intrinsics) for s in samples if s.intrinsics is not None}
    if cameras:
        write_whole(out / 'intrinsics.json', json.dumps(cameras).encode())
    return report(failed, len(samples))


def run_all(title: str, jobs: Mapping[str, Callable[[], None]], workers: int) -> dict[str, str]:
    """Run jobs in threads and show progress; a job that fails does not stop the others.

    Args:
        title: Text for the progress bar.
        jobs: Stem -> its job, which raises an error if it fails.
        workers: Number of threads.

    Returns:
        Stem -> error message, for each job that failed.
    """
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    failed = {}
    # OpenCV, NumPy and zlib release Python's lock, so threads are enough
    with Progress(*columns) as progress, ThreadPoolExecutor(workers) as pool:
        task = progress.add_task(title, total=len(jobs))
        try:
            for stem, error in zip(jobs, pool.map(_attempt, jobs.values())):
                if error:
                    failed[stem] = error
                progress.advance(task)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return failed


def report(failed: Mapping[str, str], total: int) -> int:
    """List the failures of :func:`run_all`; return the exit status."""
    if failed:
        print(f'{len(failed)} of {total} samples failed:', file=sys.stderr)
        for stem, error in failed.items():
            print(f'  {stem}: {error}', file=sys.stderr)
    return 1 if failed else 0


def _attempt(job: Callable[[], None]) -> str | None:
    """Run a job; return its error message, or None."""
    try:
        job()
    except MemoryError as error:  # a header can claim any size
        return f'there is not enough memory for it: {error}'
    except (OSError, ValueError) as error:
        return str(error)
    except Exception as error:  # readers raise many kinds of errors on damaged files
        return f'{type(error).__name__}: {error}'
    return None


def _convert_sample(sample: Sample, out: Path) -> None:
    check_inside(out, out / DONE / sample.stem, sample.source)
    if is_done(out, sample.stem):
        return
    images = sample.load()
    for folder in images:
        check_inside(out, out / folder / sample.stem, sample.source)
    pixels = {
        folder: read_image(str(image)) if isinstance(image, Path) else image
        for folder, image in images.items()
    }
    _check_images(pixels, sample.source)
    written = [write_image(out / folder / sample.stem, image) for folder, image in images.items()]
    mark_done(out, sample.stem, written)


def _check_images(images: Mapping[str, np.ndarray], source: str) -> None:
    """Refuse images that training would refuse."""
    sizes = {folder: image.shape[:2] for folder, image in images.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f'{source}: expected images of one size (H, W), got {sizes}')
    rgb, depth = images.get('rgb'), images.get('depth')
    if rgb is not None and (rgb.dtype != np.uint8 or rgb.shape[2:] != (3,)):
        raise ValueError(
            f'{source}: rgb: expected three channels of uint8, got shape {rgb.shape} of {rgb.dtype}'
        )
    if depth is not None and not depth.any():
        raise ValueError(f'{source}: depth: expected at least one reading, got only 0')


def _refuse_duplicates(samples: Sequence[Sample]) -> None:
    sources = {}
    for sample in samples:
        if sample.stem in sources:
            raise ValueError(
                f'expected distinct names of samples, got {sample.stem!r} from '
                f'{sources[sample.stem]} and from {sample.source}'
            )
        sources[sample.stem] = sample.source


def refuse_other_settings(path: Path, settings: dict) -> None:
    """Write settings to ``path``, or compare them with those that are there.

    Raises:
        ValueError: If they differ, or cannot be read.
    """
    if path.exists():
        before = read_json(path)
        if before != settings:
            raise ValueError(
                f'{path.parent}: expected a folder that was converted with {settings}, or an empty '
                f'one, got a folder that was converted with {before}'
            )
    else:
        write_whole(path, json.dumps(settings).encode())


def exit_with(main: Callable[[], int]) -> None:
    """Run a converter as a script; an error or Ctrl+C becomes one message without a traceback."""
    try:
        sys.exit(main())
    except (ValueError, OSError) as error:
        sys.exit(f'error: {error}')
    except KeyboardInterrupt:
        print('interrupted; the same command goes on from here', file=sys.stderr)
        sys.exit(130)  # the exit status of shells for Ctrl+C
