"""Measures many files in parallel."""

import gc
import logging
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path

import cv2

from .file_prints import ImagePrint, LabelPrint
from .measure_image import measure_image
from .measure_label import measure_label
from .print_store import IMAGE, make_row

CHUNK = 16  # files at once, so that little time goes into sending
WAITING = 3  # chunks per worker that are sent ahead
MEASURES = {True: (measure_image, ImagePrint), False: (measure_label, LabelPrint)}

Job = tuple[str, str]  # role and path


def measure_files(jobs: Sequence[Job], root: Path, workers: int) -> Iterator[list[tuple]]:
    """Yield the packed prints of files, some at a time, in any order.

    A file whose decoder ends the process gets a print that says so; the others are measured.

    Args:
        jobs: Role and path below the root of each file.
        root: The folder of the data set.
        workers: Number of processes.
    """
    size = max(1, min(CHUNK, len(jobs) // (4 * workers)))
    chunks = [jobs[start : start + size] for start in range(0, len(jobs), size)]
    while chunks:
        lost = []
        remaining = iter(chunks)
        yield from _run(remaining, root, workers, lost)
        chunks = [*remaining]
        for chunk in lost:
            for job in chunk:
                alone = []
                yield from _run(iter([[job]]), root, 1, alone)
                if alone:
                    yield [_lost_row(job)]


def _run(
    chunks: Iterator[Sequence[Job]], root: Path, workers: int, lost: list
) -> Iterator[list[tuple]]:
    """Measure chunks until none is left or a process has died; ``lost`` gets what it held."""
    executor = ProcessPoolExecutor(workers, _context(), _prepare)
    running: dict[Future, Sequence[Job]] = {}
    unsent = None
    try:
        while True:
            for chunk in islice(chunks, WAITING * workers - len(running)):
                unsent = chunk
                running[executor.submit(_measure_chunk, chunk, root)] = chunk
                unsent = None
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                rows = future.result()
                del running[future]
                yield rows
    except BrokenProcessPool:
        lost.extend([*running.values(), *([unsent] if unsent else [])])
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _context() -> multiprocessing.context.BaseContext:
    """Choose how workers start: a forked one has all modules at once, which take seconds else."""
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context('fork' if 'fork' in methods else None)


def _prepare() -> None:
    cv2.setNumThreads(0)  # one thread per process
    gc.freeze()  # what the first process has made stays shared: looking at it would copy it
    logging.disable(logging.WARNING)  # what readers warn of is in the prints
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process stops the others


def _measure_chunk(jobs: Sequence[Job], root: Path) -> list[tuple]:
    return [make_row(role, MEASURES[role == IMAGE][0](path, root)) for role, path in jobs]


def _lost_row(job: Job) -> tuple:
    role, path = job
    text = f'{path}: expected a file that can be decoded, got the end of the process that did it'
    return make_row(role, MEASURES[role == IMAGE][1](path, text))
