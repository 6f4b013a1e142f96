"""Gives the layers of a network the batch that they have to know."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from .folded_batch import FoldedBatch, Parts


class SharesBatch:
    """Marks the modules that have to know the batch."""

    batch: FoldedBatch | None = None

    @property
    def presence(self) -> Tensor | None:
        """The mask of this forward pass, (N, M); None if all modalities are present."""
        return None if self.batch is None else self.batch.presence


def share_batch(network: nn.Module, num_modalities: int) -> FoldedBatch:
    """Give one new object to all layers of a network that have to know the batch.

    Args:
        network: The complete network.
        num_modalities: Number of modalities M.
    """
    batch = FoldedBatch(num_modalities)
    for module in network.modules():
        if isinstance(module, SharesBatch):
            module.batch = batch
    return batch


@contextmanager
def exchange_within(network: nn.Module, parts: Parts | None) -> Iterator[None]:
    """Let the modalities of a network exchange features within parts only.

    This is for the forward passes inside the context, in all threads.

    Args:
        network: The complete network.
        parts: Indices of the modalities of each part; None lets all exchange.
    """
    found = (getattr(module, 'batch', None) for module in network.modules())
    batches = {batch for batch in found if isinstance(batch, FoldedBatch)}
    before = {batch: batch._parts for batch in batches}
    for batch in batches:
        batch._parts = parts
    try:
        yield
    finally:
        for batch in batches:
            batch._parts = before[batch]
