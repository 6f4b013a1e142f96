"""Measurements that take turns, so that a slower machine slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from rich.progress import Progress


class Spread(NamedTuple):
    """Median, smallest and largest value of repeated measurements."""

    median: float
    smallest: float
    largest: float


def seconds_of(step: Callable[[], object]) -> float:
    """Measure the time of one step, including what it still computes on a GPU."""
    start = time.perf_counter()
    step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def take_turns(
    measurements: Mapping[str, Callable[[], float]], repeats: int
) -> dict[str, list[float]]:
    """Run all measurements one after the other, in several rounds.

    Args:
        measurements: Functions that measure once, by name.
        repeats: Number of rounds.

    Returns:
        The values of all rounds, by name.
    """
    values: dict[str, list[float]] = {name: [] for name in measurements}
    with Progress(transient=True) as progress:
        for _ in progress.track(range(repeats), description='measuring'):
            for name, measure in measurements.items():
                values[name].append(measure())
    return values


def spread(values: Sequence[float]) -> Spread:
    """Summarize repeated measurements."""
    return Spread(statistics.median(values), min(values), max(values))


def ratio(values: Sequence[float], to: Sequence[float]) -> Spread:
    """Summarize the ratios of two measurements, taken round by round."""
    return spread([value / other for value, other in zip(values, to, strict=True)])
