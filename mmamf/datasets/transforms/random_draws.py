"""Drawing the same random numbers several times."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def random_state() -> tuple:
    """Return what the next random numbers of Python and numpy depend on."""
    return random.getstate(), np.random.get_state()


def restore(state: tuple) -> None:
    """Go back to a random state."""
    random.setstate(state[0])
    np.random.set_state(state[1])


@contextmanager
def same_draws() -> Iterator[None]:
    """Let what follows draw the same random numbers once more."""
    state = random_state()
    yield
    restore(state)
