from typing import Any

from torch.utils.data import Dataset

from mmamf.engine.seeding import seed_all


class SeededDataset(Dataset):
    """Seeds every random generator before each sample; otherwise it is the data set it wraps.

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
