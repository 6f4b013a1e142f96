"""Measurements that take turns, so that what slows the machine down slows all of them."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from rich.progress import Progress


class Spread(NamedTuple):
    """Median of repetitions, and their smallest and largest."""

    median: float
    smallest: float
    largest: float


def take_turns(
    measurements: Mapping[str, Callable[[], float]], repeats: int
) -> dict[str, list[float]]:
    """Do all measurements one after the other, and that again and again.

    Args:
        measurements: What measures once, by name.
        repeats: Number of rounds.

    Returns:
        What was measured in every round, by name.
    """
    values: dict[str, list[float]] = {name: [] for name in measurements}
    with Progress(transient=True) as progress:
        for _ in progress.track(range(repeats), description='measuring'):
            for name, measure in measurements.items():
                values[name].append(measure())
    return values


def spread(values: Sequence[float]) -> Spread:
    """Summarize repetitions."""
    return Spread(statistics.median(values), min(values), max(values))


def ratio(values: Sequence[float], to: Sequence[float]) -> Spread:
    """Summarize the ratios of two measurements, round by round."""
    return spread([value / other for value, other in zip(values, to, strict=True)])
