from .seeded_batch_sampler import SeededBatchSampler
from .seeded_dataset import SeededDataset

__all__ = ['SeededBatchSampler', 'SeededDataset']
