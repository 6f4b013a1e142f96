"""Splits samples into train and val, such that no scene is on both sides."""

import csv
import os.path as osp
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmamf.datasets.sample_table import SAMPLE

from .found_data import SPLITS, FoundData, FoundSample

DRAWS = 200  # random orders of the groups, of which the best is taken
NUMBERED = 0.8  # share of names that end with a number: their order is an order in time or space
BLOCK = 50  # samples per block of val, at least; at most BLOCKS blocks
BLOCKS = 3
GAP = 0.01  # share of the samples at each border between the sides
SMALLEST_WITH_GAP = 20


def split_data(data: FoundData, share: float = 0.2, seed: int = 0) -> FoundData:
    """Give each sample a side: 'train' or 'val', and 'test' only if the data say so.

    If the data have train and val, they stay. If they have one of them, or only a test side, then
    all other samples are split, so val never takes from test:

    - By groups (sequence, folder, subject) if there are several. Whole groups go to val, such that
      both sides have each modality, if that is possible, and the samples of val are about the
      share. With few groups, it may be more or less.
    - One group whose names end with numbers counts as a video. val gets one to three long blocks of
      it. The samples within 1 % of a block's borders are on no side, because they show what both
      sides show; ``between`` names them. Fewer than 20 samples have no such gap.
    - Otherwise, val gets single samples at random.

    No side is empty. The same seed gives the same split.

    Args:
        data: The samples.
        share: Part of the samples that val gets, between 0 and 1.
        seed: Seed of the random choices.

    Raises:
        ValueError: If ``share`` is not between 0 and 1, or there are fewer than 2 samples to split.
    """
    if not 0 < share < 1:
        raise ValueError(f'share: expected a number between 0 and 1, got {share}')
    sides = Counter(sample.split for sample in data.samples)
    if sides['val'] and (sides['train'] or sides[None]):
        return _with_sides(data, {s.name: s.split or 'train' for s in data.samples})
    rest = [sample for sample in data.samples if sample.split != 'test']
    if not rest:  # all are test
        rest = list(data.samples)
    if len(rest) < 2:
        raise ValueError(
            f'{data.root}: expected at least 2 samples to split into train and val, got {len(rest)}'
        )
    rng = np.random.default_rng(seed)
    groups = defaultdict(list)
    for sample in sorted(rest, key=lambda sample: _natural(sample.name)):
        groups[sample.group].append(sample)
    names = [sample.name for group in groups.values() for sample in group]
    gap: Sequence[str] = ()
    if len(groups) > 1:
        val = _draw_groups(groups, share * len(names), rng)
    elif _are_numbered(names):
        val, gap = _cut_blocks(names, share, rng)
    else:
        count = min(max(1, round(share * len(names))), len(names) - 1)
        val = [names[i] for i in rng.permutation(len(names))[:count]]
    given = {s.name: s.split for s in data.samples if s.split == 'test'}
    chosen = {**dict.fromkeys(names, 'train'), **dict.fromkeys(val, 'val')}
    return _with_sides(data, {**given, **chosen}, gap)


def write_tables(data: FoundData, folder: Path, root: Path | None = None) -> list[Path]:
    """Write train.csv and val.csv, and test.csv if there are such samples.

    The tables are what MultimodalSegDataset reads as ``ann_file``. A table of before is replaced.

    Args:
        data: The samples, split.
        folder: Folder of the tables; it is created if necessary.
        root: The ``data_root`` that the paths in the tables start from; by default that of the
            data.

    Returns:
        The tables.

    Raises:
        ValueError: If train or val has no sample.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables = []
    for split in SPLITS:
        samples = data.of_split(split)
        if not samples and split == 'test':
            continue
        if not samples:
            raise ValueError(
                f'{data.root}: expected samples in {split}, got none: split them first'
            )
        tables.append(folder / f'{split}.csv')
        with open(tables[-1], 'w', encoding='utf-8', newline='') as stream:
            table = csv.writer(stream, lineterminator='\n')
            table.writerow([SAMPLE, *data.columns])
            for sample in samples:
                files = [sample.files.get(column, '') for column in data.columns]
                if root is not None and root.absolute() != data.root:
                    files = [file and osp.relpath(data.root / file, root) for file in files]
                table.writerow([sample.name, *files])
    return tables


def _with_sides(
    data: FoundData, sides: Mapping[str, str], between: Sequence[str] = ()
) -> FoundData:
    samples = tuple(
        replace(sample, split=sides[sample.name])
        for sample in data.samples
        if sample.name not in between
    )
    return replace(data, samples=samples, between=tuple(between))


def _draw_groups(
    groups: Mapping[str, Sequence[FoundSample]], wanted: float, rng: np.random.Generator
) -> list[str]:
    """Choose whole groups that have about the wanted number of samples together.

    First of all, few modalities (and labels) may be on one side only.
    """
    names = [*groups]
    sizes = np.array([len(groups[name]) for name in names])
    files = [set().union(*(sample.files for sample in groups[name])) for name in names]
    columns = sorted(set().union(*files))
    has = np.array([[column in own for column in columns] for own in files])  # (groups, columns)
    best, best_rank = None, (np.inf, np.inf)
    for _ in range(DRAWS):
        order = rng.permutation(len(names))
        errors = np.abs(sizes[order].cumsum() - wanted)[:-1]  # one group stays in train
        val = np.logical_or.accumulate(has[order])[:-1]
        train = np.logical_or.accumulate(has[order[::-1]])[-2::-1]
        one_sided = (val != train).sum(axis=1)
        cut = np.lexsort((errors, one_sided))[0]
        rank = (one_sided[cut], errors[cut])
        if rank < best_rank:
            best, best_rank = order[: cut + 1], rank
    return [sample.name for i in best for sample in groups[names[i]]]


def _cut_blocks(
    names: Sequence[str], share: float, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Cut blocks for val out of a sequence; return them and the samples at their borders."""
    count = len(names)
    gap = max(1, round(GAP * count)) if count >= SMALLEST_WITH_GAP else 0
    blocks = min(BLOCKS, max(1, round(share * count / BLOCK)))
    length = max(1, round(share * count / blocks))
    length = min(length, max(1, (count - 1) // blocks - 2 * gap))
    borders = np.linspace(0, count, blocks + 1).astype(int)
    val, near = [], []
    for start, stop in zip(borders, borders[1:]):
        first = int(rng.integers(start, max(start, stop - length) + 1))
        last = first + length
        val += names[first:last]
        near += [*names[max(first - gap, 0) : first], *names[last : last + gap]]
    taken = set(val)
    return val, [name for name in near if name not in taken]


def _are_numbered(names: Sequence[str]) -> bool:
    numbered = sum(bool(re.search(r'\d\W*$', name)) for name in names)
    return numbered >= NUMBERED * len(names)


def _natural(name: str) -> list:
    """Sort key that puts img_2 before img_10."""
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part)
            for part in re.split(r'(\d+)', name)]  # fmt: skip
