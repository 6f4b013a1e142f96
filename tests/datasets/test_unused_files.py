"""No file is left out in silence."""

import logging
import os
import shutil

import pytest

from mmamf.datasets import MultimodalSegDataset, MultimodalTranslationDataset, sample_files
from mmamf.datasets.list_files import list_files

PREFIX = dict(rgb='rgb', depth='depth', seg_map_path='label')
META = dict(classes=('a', 'b', 'c', 'd', 'e'))


@pytest.fixture
def said(monkeypatch):
    """What was logged of the samples: (text, level) of each line."""
    lines = []
    monkeypatch.setattr(
        sample_files, 'print_log', lambda text, logger, level: lines.append((text, level))
    )
    return lines


@pytest.fixture
def build(make_rgbd_dataset):
    """Builds a data set of four samples, after ``prepare(root)`` changed its files."""

    def make(prepare, translation=False, **kwargs):
        root = make_rgbd_dataset()
        prepare(root)
        kwargs = dict(data_root=str(root), **kwargs)
        if translation:
            return MultimodalTranslationDataset(['rgb'], 'depth', PREFIX, **kwargs)
        return MultimodalSegDataset(['rgb', 'depth'], PREFIX, metainfo=META, **kwargs)

    return make


def rename(*moves):
    return lambda root: [os.rename(root / old, root / new) for old, new in moves]


@pytest.mark.parametrize('translation', [False, True])
@pytest.mark.parametrize('listed', [False, True])
def test_suffixes_match_in_any_case(build, said, translation, listed):
    def prepare(root):
        rename(('rgb/01.png', 'rgb/01.PNG'), ('depth/02.png', 'depth/02.Png'))(root)
        (root / 'list.txt').write_text('00\n01\n02\n03')

    dataset = build(prepare, translation, ann_file='list.txt' if listed else '')
    assert len(dataset) == 4
    paths = [dataset.get_data_info(i)['modality_paths'] for i in range(4)]
    assert paths[1]['rgb'].endswith('rgb/01.PNG') and paths[2]['depth'].endswith('depth/02.Png')
    assert all(os.path.isfile(path) for sample in paths for path in sample.values())
    ((text, level),) = said
    assert level == logging.INFO and text.startswith(f'{type(dataset).__name__}: 4 samples of ')


@pytest.mark.parametrize('translation', [False, True])
def test_what_is_not_used_is_named_once(build, said, translation):
    def prepare(root):
        rename(('rgb/01.png', 'rgb/01.tif'))(root)
        os.remove(root / 'rgb' / '02.png')
        (root / 'rgb' / '02.png').symlink_to(root / 'nowhere.png')
        (root / 'rgb' / 'notes.txt').touch()
        (root / 'rgb' / '.hidden').mkdir()
        shutil.copy(root / 'rgb' / '00.png', root / 'rgb' / '.hidden' / '00.png')

    assert len(build(prepare, translation)) == 2
    ((text, level),) = said
    count = 4 if translation else 6
    assert '2 samples of ' in text and f'; {count} image files not used: ' in text
    assert 'rgb/01.tif (not *.png)' in text and 'depth/01.png (of no sample)' in text
    assert 'rgb/02.png (a link that leads nowhere or back)' in text
    assert 'notes' not in text and 'hidden' not in text and level == logging.WARNING


def test_labels_and_optional_modalities(build, said):
    moves = rename(('depth/01.png', 'depth/01.tiff'), ('label/03.png', 'label/03.PNG'))
    dataset = build(moves, optional=['depth'])
    assert dataset.get_data_info(1)['modality_paths']['depth'] is None
    assert dataset.get_data_info(3)['seg_map_path'].endswith('03.PNG')
    assert '; 1 image files not used: ' in said[0][0] and 'depth/01.tiff' in said[0][0]


def test_a_list_chooses_among_files_of_the_suffix(build, said):
    def prepare(root):
        (root / 'list.txt').write_text('00')
        shutil.copy(root / 'rgb' / '00.png', root / 'rgb' / '00.jpg')

    assert len(build(prepare, ann_file='list.txt')) == 1
    assert '1 image files not used: ' in said[0][0] and 'rgb/00.jpg (not *.png)' in said[0][0]


def test_files_of_several_modalities_in_one_folder_are_used(make_rgbd_dataset, said):
    root = make_rgbd_dataset()
    for folder in ('depth', 'label'):
        for path in (root / folder).iterdir():
            path.rename(root / 'rgb' / f'{path.stem}_{folder}.png')
    for path in (root / 'rgb').glob('??.png'):
        path.rename(path.with_name(f'{path.stem}_rgb.png'))
    dataset = MultimodalSegDataset(
        ['rgb', 'depth'],
        dict.fromkeys(PREFIX, 'rgb'),
        dict(rgb='_rgb.png', depth='_depth.png'),
        seg_map_suffix='_label.png',
        data_root=str(root),
        metainfo=META,
    )
    assert len(dataset) == 4 and 'not used' not in said[0][0]


def test_of_two_files_the_one_with_the_configured_suffix_is_used(build, said):
    dataset = build(lambda root: shutil.copy(root / 'rgb' / '00.png', root / 'rgb' / '00.PNG'))
    assert dataset.get_data_info(0)['img_path'].endswith('00.png') and len(dataset) == 4
    assert 'rgb/00.PNG (of no sample)' in said[0][0]


def test_what_is_there_instead_is_named(build):
    with pytest.raises(FileNotFoundError, match=r'depth/01.png \(there is 01.tif\)'):
        build(rename(('depth/01.png', 'depth/01.tif')))
    with pytest.raises(
        FileNotFoundError, match=r'no file \*.jpg in .* 4 other image files.*suffix='
    ):
        build(lambda root: None, img_suffix='.jpg')


def test_links_that_lead_back_are_followed_once(build, said):
    def prepare(root):
        (root / 'rgb' / 'again').symlink_to(root / 'rgb')
        (root / 'rgb' / 'self').symlink_to(root / 'rgb' / 'self')

    assert len(build(prepare)) == 4
    assert 'rgb/again (a link that leads nowhere or back)' in said[0][0]
    assert 'rgb/self (a link that' in said[0][0]


def test_links_to_folders_are_followed(tmp_path):
    (tmp_path / 'real').mkdir()
    (tmp_path / 'real' / '1.png').touch()
    (tmp_path / 'top').mkdir()
    for name in 'ab':
        (tmp_path / 'top' / name).symlink_to(tmp_path / 'real')
    assert list_files(str(tmp_path / 'top')) == (['a/1.png', 'b/1.png'], [])


@pytest.mark.parametrize(
    ('prepare', 'reason'),
    [
        (lambda root: root.rename(root.with_name('moved')), r' \(there is no .*/rgbd\)'),
        (lambda root: (shutil.rmtree(root / 'rgb'), (root / 'rgb').touch()), r' \(a file\)'),
        (
            lambda root: (shutil.rmtree(root / 'rgb'), (root / 'rgb').symlink_to(root / 'rgb')),
            r' \(a link that leads nowhere\)',
        ),
    ],
)
def test_a_folder_that_is_none(build, prepare, reason):
    with pytest.raises(FileNotFoundError, match=f"folder of 'rgb' not found: .*rgbd/rgb{reason}$"):
        build(prepare)


def test_a_folder_that_cannot_be_read(build, monkeypatch):
    def refuse(path):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('mmamf.datasets.list_files.os.scandir', refuse)
    with pytest.raises(ValueError, match='the folder cannot be read: Permission denied'):
        build(lambda root: None)
