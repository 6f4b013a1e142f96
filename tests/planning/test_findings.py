"""Every fault that is planted is found, and a clean set has none."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from planted import PLANTS, change, holes_as, make_clean_set, names, read, write

from mmamf.planning.findings import find_problems
from mmamf.planning.prints.fingerprint import Fingerprint
from mmamf.planning.samples.find_data import find_data
from mmamf.planning.samples.split_data import split_data


@pytest.fixture(scope='module')
def clean(tmp_path_factory) -> Path:
    return make_clean_set(tmp_path_factory.mktemp('clean') / 'set')


@pytest.fixture
def root(clean, tmp_path) -> Path:
    return shutil.copytree(clean, tmp_path / 'set')


def find(root: Path, **arguments) -> dict:
    data = split_data(find_data(root, **arguments))
    fingerprint = Fingerprint(data, root.parent / 'cache.sqlite', workers=1)
    return {finding.code: finding for finding in find_problems(data, fingerprint)}


def test_clean_set_has_no_finding(clean, tmp_path):
    data = split_data(find_data(clean))
    assert len(data.samples) == 24 and data.modalities == ('rgb', 'depth')
    fingerprint = Fingerprint(data, tmp_path / 'cache.sqlite', workers=1)
    assert find_problems(data, fingerprint) == []


@pytest.mark.parametrize('code', PLANTS)
def test_planted_fault_is_found(root, code):
    PLANTS[code](root)
    found = find(root)
    assert code in found
    finding = found[code]
    assert finding.what and finding.why and finding.remedy


@pytest.mark.parametrize('value', [-9999.0, np.nan, -3.4e38])
def test_holes_of_floats_are_found(root, value):
    holes_as(value)(root)
    finding = find(root)['holes']
    assert finding.level == 'note' and '16.7 % of the pixels of depth' in finding.what
    assert ('very near or very far' in finding.why) == np.isfinite(value)


def test_finding_names_files_and_their_number(root):
    PLANTS['color-order'](root)
    finding = find(root)['color-order']
    assert finding.count == 4
    assert finding.files[0] == 'rgb/seq0_000.png'


def test_samples_between_the_sides_are_no_skipped_files(root):
    for path in root.rglob('*.png'):
        path.rename(path.with_name(path.name[-7:]))  # no sequences: 000.png
    found = find(root)
    assert found.keys() == {'one-group'}
    what = found['one-group'].what
    assert what.endswith('apart. 2 samples at the borders of val are on no side.')


def test_samples_between_the_sides_count(root):
    for path in root.rglob('*_02[0-3].png'):
        path.unlink()
    for path in root.rglob('*.png'):
        path.rename(path.with_name(path.name[-7:]))
    assert find(root).keys() == {'one-group'}


def test_readings_of_names_are_no_faults_of_lists(root):
    shutil.copytree(root / 'labels', root / 'labels_color')
    for number in range(2):
        folder = root / f'fold{number}'
        folder.mkdir()
        stems = [path.stem for path in names(root, 'rgb')]
        (folder / 'train.txt').write_text('\n'.join(stems[:12]))
        (folder / 'val.txt').write_text('\n'.join(stems[12:]))
    found = find(root)
    assert found.keys() == {'skipped', 'several-readings'}
    assert found['skipped'].level == 'note'  # nobody wants pictures of labels


def test_frames_without_labels_are_no_junk(root):
    for path in names(root, 'labels')[-3:]:
        path.unlink()
    write(root / 'preview.png', read(names(root, 'rgb')[0]))
    shutil.copytree(root / 'labels', root / 'a' / 'labels_color')
    write(root / 'some where' / 'else.png', read(names(root, 'rgb')[0]))
    found = find(root)
    assert found.keys() == {'unlabeled', 'skipped'}
    note, junk = found['unlabeled'], found['skipped']
    assert note.level == 'note' and note.what == '3 samples have no label map and are left out.'
    assert note.files == ('seq5_021', 'seq5_022', 'seq5_023') and note.count == 3
    assert junk.level == 'warning' and junk.count == 23
    assert junk.files[0] == 'some where/else.png'  # the others are left out rightly


def test_gray_values_without_255_are_gaps(root):
    change(root / 'labels', lambda label: np.uint8([7, 40, 90])[label])
    found = find(root)
    assert found.keys() == {'labels-gaps'}
    assert found['labels-gaps'].what.endswith('7 -> 0, 40 -> 1, 90 -> 2.')


@pytest.mark.parametrize(
    ('folder', 'faulty', 'count', 'level', 'told'),
    [
        ('rgb', lambda x: x[..., 0], 1, 'warning', 'leaves the samples of the fewer files out'),
        ('rgb', lambda x: x[..., 0], 2, 'error', 'takes what all files have'),
        ('depth', lambda x: (x / 20).astype(np.uint8), 1, 'warning', 'leaves the samples'),
        ('depth', lambda x: (x / 20).astype(np.uint8), 2, 'error', 'A training stops'),
    ],
)
def test_few_other_files_are_left_out(root, folder, faulty, count, level, told):
    change(root / folder, faulty, count)
    finding = find(root)['mixed-files']
    assert (finding.level, finding.count) == (level, count)
    assert told in finding.remedy and '--fix DIR makes a copy' in finding.remedy


def test_dtypes_that_are_read_alike_are_a_note(root):
    for index, path in enumerate(names(root, 'depth')):
        np.save(path.with_suffix('.npy'), read(path).astype(np.float32 if index else np.int32))
        path.unlink()
    finding = find(root)['mixed-files']
    assert finding.level == 'note' and 'All of them are read as float32' in finding.remedy


def test_one_file_is_counted_as_one(root):
    PLANTS['unreadable'](root)
    PLANTS['unpaired'](root)
    found = find(root)
    assert found['unreadable'].what.startswith('1 file cannot be read')
    assert found['unpaired'].what == '1 of 24 samples lacks a file of depth.'


def test_one_class_is_counted_as_one(root):
    PLANTS['class-nowhere'](root)
    assert find(root)['class-nowhere'].what == '1 class is in no label map: ball.'


def test_a_test_side_may_have_no_labels(root):
    for folder in ('rgb', 'depth', 'labels'):
        for path in names(root, folder):
            side = root / ('test' if 'seq5' in path.name else 'train') / folder
            side.mkdir(parents=True, exist_ok=True)
            path.rename(side / path.name)
    shutil.rmtree(root / 'test' / 'labels')
    assert find(root)['unpaired'].level == 'note'


def test_numbered_objects_are_an_error_and_no_classes(root):
    for index, path in enumerate(names(root, 'labels')):
        objects = np.zeros((120, 160), np.uint8)
        for number in range(1, 3 + index % 8):
            objects[:, number * 10 : number * 10 + 8] = number
        write(path, objects)
    (root / 'classes.txt').unlink()
    found = find(root)
    assert found.keys() == {'labels-instances'}


def test_a_folder_of_masks_per_class_is_a_warning(root):
    for name in ('ball', 'box'):
        shutil.copytree(root / 'labels', root / 'masks' / name)
    shutil.rmtree(root / 'labels')
    found = find(root)['skipped']
    assert found.level == 'warning' and 'no less label maps than masks/ball' in found.what
