"""Replaces a function of another package."""

import functools
import inspect
from collections.abc import Callable
from typing import Any


def wrap(owner: Any, name: str, around: Callable) -> None:
    """Replace a function of a module or a class by one that calls `around`; do so only once.

    `around` gets the original function as its first argument.
    """
    found = inspect.getattr_static(owner, name)
    kind = type(found) if isinstance(found, staticmethod | classmethod) else None
    original = found.__func__ if kind else found
    if hasattr(original, '__wrapped__'):
        return

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return around(original, *args, **kwargs)

    setattr(owner, name, kind(wrapper) if kind else wrapper)
