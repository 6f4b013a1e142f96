"""Renders the rooms of a data set in worker processes, and records their files."""

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

from .classes import LABEL
from .manifest import Manifest, room_seed

SAVE_EVERY = 5.0  # seconds between two writes of the manifest
BACKENDS = ('mitsuba', 'pyoidn')


def render_dataset(args: argparse.Namespace) -> None:
    """Render the missing files of the requested data set.

    Args:
        args: The parsed command line of `tools/render_rooms.py`.

    Raises:
        ImportError: If a package for rendering is missing.
        ValueError: If the folder holds a data set with other settings, or a damaged manifest.
    """
    settings = dict(train=args.train, val=args.val, size=list(args.size), seed=args.seed)
    manifest = Manifest(args.out, settings)
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
        _render(manifest, missing, folders, args)
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


def check_backends() -> None:
    """Check that the packages for rendering are installed.

    Raises:
        ImportError: If one is missing; the message says how to install it.
    """
    absent = [package for package in BACKENDS if find_spec(package) is None]
    if absent:
        raise ImportError(
            f'rendering needs {" and ".join(absent)}; install with: '
            f'{sys.executable} -m pip install {" ".join(absent)}'
        )


def _render(
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
    from .job import make_room  # loads mitsuba

    return make_room(out, split, index, room_seed(seed, split, index), *options)
