import cv2
import numpy as np
import pytest

from mmamf.datasets import PermutedRoomsDataset, RoomsDataset


@pytest.fixture
def rooms(make_rgbd_dataset):
    """Arguments of a data set of ``count`` samples."""

    def make(count=9, **options):
        root = make_rgbd_dataset(count=count)
        prefix = dict(rgb='rgb', depth='depth', seg_map_path='label')
        return dict(modalities=('rgb', 'depth'), data_root=str(root), data_prefix=prefix, **options)

    return make


@pytest.mark.parametrize('count', [2, 3, 9])
@pytest.mark.parametrize('seed', range(4))
def test_no_sample_keeps_its_own_and_none_is_lost(rooms, count, seed):
    cfg = rooms(count)
    plain = RoomsDataset(**cfg)
    permuted = PermutedRoomsDataset(permutation_seed=seed, **cfg)
    owners = []
    for index in range(count):
        before, after = plain.get_data_info(index), permuted.get_data_info(index)
        owners.append(after['modality_paths'].pop('depth'))
        assert owners[-1] != before['modality_paths'].pop('depth')
        assert after == before  # all else stays
    assert len(set(owners)) == count


def test_assignment_is_fixed_by_the_seed(rooms):
    cfg = rooms()

    def given(seed):
        dataset = PermutedRoomsDataset(permutation_seed=seed, **cfg)
        return [info['modality_paths']['depth'] for info in map(dataset.get_data_info, range(9))]

    assert given(0) == given(0) != given(1)


def test_a_part_of_the_samples_keeps_the_assignment(rooms):
    whole, part = (PermutedRoomsDataset(**rooms(), indices=n) for n in (None, 3))
    assert len(part) == 3
    assert part.get_data_info(2) == whole.get_data_info(2)


def test_loads_the_other_samples_depth(rooms):
    load = dict(
        type='LoadMultimodalImages',
        modalities=dict(
            rgb=dict(channels=3, dtype='uint8'), depth=dict(channels=1, dtype='uint16', missing=0)
        ),
    )
    pipeline = [load, dict(type='LoadLabelMap'), dict(type='PackMultimodalSegInputs')]
    dataset = PermutedRoomsDataset(**rooms(), pipeline=pipeline)
    sample = dataset[4]
    paths = dataset.get_data_info(4)['modality_paths']
    depth = cv2.imread(paths['depth'], cv2.IMREAD_UNCHANGED)
    assert np.array_equal(sample['inputs'][3].nan_to_num().numpy(), depth)  # NaN: no reading
    assert sample['data_samples'].sample_name == '04'
    assert sample['data_samples'].modality_paths == paths


@pytest.mark.parametrize(
    ('count', 'options', 'message'),
    [
        (3, dict(permuted='rgb'), r"after the first, \('depth',\), got 'rgb'"),
        (3, dict(permuted='hha'), "got 'hha'"),
        (1, dict(), 'at least two samples in .*rgbd, got 1'),
    ],
)
def test_wrong_input(rooms, count, options, message):
    with pytest.raises(ValueError, match=message):
        PermutedRoomsDataset(**rooms(count, **options))
