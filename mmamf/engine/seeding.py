"""Random numbers as a function of a key, so that no generator's state has to survive a restart."""

import random

import numpy as np
import torch


def seed_all(*key: int) -> None:
    """Seed Python, NumPy and PyTorch (every device) from a key, for example (seed, rank,
    iteration).

    Keys that differ in any number give unrelated streams.
    """
    words = np.random.SeedSequence(key).generate_state(4)
    random.seed(int(words[0]))
    np.random.seed(words[1])
    torch.manual_seed(int(words[2]) << 32 | int(words[3]))
