import shutil

import pytest
from mmengine.registry import DATASETS

from mmamf.datasets import MultimodalSegDataset

pytestmark = pytest.mark.usefixtures('mmseg_scope')

META = dict(classes=('a', 'b', 'c', 'd', 'e'))
PREFIX = dict(rgb='rgb', depth='depth', seg_map_path='label')


@pytest.fixture
def build(make_rgbd_dataset):
    """Builds a data set of four samples, after ``prepare(root)`` changed its files."""

    def make(prepare=None, modalities=('rgb', 'depth'), **kwargs) -> MultimodalSegDataset:
        root = make_rgbd_dataset()
        if prepare is not None:
            prepare(root)
        kwargs = {**dict(data_root=str(root), data_prefix=PREFIX, metainfo=META), **kwargs}
        return MultimodalSegDataset(modalities=modalities, **kwargs)

    return make


def names(dataset) -> list[str]:
    return [dataset.get_data_info(i)['img_path'][-6:-4] for i in range(len(dataset))]


@pytest.mark.parametrize('serialize', [True, False])
@pytest.mark.parametrize('modalities', [('rgb', 'depth'), ['depth', 'rgb'], ('depth',)])
def test_data_info(build, modalities, serialize, tmp_path):
    dataset = build(modalities=modalities, serialize_data=serialize)
    assert names(dataset) == ['00', '01', '02', '03']
    info = dataset[1]
    root = tmp_path / 'rgbd'
    assert list(info['modality_paths'].items()) == [(m, f'{root}/{m}/01.png') for m in modalities]
    assert info['img_path'] == f'{root}/{modalities[0]}/01.png'
    assert info['seg_map_path'] == f'{root}/label/01.png'
    assert info['seg_fields'] == [] and info['num_classes'] == 5
    assert info['label_map'] is None and info['reduce_zero_label'] is False


@pytest.mark.parametrize(
    ('kwargs', 'expected'),
    [
        (dict(indices=2), ['00', '01']),
        (dict(indices=[3, 0]), ['03', '00']),
        (dict(lazy_init=True), ['00', '01', '02', '03']),
        (dict(ann_file='val.txt'), ['02', '00']),
        (dict(ann_file='val.txt', indices=1), ['02']),
    ],
)
def test_selection_of_samples(build, kwargs, expected):
    def write_list(root):
        (root / 'val.txt').write_text('02\n\n00 \n')

    dataset = build(write_list, **kwargs)
    dataset.full_init()
    assert names(dataset) == expected


def test_extra_files_do_no_harm(build):
    def add(root):
        shutil.copy(root / 'depth' / '00.png', root / 'depth' / '99.png')
        shutil.copy(root / 'label' / '00.png', root / 'label' / '98.png')
        (root / 'rgb' / 'Thumbs.db').touch()

    assert len(build(add)) == 4


def test_sub_folders_and_suffix_per_modality(build):
    def move(root):
        for folder, suffix in (('rgb', '_color.png'), ('depth', '_d.png'), ('label', '.png')):
            (root / folder / 'scene').mkdir()
            for path in list((root / folder).glob('*.png')):
                target = root / folder / ('scene' if path.stem == '03' else '') / path.stem
                path.rename(f'{target}{suffix}')

    dataset = build(move, img_suffix=dict(rgb='_color.png', depth='_d.png'))
    assert len(dataset) == 4
    assert dataset[3]['modality_paths']['depth'].endswith('depth/scene/03_d.png')
    assert dataset[3]['seg_map_path'].endswith('label/scene/03.png')


def test_labels_are_optional_in_test_mode(build):
    dataset = build(data_prefix=dict(rgb='rgb', depth='depth'), test_mode=True)
    assert len(dataset) == 4 and 'seg_map_path' not in dataset[0]


def test_subset_of_classes():
    class Five(MultimodalSegDataset):
        METAINFO = dict(META, palette=[[i, i, i] for i in range(5)])

    assert Five.get_label_map(('e', 'b')) == {0: 255, 1: 1, 2: 255, 3: 255, 4: 0}


def test_builds_from_a_config(rgbd_dataset_cfg):
    dataset = DATASETS.build(rgbd_dataset_cfg(count=2))
    assert dataset[0]['inputs'].shape == (4, 48, 64)


@pytest.mark.parametrize('wrong', [None, 'void', 1.5])
def test_wrong_ignore_index_is_refused_as_the_data_set_is_built(build, wrong):
    with pytest.raises(ValueError, match=f'^ignore_index: expected a whole number.*got {wrong!r}'):
        build(lazy_init=True, ignore_index=wrong)


def test_ignore_index_of_the_files_becomes_255(rgbd_dataset_cfg):
    config = rgbd_dataset_cfg(count=2)
    plain, ignoring = (DATASETS.build(dict(config, **more)) for more in ({}, dict(ignore_index=2)))
    labels = [dataset[0]['data_samples'].gt_sem_seg.data for dataset in (plain, ignoring)]
    assert (labels[0] == 2).any()
    assert labels[1].equal(labels[0].masked_fill(labels[0] == 2, 255))


@pytest.mark.parametrize(
    ('removed', 'message'),
    [
        (['depth/01.png'], r'3 files for each of 4 samples, 1 are missing:\n  .*/depth/01.png$'),
        (
            ['depth/00.png', 'label/02.png', 'label/03.png'],
            r'3 are missing:\n  .*/depth/00.png\n  .*/label/02.png\n  .*/label/03.png$',
        ),
    ],
)
def test_missing_files_are_listed(build, removed, message):
    with pytest.raises(FileNotFoundError, match=message):
        build(lambda root: [(root / path).unlink() for path in removed])


def test_long_lists_of_missing_files_are_cut(build):
    def write_list(root):
        (root / 'train.txt').write_text('\n'.join(f'no{i}' for i in range(9)))

    with pytest.raises(FileNotFoundError, match=r'27 are missing:\n(  .*\n){10}  and 17 more$'):
        build(write_list, ann_file='train.txt')


@pytest.mark.parametrize(
    ('prepare', 'kwargs', 'message'),
    [
        (
            lambda root: shutil.rmtree(root / 'depth'),
            {},
            "folder of 'depth' not found: .*rgbd/depth",
        ),
        (
            lambda root: shutil.rmtree(root / 'label'),
            {},
            "folder of 'seg_map_path' not found: .*/label",
        ),
        (None, dict(ann_file='none.txt'), 'ann_file not found: .*rgbd/none.txt'),
        (None, dict(img_suffix='.jpg'), r'at least one sample, found no file \*.jpg in .*rgbd/rgb'),
        (
            lambda root: (root / 'empty.txt').touch(),
            dict(ann_file='empty.txt'),
            'found no file .* named by .*rgbd/empty.txt',
        ),
    ],
)
def test_nothing_to_read(build, prepare, kwargs, message):
    with pytest.raises(FileNotFoundError, match=message):
        build(prepare, **kwargs)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(modalities=()), r'expected a non-empty sequence of distinct names, got \[\]'),
        (dict(modalities=None), r'expected a non-empty sequence of distinct names, got \[\]'),
        (dict(modalities='rgb'), "expected a list of names, got the string 'rgb'"),
        (dict(modalities=('rgb', 'rgb')), 'distinct names, got'),
        (dict(modalities=('rgb', 'x/y')), "letters, digits and underscores, got 'x/y'"),
        (dict(modalities=('rgb', 3)), 'letters, digits and underscores, got 3'),
        (dict(modalities=('rgb', 'ensemble')), "expected a name other than .* got 'ensemble'"),
        (
            dict(modalities=('rgb', 'normal')),
            "expected a folder for each of .* none for 'normal' in",
        ),
        (dict(data_prefix=dict(rgb='rgb', depth='depth')), "none for 'seg_map_path' in"),
        (dict(img_suffix=dict(rgb='.png')), "suffix for each of .* got none for 'depth' in"),
        (
            dict(img_suffix=('.png', '.jpg')),
            r"img_suffix: expected a dict .* got \('.png', '.jpg'\)",
        ),
        (dict(img_suffix=dict(rgb='.png', depth=1)), "img_suffix: .* a string, for 'depth', got 1"),
        (
            dict(data_prefix=dict(rgb=['rgb'], depth='depth', seg_map_path='label')),
            r"data_prefix: expected one folder, a string, for 'rgb', got \['rgb'\]",
        ),
        (dict(indices=0), r'indices: expected a number other than 0, .* from -4 to 3, got \[0\]'),
        (dict(indices=[]), r'indices: expected a number other than 0.* got \[\[\]\]'),
        (dict(indices=[0, 4]), r'indices: expected .* got \[4\]'),
        (dict(metainfo=None), r'expected metainfo=dict\(classes=\(...\)\), got no classes'),
        (dict(metainfo=None, test_mode=True), 'got no classes'),
    ],
)
def test_bad_arguments(build, kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(**kwargs)
