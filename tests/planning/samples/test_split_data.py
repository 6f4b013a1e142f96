"""Splits keep what belongs together on one side."""

from dataclasses import replace
from pathlib import Path

import pytest

from mmamf.datasets.sample_table import read_sample_table
from mmamf.planning.samples.find_data import find_data
from mmamf.planning.samples.found_data import FoundData, FoundSample
from mmamf.planning.samples.split_data import split_data, write_tables


def sample(name, group='', split=None):
    files = dict(rgb=f'rgb/{name}.png', labels=f'labels/{name}.png')
    return FoundSample(name, files, group, split)


def data_of(*samples):
    return FoundData(Path('/data'), ('rgb',), tuple(samples))


def video(count):
    return data_of(*(sample(f'frame_{i:05}') for i in range(count)))


def sides(data):
    return {s.name: s.split for s in data.samples}


def size(data, split):
    return len(data.of_split(split))


def test_given_sides_stay():
    data = data_of(
        *(sample(f'{i}', split=s) for i, s in enumerate(('train', 'val', 'test', 'val')))
    )
    assert split_data(data) == data


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        (['train'] * 10 + ['test'] * 4, dict(train=8, val=2, test=4)),
        ([None] * 10 + ['test'] * 4, dict(train=8, val=2, test=4)),
        (['train'] * 10, dict(train=8, val=2, test=0)),
        ([None] * 10 + ['val'] * 3, dict(train=10, val=3, test=0)),
        (['val'] * 10, dict(train=8, val=2, test=0)),
        (['test'] * 10, dict(train=8, val=2, test=0)),
    ],
)
def test_sides_that_are_missing(given, expected):
    data = split_data(data_of(*(sample(f'{i:02}', split=s) for i, s in enumerate(given))))
    assert {split: size(data, split) for split in expected} == expected
    if 'test' in given and len(set(given)) > 1:
        assert all(s.split == 'test' for s in data.samples[10:])


@pytest.mark.parametrize('seed', [0, 1, 2])
def test_groups_stay_together(seed):
    samples = [sample(f'g{g}_{i}', f'g{g}') for g in range(12) for i in range(3 + g)]
    data = split_data(data_of(*samples), seed=seed)
    by_group = {}
    for one in data.samples:
        by_group.setdefault(one.group, set()).add(one.split)
    assert all(len(one) == 1 for one in by_group.values())
    assert size(data, 'val') == pytest.approx(0.2 * len(samples), abs=3)
    assert len(data.samples) == len(samples)


@pytest.mark.parametrize('seed', range(10))
def test_both_sides_have_each_modality(seed):
    """Two of four groups have thermal, and each has a fifth of the samples or more."""
    samples = [sample(f'g{g}_{i}', f'g{g}') for g in range(4) for i in range(15 + 5 * g)]
    samples = [
        replace(s, files={**s.files, 'thermal': s.name}) if s.group in ('g0', 'g3') else s
        for s in samples
    ]
    data = split_data(data_of(*samples), seed=seed)
    for split in ('train', 'val'):
        assert any('thermal' in s.files for s in data.of_split(split))
    assert data == split_data(data_of(*samples), seed=seed)
    assert {s.group for s in data.of_split('val')} == {'g0'}  # 15 of 90 are nearest to a fifth


def test_complete_samples_are_split_by_their_number():
    samples = [sample(f'g{g:02}_{i}', f'g{g:02}') for g in range(12) for i in range(3 + g)]
    data = split_data(data_of(*samples))
    assert {s.group for s in data.of_split('val')} == {'g06', 'g08'}


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('count', [20, 60, 153, 600, 5000])
def test_a_video_is_cut_into_blocks_with_gaps(count, seed):
    before = video(count)
    data = split_data(before, seed=seed)
    gap = max(1, round(0.01 * count))
    numbers = {s: [int(x.name[-5:]) for x in data.of_split(s)] for s in ('train', 'val')}
    nearest = min(abs(a - b) for b in numbers['val'] for a in numbers['train'])
    assert nearest > gap
    assert len(numbers['val']) == pytest.approx(0.2 * count, abs=3)
    blocks = 1 + sum(b - a > 1 for a, b in zip(numbers['val'], numbers['val'][1:]))
    assert blocks <= 3
    gone = {s.name for s in before.samples} - sides(data).keys()
    assert 0 < len(gone) <= 6 * gap
    assert len(data.between) == len(gone) and set(data.between) == gone


def test_names_without_numbers_are_drawn_at_random():
    names = [f'{a}{b}' for a in 'abcde' for b in 'vwxyz']
    data = split_data(data_of(*map(sample, names)))
    assert size(data, 'val') == 5 and not data.between


def test_the_same_seed_gives_the_same_split():
    samples = [sample(f'{a}{b}') for a in 'abcde' for b in 'vwxyz']
    one, same, other = (split_data(data_of(*samples), seed=seed) for seed in (3, 3, 4))
    assert one == same and sides(one) != sides(other)
    assert sides(split_data(data_of(*samples[::-1]), seed=3)) == sides(one)


@pytest.mark.parametrize('count', range(2, 25))
@pytest.mark.parametrize('grouped', [False, True])
@pytest.mark.parametrize('share', [0.01, 0.2, 0.5, 0.99])
def test_no_side_is_empty(count, grouped, share):
    samples = (sample(f'x{i:02}', f'g{i % 3}' if grouped else '') for i in range(count))
    data = split_data(data_of(*samples), share)
    assert size(data, 'train') and size(data, 'val')


def test_wrong_shares_and_single_samples_are_refused():
    with pytest.raises(ValueError, match='share: expected a number between 0 and 1, got 1'):
        split_data(video(10), share=1)
    with pytest.raises(ValueError, match='/data: expected at least 2 samples to split .* got 1'):
        split_data(video(1))


def test_tables_are_read_as_written(tmp_path):
    root = tmp_path / 'data'
    for folder in ('rgb', 'depth', 'label'):
        (root / folder).mkdir(parents=True)
        for i in range(10):
            if folder != 'depth' or i % 3:
                (root / folder / f'a, {i}.png').touch()
    data = split_data(find_data(root))
    with pytest.raises(ValueError, match='expected samples in train, got none: split them first'):
        write_tables(replace(data, samples=data.samples[:0]), tmp_path)
    paths = write_tables(data, tmp_path / 'plan')
    assert [path.name for path in paths] == ['train.csv', 'val.csv']
    assert paths[0].read_text().splitlines()[0] == 'sample,rgb,depth,labels'
    for path, split in zip(paths, ('train', 'val')):
        read = read_sample_table(str(path), str(root), ('rgb', 'depth'), ('depth',))
        assert [*read] == [s.name for s in data.of_split(split)]
        for one in data.of_split(split):
            files = read[one.name]
            assert files['rgb'] == f'{root}/{one.files["rgb"]}'
            assert (files['depth'] is None) == ('depth' not in one.files)
    (tmp_path / 'else').mkdir()
    write_tables(data, tmp_path / 'plan', tmp_path / 'else')
    assert read_sample_table(str(paths[0]), str(tmp_path / 'else'), ('rgb',))
