import shutil

import pytest
from mmengine.registry import DATASETS

from mmamf.datasets.multimodal_translation_dataset import MultimodalTranslationDataset

PREFIX = dict(rgb='rgb', depth='depth', label='label')


@pytest.fixture
def build(make_rgbd_dataset):
    """Builds a data set of four samples, after ``prepare(root)`` changed its files."""

    def make(prepare=None, modalities=('rgb', 'depth'), target='label', **kwargs):
        root = make_rgbd_dataset()
        if prepare is not None:
            prepare(root)
        kwargs = {**dict(data_root=str(root), data_prefix=PREFIX), **kwargs}
        return MultimodalTranslationDataset(modalities=modalities, target=target, **kwargs)

    return make


@pytest.mark.parametrize(
    ('modalities', 'target'),
    [(('rgb', 'depth'), 'label'), (['depth', 'rgb'], 'label'), (['label'], 'rgb')],
)
def test_data_info(build, modalities, target, tmp_path):
    dataset = build(modalities=modalities, target=target)
    assert len(dataset) == 4
    info = dataset[1]
    root = tmp_path / 'rgbd'
    expected = [(name, f'{root}/{name}/01.png') for name in (*modalities, target)]
    assert list(info['modality_paths'].items()) == expected  # the target's last
    assert info['img_path'] == f'{root}/{modalities[0]}/01.png'
    assert info['modalities'] == tuple(modalities) and info['target'] == target
    assert info['sample_name'] == '01'


def test_listed_samples_in_sub_folders_with_suffixes(build):
    def move(root):
        for folder, suffix in (('rgb', '_color.png'), ('depth', '_d.png'), ('label', '_l.png')):
            (root / folder / 'a' / 'b').mkdir(parents=True)
            for path in list((root / folder).glob('*.png')):
                place = root / folder / ('a/b' if path.stem == '03' else '')
                path.rename(place / f'{path.stem}{suffix}')
        (root / 'val.txt').write_text('a/b/03\n\n00 \n')

    suffixes = dict(rgb='_color.png', depth='_d.png', label='_l.png')
    listed = build(move, img_suffix=suffixes, ann_file='val.txt')
    paths = [listed[i]['modality_paths'] for i in range(len(listed))]
    assert [path['rgb'].split('/rgb/')[1] for path in paths] == ['a/b/03_color.png', '00_color.png']
    assert [path['label'].split('/label/')[1] for path in paths] == ['a/b/03_l.png', '00_l.png']
    assert [listed[i]['sample_name'] for i in range(2)] == ['a/b/03', '00']


def test_extra_files_do_no_harm(build):
    assert len(build(lambda root: (root / 'depth' / '99.png').touch())) == 4


def test_builds_from_a_config(make_rgbd_dataset):
    cfg = dict(
        type='MultimodalTranslationDataset',
        modalities=['rgb'],
        target='depth',
        data_root=str(make_rgbd_dataset(count=2)),
        data_prefix=PREFIX,
        indices=1,
    )
    assert len(DATASETS.build(cfg)) == 1


@pytest.mark.parametrize(
    ('removed', 'message'),
    [
        (['depth/01.png'], r'3 files for each of 4 samples, 1 are missing:\n  .*/depth/01.png$'),
        (['label/02.png'], r'1 are missing:\n  .*/label/02.png$'),
    ],
)
def test_a_domain_missing_in_one_view(build, removed, message):
    with pytest.raises(FileNotFoundError, match=message):
        build(lambda root: [(root / path).unlink() for path in removed])


def absent(root, line='07'):
    (root / 'list.txt').write_text(f'00\n{line}')


@pytest.mark.parametrize('line', ['07', 'sub/00', '../label/00', '/label/00'])
def test_a_list_that_names_an_absent_file(build, line):
    with pytest.raises(FileNotFoundError, match='3 files for each of 2 samples, 3 are missing'):
        build(lambda root: absent(root, line), ann_file='list.txt')


def test_an_absolute_line_does_not_lead_all_modalities_to_one_file(build, tmp_path):
    line = str(tmp_path / 'rgbd' / 'rgb' / '01')
    dataset = build(lambda root: absent(root, line), ann_file='list.txt')
    root = tmp_path / 'rgbd'
    assert dataset[1]['modality_paths'] == {k: f'{root}/{k}/01.png' for k in PREFIX}


@pytest.mark.parametrize(
    ('prepare', 'kwargs', 'message'),
    [
        (lambda root: shutil.rmtree(root / 'label'), {}, "folder of 'label' not found: .*/label"),
        (None, dict(ann_file='none.txt'), 'ann_file not found: .*rgbd/none.txt'),
        (None, dict(img_suffix='.jpg'), r'at least one sample, found no file \*.jpg in .*rgbd/rgb'),
    ],
)
def test_nothing_to_read(build, prepare, kwargs, message):
    with pytest.raises(FileNotFoundError, match=message):
        build(prepare, **kwargs)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (
            dict(target='rgb'),
            r"expected inputs other than the target 'rgb', got \('rgb', 'depth'\)",
        ),
        (dict(modalities=()), r'expected a non-empty sequence of distinct names, got \[\]'),
        (dict(modalities=('rgb', 'rgb')), 'distinct names, got'),
        (dict(modalities='rgb'), "expected a list of names, got the string 'rgb'"),
        (dict(target='ensemble'), "expected a name other than .* got 'ensemble'"),
        (dict(target=None), 'names of letters, digits and underscores, got None'),
        (dict(target='normal'), "expected a folder for each of .* none for 'normal' in"),
        (dict(img_suffix=dict(rgb='.png')), "suffix for each of .* got none for 'depth' in"),
    ],
)
def test_bad_arguments(build, kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(**kwargs)


def test_a_list_that_repeats_a_sample(build):
    with pytest.raises(
        ValueError, match=r"list.txt: expected each sample once, got 1 .*: \['00'\]"
    ):
        build(lambda root: absent(root, '00'), ann_file='list.txt')
