from collections.abc import Iterator

from torch.utils.data import BatchSampler, Sampler


class SeededBatchSampler(Sampler):
    """Yields the batches of another batch sampler from any position, a seed key with each sample.

    Batches are numbered from the start of the whole training; a sample's key is (*seed, number of
    its batch, place in the batch), so that its augmentation depends on nothing else.

    Args:
        batch_sampler: Where the indices come from. Its sampler's order must be a function of its
            seed and epoch alone, as in mmengine's `DefaultSampler` and `InfiniteSampler`.
        seed: First numbers of every key.
        endless: Whether to start the next epoch at the end of one, as the iteration-based loop wants.
    """

    def __init__(self, batch_sampler: BatchSampler, seed: tuple[int, ...], endless: bool) -> None:
        self.batch_sampler = batch_sampler
        self.sampler = batch_sampler.sampler
        self.batch_size = batch_sampler.batch_size
        self.seed = seed
        self.endless = endless
        self.first = 0  # number of the first batch of the next pass
        self.skip = 0  # batches of the next pass which have been trained

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
