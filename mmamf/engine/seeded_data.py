"""Makes random numbers a function of a key, so that a restart needs no generator state."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler, Dataset, Sampler


def seed_all(*key: int) -> None:
    """Seed Python, NumPy and PyTorch (all devices) from a key, such as (seed, rank, iteration).

    Keys that differ in any number give independent streams.
    """
    words = np.random.SeedSequence(key).generate_state(4)
    random.seed(int(words[0]))
    np.random.seed(words[1])
    torch.manual_seed(int(words[2]) << 32 | int(words[3]))


class SeededDataset(Dataset):
    """Wraps a data set, and seeds every random generator before each sample.

    Args:
        dataset: Any map-style data set.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getitem__(self, item: tuple[int, tuple[int, ...]]) -> Any:
        """Load a sample.

        Args:
            item: Index of the sample and its seed key, see :class:`SeededBatchSampler`.
        """
        index, key = item
        seed_all(*key)
        return self.dataset[index]

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def metainfo(self) -> dict:
        """The wrapped data set's meta information, which mmengine's loops and hooks read."""
        return self.dataset.metainfo


class SeededBatchSampler(Sampler):
    """Yields the batches of another batch sampler from any position, with a seed key per sample.

    Batches are numbered from the start of the whole training. A sample's key is (*seed, number of
    the batch, place in the batch), so its augmentation depends only on these.

    Args:
        batch_sampler: Batch sampler that gives the indices. The order of its sampler must depend
            only on seed and epoch, as in mmengine's `DefaultSampler` and `InfiniteSampler`.
        seed: First numbers of every key.
        endless: Whether the next epoch follows immediately, as the iteration-based loop needs.
    """

    def __init__(self, batch_sampler: BatchSampler, seed: tuple[int, ...], endless: bool) -> None:
        self.batch_sampler = batch_sampler
        self.sampler = batch_sampler.sampler
        self.batch_size = batch_sampler.batch_size
        self.seed = seed
        self.endless = endless
        self.first = 0  # number of the first batch of the next pass
        self.skip = 0  # number of batches of the next pass that were trained already

    def __iter__(self) -> Iterator[list[tuple[int, tuple[int, ...]]]]:
        first, skip = self.first, self.skip
        number, epoch = first, 0
        while True:
            for indices in self.batch_sampler:
                if number - first >= skip:
                    yield [(index, (*self.seed, number, i)) for i, index in enumerate(indices)]
                number += 1
            if not self.endless or number == first:
                return
            epoch += 1
            if hasattr(self.sampler, 'set_epoch'):
                self.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.batch_sampler)
