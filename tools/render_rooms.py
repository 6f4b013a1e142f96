"""Render the rooms data set: furnished rooms as color, depth and further modalities, with labels.

Rooms that exist already are kept, so an interrupted run continues where it stopped. The same
settings always give the same files, for any number of workers.
"""

import argparse
import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rooms.classes import LABEL, MODALITIES
from rooms.manifest import MAX_ROOMS, Manifest, room_seed

SAVE_EVERY = 5.0  # seconds between two writes of the manifest
BACKENDS = ('mitsuba', 'pyoidn')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Render the rooms data set')
    parser.add_argument('--out', type=Path, default=Path('data/rooms'), help='folder to write')
    parser.add_argument('--train', type=_count, default=400, help='number of training rooms')
    parser.add_argument('--val', type=_count, default=100, help='number of validation rooms')
    parser.add_argument('--size', type=_size, default=(160, 120), help='WIDTHxHEIGHT in pixels')
    parser.add_argument(
        '--modalities',
        nargs='+',
        choices=MODALITIES,
        default=MODALITIES,
        metavar='NAME',
        help=f'what to render beside the labels (default: {" ".join(MODALITIES)}); '
        'without shade it takes a quarter less time; more can be added later',
    )
    parser.add_argument('--seed', type=_count, default=0, help='seed of the whole data set')
    parser.add_argument('--workers', type=_positive, default=None, help='processes (default: CPUs)')
    return parser.parse_args(argv)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_ROOMS:
        raise argparse.ArgumentTypeError(f'expected a whole number 0-{MAX_ROOMS}, got {text!r}')
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'expected a whole number of at least 1, got {text!r}')
    return int(text)


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split('x')
    if len(sides) != 2 or not all(side.isdecimal() and int(side) >= 16 for side in sides):
        raise argparse.ArgumentTypeError(
            f'expected WIDTHxHEIGHT of at least 16x16, such as 160x120, got {text!r}'
        )
    return int(sides[0]), int(sides[1])


def check_backends() -> None:
    """Stop if a package for rendering is missing, and say how to install it."""
    absent = [package for package in BACKENDS if find_spec(package) is None]
    if absent:
        raise SystemExit(
            f'rendering needs {" and ".join(absent)}; install with: '
            f'{sys.executable} -m pip install {" ".join(absent)}'
        )


def main(argv: list[str] | None = None) -> None:
    """Render the missing files of the requested data set."""
    args = parse_args(argv)
    settings = dict(train=args.train, val=args.val, size=list(args.size), seed=args.seed)
    try:
        manifest = Manifest(args.out, settings)
    except ValueError as error:
        raise SystemExit(f'error: {error}') from error
    total = args.train + args.val
    folders = (*args.modalities, LABEL)
    missing = manifest.missing(folders)
    if not missing:
        manifest.save()
        print(f'{args.out}: all {total} rooms are there')
        return
    check_backends()
    manifest.save()
    start = time.perf_counter()
    try:
        render_missing(manifest, missing, folders, args)
    except KeyboardInterrupt:
        done = total - len(manifest.missing(folders))
        print(f'\ninterrupted with {done} of {total} rooms; the same command goes on from there')
        raise SystemExit(130) from None
    except BrokenProcessPool as error:
        raise SystemExit(
            'error: a rendering process was killed (out of memory?); '
            'the same command goes on, --workers 1 needs less memory'
        ) from error
    seconds = time.perf_counter() - start
    print(f'{args.out}: rendered {len(missing)} of {total} rooms in {seconds:.0f} s')


def render_missing(
    manifest: Manifest,
    missing: list[tuple[str, int]],
    folders: tuple[str, ...],
    args: argparse.Namespace,
) -> None:
    """Render rooms in worker processes, and record their files."""
    workers = min(args.workers or os.cpu_count() or 1, len(missing))
    bar = Progress(
        TextColumn('rendering rooms'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context('spawn'), initializer=_start_worker
    )
    saved = time.perf_counter()
    try:
        jobs = [
            pool.submit(_make_room, args.out, split, index, args.seed, args.size, folders)
            for split, index in missing
        ]
        with bar:
            task = bar.add_task('rooms', total=len(jobs))
            for job in as_completed(jobs):
                manifest.files.update(job.result())
                bar.advance(task)
                if time.perf_counter() - saved > SAVE_EVERY:
                    manifest.save()
                    saved = time.perf_counter()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        manifest.save()


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # one thread per worker; otherwise the denoiser would pin the threads of all workers to the same
    # cores
    os.environ.update(OIDN_NUM_THREADS='1', OIDN_SET_AFFINITY='0')


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _make_room(out: Path, split: str, index: int, seed: int, *options) -> dict:
    from rooms.job import make_room

    return make_room(out, split, index, room_seed(seed, split, index), *options)


if __name__ == '__main__':
    main()
