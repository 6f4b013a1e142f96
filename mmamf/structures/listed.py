"""Reads a value that may be one number or several."""

from collections.abc import Sequence

Numbers = float | Sequence[float]


def listed(values: Numbers | None) -> tuple[float, ...]:
    """Make a tuple from one number, several numbers, or None."""
    if values is None:
        return ()
    return tuple(values) if isinstance(values, list | tuple) else (values,)
