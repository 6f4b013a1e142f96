import os
import sqlite3

import cv2
import numpy as np
import pytest

from mmamf.planning.prints import fingerprint as module
from mmamf.planning.prints import measure_files
from mmamf.planning.prints import measure_label as measure_label_module
from mmamf.planning.prints.fingerprint import Fingerprint
from mmamf.planning.prints.measure_image import measure_image
from mmamf.planning.prints.measure_label import measure_label
from mmamf.planning.rules.size import choose_size
from mmamf.planning.samples.found_data import FoundData, FoundSample

COUNT = 6


def picture(seed):
    noise = np.random.default_rng(seed).normal(size=(60, 80, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 7)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.fixture
def data(tmp_path):
    root = tmp_path / 'data'
    root.mkdir()
    samples = []
    for index in range(COUNT):
        files = dict(rgb=f'{index}.png', depth=f'{index}.npy', labels=f'{index}_label.png')
        cv2.imwrite(str(root / files['rgb']), picture(index))
        np.save(root / files['depth'], (1000 + 10 * picture(index).mean(-1)).astype(np.uint16))
        cv2.imwrite(str(root / files['labels']), np.uint8([[0, 1], [index % 3, 255]]))
        samples.append(FoundSample(str(index), files, split='val' if index == 0 else 'train'))
    del samples[2].files['depth']
    return FoundData(root, ('rgb', 'depth'), tuple(samples))


@pytest.fixture
def cache(tmp_path):
    return tmp_path / 'fingerprint.sqlite'


@pytest.fixture
def read(monkeypatch):
    """List the files that are read."""
    files = []

    def measure(jobs, root, workers):
        files.extend(path for _, path in jobs)
        return measure_files.measure_files(jobs, root, workers)

    monkeypatch.setattr(module, 'measure_files', measure)
    return files


def test_prints_come_back_in_order(data, cache):
    found = Fingerprint(data, cache, 2)
    prints = dict(found.images('rgb'))
    assert [*prints] == [str(index) for index in range(COUNT)]
    # repr, because NaN equals nothing
    assert repr(prints['1']) == repr(measure_image('1.png', data.root))
    assert [name for name, _ in found.images('depth')] == ['0', '1', '3', '4', '5']
    assert dict(found.labels())['3'] == measure_label('3_label.png', data.root)


def test_only_new_and_changed_files_are_read_again(data, cache, read):
    Fingerprint(data, cache, 1)
    assert len(read) == 3 * COUNT - 1
    read.clear()
    Fingerprint(data, cache, 1)
    assert read == []
    cv2.imwrite(str(data.root / '4.png'), picture(40))
    os.utime(data.root / '4.png', ns=(0, 0))
    os.utime(data.root / '5_label.png', ns=(1, 1))
    found = Fingerprint(data, cache, 1)
    assert read == ['4.png', '5_label.png']
    assert repr(dict(found.images('rgb'))['4']) == repr(measure_image('4.png', data.root))


def test_removed_files_vanish(data, cache):
    Fingerprint(data, cache, 1)
    fewer = FoundData(data.root, data.modalities, data.samples[1:])
    assert len([*Fingerprint(fewer, cache, 1).images('rgb')]) == COUNT - 1
    (number,) = sqlite3.connect(cache).execute('SELECT count(*) FROM mmamf_prints').fetchone()
    assert number == 3 * (COUNT - 1) - 1


def test_an_interrupted_run_leaves_a_usable_cache(data, cache, read, monkeypatch):
    def interrupted(jobs, root, workers):
        yield from measure_files.measure_files(jobs[:5], root, workers)
        raise KeyboardInterrupt

    counting = module.measure_files
    monkeypatch.setattr(module, 'measure_files', interrupted)
    with pytest.raises(KeyboardInterrupt):
        Fingerprint(data, cache, 1)
    monkeypatch.setattr(module, 'measure_files', counting)
    assert len([*Fingerprint(data, cache, 1).images('rgb')]) == COUNT
    assert len(read) == 3 * COUNT - 1 - 5


def test_damaged_files_are_read_again(data, cache, read):
    path = data.root / '3.png'
    content = path.read_bytes()
    path.write_bytes(b'damaged')
    assert '3.png' in dict(Fingerprint(data, cache, 1).images('rgb'))['3'].error
    read.clear()
    Fingerprint(data, cache, 1)
    assert read == ['3.png']
    path.write_bytes(content)
    assert dict(Fingerprint(data, cache, 1).images('rgb'))['3'].error is None


def test_a_decoder_that_ends_the_process_is_told(data, cache, monkeypatch):
    def measure(path, root):
        if path == '3.png':
            os._exit(1)
        return measure_image(path, root)

    monkeypatch.setitem(measure_files.MEASURES, True, (measure, *measure_files.MEASURES[True][1:]))
    prints = dict(Fingerprint(data, cache, 2).images('rgb'))
    assert 'end of the process' in prints['3'].error
    assert all(found.error is None for name, found in prints.items() if name != '3')


def test_another_file_is_no_cache(data, cache):
    cache.write_text('a text of the user, which is no database')
    with pytest.raises(ValueError, match='expected the cache of a fingerprint'):
        Fingerprint(data, cache, 1)


def test_summaries(data, cache):
    found = Fingerprint(data, cache, 1)
    assert found.modalities['rgb'].channels == {3: COUNT} and found.modalities['rgb'].colored
    assert found.modalities['depth'].kind == 'depth' and found.modalities['depth'].count == 5
    labels = found.label_summary
    assert (labels.num_classes, labels.ignore, labels.coding) == (3, (255,), 'indices')
    assert labels.images['val'][0] == 1
    offset = found.offsets['depth']
    assert offset.certainty > 0.9 and abs(offset.dx) < 0.5 and abs(offset.dy) < 0.5
    assert [*found.offsets] == ['depth']


def test_without_labels_there_is_no_summary(data, cache):
    samples = [FoundSample(s.name, dict(rgb=s.files['rgb'])) for s in data.samples]
    found = Fingerprint(FoundData(data.root, ('rgb',), tuple(samples)), cache, 1)
    assert found.label_summary is None and found.offsets == {}


def test_colors_and_indices_have_objects_of_one_size(tmp_path, monkeypatch):
    monkeypatch.setattr(measure_label_module, 'REGIONS_OF', 1)
    palette = np.uint8([[0, 0, 0], [200, 0, 0], [0, 90, 250]])
    sizes = {}
    for form in ('indices', 'colors'):
        root, samples = tmp_path / form, []
        root.mkdir()
        for index in range(3):
            label = np.zeros((480, 640), np.uint8)
            label[40 : 60 + index, 40:60], label[200:400, 200:500] = 2, 1
            label[100:120, 100:120] = 2
            stored = palette[label][..., ::-1] if form == 'colors' else label
            cv2.imwrite(str(root / f'{index}.png'), stored)
            samples.append(FoundSample(str(index), dict(labels=f'{index}.png')))
        data = FoundData(root, (), tuple(samples), classes=('soil', 'crop', 'weed'))
        found = Fingerprint(data, tmp_path / f'{form}.sqlite', 1).label_summary
        shares = {0: 0.8, 1: 0.19, 2: 0.01}
        size = choose_size(
            found.sizes, found.median_area, found.median_width, shares, 20000, data.classes
        )
        sizes[form] = found.median_area, found.median_width, size
    assert sizes['indices'] == sizes['colors']
    assert set(sizes['colors'][0]) == {0, 1, 2}


def test_different_pictures_are_no_duplicates(data, cache):
    assert Fingerprint(data, cache, 1).duplicates == []


def test_duplicates_across_the_split_come_first(data, cache):
    root = data.root
    (root / '5.png').write_bytes((root / '4.png').read_bytes())  # train and train
    (root / '3.png').write_bytes((root / '0.png').read_bytes())  # train and val
    cv2.imwrite(str(root / '1.png'), cv2.resize(picture(0), (160, 120)))  # the same, larger
    found = Fingerprint(data, cache, 1).duplicates
    assert found == [
        ('0', '3', 1), ('0', '1', 0), ('4', '5', 1), ('1', '3', 0),
    ]  # fmt: skip
    assert all(type(equal) is bool for *_, equal in found)


def test_flat_frames_look_like_nothing(data, cache):
    for index in range(COUNT):
        cv2.imwrite(str(data.root / f'{index}.png'), np.full((60, 80, 3), 50 + index, np.uint8))
    assert Fingerprint(data, cache, 1).duplicates == []


def test_a_finished_look_leaves_the_cache_to_other_plans(data, cache):
    first = Fingerprint(data, cache, 1)
    assert first.duplicates == [] and first.label_summary
    assert [*dict(Fingerprint(data, cache, 1).images('rgb'))] == [*dict(first.images('rgb'))]


def test_a_cache_that_another_plan_writes_is_told(data, cache, monkeypatch):
    Fingerprint(data, cache, 1)
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, 'connect', lambda path: connect(path, timeout=0.1))
    writer = connect(cache)
    writer.execute('BEGIN EXCLUSIVE')
    with pytest.raises(ValueError, match='no other plan that uses it now .*locked'):
        Fingerprint(data, cache, 1)
    writer.close()
