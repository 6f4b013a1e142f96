import random

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import BatchSampler, DataLoader, Dataset

from mmamf.engine.seeded_data import SeededBatchSampler, SeededDataset, seed_all


class Noise(Dataset):
    """Returns its index and a number from each generator."""

    metainfo = dict(classes=('a',))

    def __getitem__(self, index):
        return index, random.random(), float(np.random.rand()), float(torch.rand(()))

    def __len__(self):
        return 7


def batches(sampler_class, endless, first=0, skip=0):
    sampler = sampler_class(Noise(), shuffle=True, seed=3)
    seeded = SeededBatchSampler(BatchSampler(sampler, 2, False), (5, 0), endless=endless)
    seeded.first, seeded.skip = first, skip
    return seeded


def take(batch_sampler, count, num_workers=0):
    loader = DataLoader(
        SeededDataset(Noise()),
        batch_sampler=batch_sampler,
        num_workers=num_workers,
        collate_fn=list,
    )
    return [batch for batch, _ in zip(loader, range(count))]


def test_seed_key_decides_every_generator():
    draws = {}
    for key in [(0, 0), (0, 1), (1, 0), (0, 0)]:
        seed_all(*key)
        draw = (random.random(), np.random.rand(), torch.rand(()).item())
        assert draws.setdefault(key, draw) == draw
    assert len(set(draws.values())) == 3


@pytest.mark.parametrize('sampler_class', [DefaultSampler, InfiniteSampler])
@pytest.mark.parametrize('skip', [1, 4, 9])
def test_skipped_stream_continues_with_the_same_samples(sampler_class, skip):
    whole = take(batches(sampler_class, endless=True), 12)
    assert take(batches(sampler_class, endless=True, skip=skip), 12 - skip) == whole[skip:]


def test_workers_make_no_difference():
    assert take(batches(InfiniteSampler, endless=True), 6, num_workers=2) == take(
        batches(InfiniteSampler, endless=True), 6
    )


def test_one_pass_ends_and_numbers_its_batches():
    epoch = list(batches(DefaultSampler, endless=False, first=8, skip=1))
    assert [key for batch in epoch for _, key in batch] == [
        (5, 0, 9, 0),
        (5, 0, 9, 1),
        (5, 0, 10, 0),
        (5, 0, 10, 1),
        (5, 0, 11, 0),
    ]
    assert len(batches(DefaultSampler, endless=False)) == 4


def test_endless_stream_shuffles_each_epoch_anew():
    indices = [i for batch in take(batches(DefaultSampler, endless=True), 8) for i, *_ in batch]
    assert sorted(indices[:7]) == sorted(indices[7:]) == list(range(7))
    assert indices[:7] != indices[7:]


def test_dataset_keeps_its_metainfo():
    assert SeededDataset(Noise()).metainfo == Noise.metainfo
