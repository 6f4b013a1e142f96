"""Means over seeds, and paired differences with their uncertainty."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """Mean difference of two methods over the seeds that both have.

    Args:
        n: Number of these seeds.
        mean: Mean of the differences.
        low: Lower end of the 95 % interval; NaN with fewer than two seeds.
        p: Two-sided p of the paired t test; NaN with fewer than two seeds, or if all differences
            are equal.
    """

    n: int
    mean: float
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan

    @property
    def significant(self) -> bool:
        """Whether the interval does not contain zero."""
        return self.low > 0 or self.high < 0


def compare(values: Mapping[int, float], against: Mapping[int, float]) -> Difference | None:
    """Compare two methods by their values for each seed; None if they have no seed in common."""
    seeds = [seed for seed in values if seed in against]
    if not seeds:
        return None
    first, second = ([of[seed] for seed in seeds] for of in (values, against))
    mean = float(np.mean(np.subtract(first, second)))
    if len(seeds) < 2 or np.ptp(np.subtract(first, second)) < 1e-9:  # without spread, no test
        return Difference(len(seeds), mean)
    test = stats.ttest_rel(first, second)
    low, high = test.confidence_interval(CONFIDENCE)
    return Difference(len(seeds), mean, float(low), float(high), float(test.pvalue))


def correct_for_number(values: Sequence[float]) -> list[float]:
    """Correct the p of several tests for their number, as Holm (1979) does.

    If there is no effect at all, the chance that any corrected p is below 0.05 is at most 0.05.

    Args:
        values: A p for each test. Those that are NaN stay so, and do not count.
    """
    p = np.asarray(values, dtype=float)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]  # NaN is sorted to the end
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected = np.full(len(p), math.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected.tolist()


def mean_and_std(values: Mapping[int, float]) -> tuple[float, float]:
    """Return the mean and the sample standard deviation (NaN for a single value)."""
    numbers = list(values.values())
    return float(np.mean(numbers)), float(np.std(numbers, ddof=1)) if len(numbers) > 1 else math.nan
