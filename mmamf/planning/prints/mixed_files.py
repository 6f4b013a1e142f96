"""Decides what becomes of files that differ from the others of their modality."""

from collections import Counter
from collections.abc import Mapping

from mmamf.structures.dtypes import READ_AS

FEW = 0.05  # share of the files that a plan leaves out, so that the others keep all they have


def staying(counts: Mapping) -> Mapping:
    """Return the kinds of files that stay in a plan: only the usual one, if the others are few.

    Args:
        counts: Number of files of each kind, such as each dtype.
    """
    usual, total = most(counts), sum(counts.values())
    return {usual: counts[usual]} if 0 < total - counts[usual] <= FEW * total else counts


def most(counts: Mapping) -> object:
    """Return the most frequent kind of files."""
    return max(counts, key=counts.get)


def count_read_dtypes(dtypes: Mapping[str, int]) -> Mapping[str, int]:
    """Return the number of files of each dtype as loading reads it, from those as stored."""
    counts: Counter[str] = Counter()
    for dtype, count in dtypes.items():
        counts[read_dtype(dtype)] += count
    return counts


def read_dtype(dtype: str) -> str:
    """Return the dtype that loading makes of a stored one."""
    return READ_AS.get(dtype, dtype)
