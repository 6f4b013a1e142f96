"""Measures how long the fingerprint of a data set takes, compared with decoding its files."""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from mmamf.datasets.transforms.read_image import read_image
from mmamf.datasets.transforms.read_label import read_label
from mmamf.planning.prints.fingerprint import Fingerprint
from mmamf.planning.samples.found_data import LABELS, FoundData, FoundSample

from .interleaved import ratio, spread, take_turns

HEIGHT, WIDTH = 480, 640


def write_samples(root: Path, count: int) -> FoundData:
    """Write samples of a color JPEG, a 16-bit depth PNG and a label map, 640 x 480 each."""
    samples = []
    for index in range(count):
        random = np.random.default_rng(index)
        color, depth, label = _draw(random)
        files = dict(rgb=f'{index}.jpg', depth=f'{index}_depth.png', labels=f'{index}_label.png')
        for path, image in zip(files.values(), (color, depth, label)):
            cv2.imwrite(str(root / path), image)
        samples.append(
            FoundSample(f'{index:05d}', files, split='val' if index % 5 == 0 else 'train')
        )
    return FoundData(root, ('rgb', 'depth'), tuple(samples))


def _draw(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    color = np.full((HEIGHT, WIDTH, 3), 128, np.float32)
    depth = np.repeat(np.linspace(6000, 2000, HEIGHT, dtype=np.float32)[:, None], WIDTH, 1)
    label = np.zeros((HEIGHT, WIDTH), np.uint8)
    for _ in range(20):
        center = tuple(random.integers(0, (WIDTH, HEIGHT)).tolist())
        size = tuple(random.integers(15, 90, 2).tolist())
        shape = (center, size, float(random.uniform(0, 360)), 0, 360)
        cv2.ellipse(color, *shape, random.uniform(0, 255, 3).tolist(), -1)
        cv2.ellipse(depth, *shape, random.uniform(500, 6000), -1)
        cv2.ellipse(label, *shape, int(random.integers(1, 12)), -1)
    color += random.normal(0, 12, color.shape)
    depth += random.normal(0, 4, depth.shape)
    depth[random.random(depth.shape) < 0.02] = 0
    return color.clip(0, 255).astype(np.uint8), depth.astype(np.uint16), label


def _jobs(data: FoundData) -> Iterator[tuple[bool, str]]:
    for sample in data.samples:
        for column, path in sample.files.items():
            yield column == LABELS, str(data.root / path)


def _decode(job: tuple[bool, str]) -> int:
    is_label, path = job
    return read_label(path).values.nbytes if is_label else read_image(path).nbytes


def decode_all(data: FoundData, workers: int) -> None:
    """Decode all files, and do nothing with them."""
    context = multiprocessing.get_context('fork')
    with context.Pool(workers, cv2.setNumThreads, (0,)) as pool:
        for _ in pool.imap_unordered(_decode, _jobs(data), 16):
            pass


def _read_anew(data: FoundData, cache: Path, workers: int) -> None:
    cache.unlink(missing_ok=True)
    Fingerprint(data, cache, workers)


def _time(function: Callable, *args) -> float:
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def measure_fingerprint(args: argparse.Namespace) -> None:
    """Measure, and print the table.

    Args:
        args: The parsed command line of `tools/analysis/benchmark_fingerprint.py`.
    """
    with tempfile.TemporaryDirectory() as folder:
        data = write_samples(Path(folder), args.samples)
        cache = Path(folder, 'fingerprint.sqlite')
        turns = {
            'decoding': partial(_time, decode_all, data, args.workers),
            'fingerprint': partial(_time, _read_anew, data, cache, args.workers),
            'again': partial(_time, Fingerprint, data, cache, args.workers),
        }
        rates = take_turns(turns, args.repeats)
    table = Table('', 'seconds', 'x decoding', title=f'{args.samples} samples of 3 files')
    for name, seconds in rates.items():
        times = spread(seconds)
        cell = f'{times.median:.2f} ({times.smallest:.2f}..{times.largest:.2f})'
        table.add_row(name, cell, f'{ratio(seconds, rates["decoding"]).median:.2f}')
    console = Console()
    console.print(table)
    own, workers = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    console.print(f'largest memory: {own:.0f} MiB, of a worker {workers:.0f} MiB')
