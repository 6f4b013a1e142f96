"""Draws the same random numbers several times."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def random_state() -> tuple:
    """Return the random state of Python and numpy."""
    return random.getstate(), np.random.get_state()


def restore(state: tuple) -> None:
    """Restore a random state."""
    random.setstate(state[0])
    np.random.set_state(state[1])


@contextmanager
def same_draws() -> Iterator[None]:
    """Restore the random state afterwards, so that later code draws the same numbers again."""
    state = random_state()
    yield
    restore(state)
