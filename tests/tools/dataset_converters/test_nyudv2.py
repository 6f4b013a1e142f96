"""NYU Depth v2: a miniature of its three .mat files, and two real frames, there and back."""

import json
import re

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from mmamf.datasets import NYUDv2Dataset

FILES = ('classMapping40.mat', 'nyu_depth_v2_labeled.mat', 'splits.mat')


@pytest.fixture
def nyudv2(load_converter):
    return load_converter('nyudv2')


@pytest.fixture
def convert(nyudv2, tmp_path):
    """Runner: ``convert(raw, *options)`` returns the exit status and the folder written."""

    def run(raw, *options):
        out = tmp_path / 'out'
        return nyudv2.main([str(raw), str(out), '--partial', '--workers', '2', *options]), out

    return run


def read(out, folder, index):
    return cv2.imread(str(out / folder / f'{index:06d}.png'), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize('depth', [None, 'filled', 'raw'])
def test_every_pixel(convert, tmp_path, write_nyudv2, nyudv2_frames, nyudv2_map_class, depth):
    frames = nyudv2_frames(4)
    raw = write_nyudv2(tmp_path / 'raw', frames=frames, train=[4, 2, 1], test=[3])
    status, out = convert(raw, *(['--depth', depth] if depth else []))
    assert status == 0
    assert (out / 'train.txt').read_text() == '000004\n000002\n000001\n'
    assert (out / 'test.txt').read_text() == '000003\n'
    assert json.loads((out / 'conversion.json').read_text()) == dict(
        dataset='nyudv2', depth=depth or 'raw', depth_units_per_meter=5000, raw=str(raw)
    )
    class_of = {0: 255} | {i: int(c) - 1 for i, c in enumerate(nyudv2_map_class, start=1)}
    for index, frame in enumerate(frames, start=1):
        np.testing.assert_array_equal(
            read(out, 'rgb', index), frame['images'][:, :, [2, 1, 0]], strict=True
        )
        meters = frame['depths' if depth == 'filled' else 'rawDepths'].astype(float)
        missing = np.isin(meters, [0, 10])
        assert missing.any() == (depth != 'filled')
        expected = np.where(missing, 0, (meters * 5000).round()).astype(np.uint16)
        np.testing.assert_array_equal(read(out, 'depth', index), expected, strict=True)
        expected = np.vectorize(class_of.get)(frame['labels']).astype(np.uint8)
        assert set(np.unique(expected)) == {*range(40), 255}
        np.testing.assert_array_equal(read(out, 'masks', index), expected, strict=True)


def test_the_data_set_reads_it(convert, tmp_path, write_nyudv2):
    _, out = convert(write_nyudv2(tmp_path / 'raw', count=3))
    for split, length in dict(train=2, test=1).items():
        assert len(NYUDv2Dataset(data_root=str(out), ann_file=f'{split}.txt')) == length


def test_intrinsics_are_those_of_the_whole_image(convert, tmp_path, write_nyudv2):
    raw = write_nyudv2(tmp_path / 'raw', count=2, size=(480, 640))
    _, out = convert(raw)
    camera = [518.857901, 519.469611, 325.582449, 253.736166]
    assert json.loads((out / 'intrinsics.json').read_text()) == {'000001': camera, '000002': camera}


def test_no_intrinsics_for_another_size(convert, tmp_path, write_nyudv2):
    _, out = convert(write_nyudv2(tmp_path / 'raw'))
    assert not (out / 'intrinsics.json').exists()


def test_real_frames(convert, tmp_path, nyuv2_samples, write_nyudv2, nyudv2_map_class):
    """Two real frames go into a .mat with 894 classes and come back as they were."""
    names = sorted(path.stem for path in (nyuv2_samples / 'rgb').iterdir())
    first = {int(c) - 1: i for i, c in reversed([*enumerate(nyudv2_map_class, start=1)])}
    frames = []
    for name in names:
        images = {
            folder: cv2.imread(str(nyuv2_samples / folder / f'{name}.png'), -1)
            for folder in ('rgb', 'depth', 'masks')
        }
        meters = images['depth'].astype(np.float32) / 5000
        frames.append(
            dict(
                images=images['rgb'][:, :, ::-1],
                depths=meters,
                rawDepths=meters,
                labels=np.vectorize(({255: 0} | first).get)(images['masks']).astype(np.uint16),
            )
        )
    status, out = convert(write_nyudv2(tmp_path / 'raw', frames=frames), '--depth', 'raw')
    assert status == 0
    for index, name in enumerate(names, start=1):
        for folder in ('rgb', 'depth', 'masks'):
            real = cv2.imread(str(nyuv2_samples / folder / f'{name}.png'), -1)
            np.testing.assert_array_equal(read(out, folder, index), real, strict=True)


def test_frames_are_read_one_by_one(nyudv2, tmp_path, write_nyudv2, monkeypatch):
    raw = write_nyudv2(tmp_path / 'raw', count=3)
    read_keys = []
    getitem = h5py.Dataset.__getitem__
    monkeypatch.setattr(
        h5py.Dataset, '__getitem__', lambda self, key: read_keys.append(key) or getitem(self, key)
    )
    nyudv2.main([str(raw), str(tmp_path / 'out'), '--partial', '--workers', '1'])
    assert sorted(read_keys) == sorted([0, 1, 2] * 3)


@pytest.mark.parametrize('name', FILES)
def test_a_missing_file(convert, tmp_path, write_nyudv2, name):
    raw = write_nyudv2(tmp_path / 'raw')
    (raw / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf'incomplete, 1 missing:\n  {name}'):
        convert(raw)


def test_an_empty_folder_lists_all_that_is_missing(convert, tmp_path):
    with pytest.raises(FileNotFoundError) as refusal:
        convert(tmp_path)
    assert all(name in str(refusal.value) for name in FILES)


@pytest.mark.parametrize('name', FILES)
@pytest.mark.parametrize('kept', [0, 0.1])
def test_a_cut_file(convert, tmp_path, write_nyudv2, name, kept):
    raw = write_nyudv2(tmp_path / 'raw')
    content = (raw / name).read_bytes()
    (raw / name).write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError, match=rf'{name} is no MATLAB v'):
        convert(raw)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('signature', [b'HEAP', b'TREE', b'SNOD'])
def test_damaged_names(convert, tmp_path, write_nyudv2, signature):
    raw = write_nyudv2(tmp_path / 'raw')
    path = raw / 'nyu_depth_v2_labeled.mat'
    path.write_bytes(path.read_bytes().replace(signature, b'\xff' * 4))
    with pytest.raises(ValueError, match=r'nyu_depth_v2_labeled\.mat.* damaged: '):
        convert(raw)


@pytest.mark.parametrize('name', ['nyu_depth_v2_labeled.mat', 'splits.mat'])
def test_a_missing_variable(convert, tmp_path, write_nyudv2, name):
    raw = write_nyudv2(tmp_path / 'raw')
    if name == 'splits.mat':
        savemat(raw / name, dict(trainNdxs=[[1.0]]))
    else:
        with h5py.File(raw / name, 'r+') as file:
            del file['labels']
    with pytest.raises(ValueError, match=f'{name}.*missing variable.*(testNdxs|labels)'):
        convert(raw)


def test_too_few_images(nyudv2, tmp_path, write_nyudv2):
    raw = write_nyudv2(tmp_path / 'raw')
    with pytest.raises(ValueError, match='images: expected 1449, got 4; --partial converts'):
        nyudv2.main([str(raw), str(tmp_path / 'out')])


def test_too_short_a_split(nyudv2, tmp_path, write_nyudv2, monkeypatch):
    raw = write_nyudv2(tmp_path / 'raw')
    monkeypatch.setattr(nyudv2, 'FRAMES', 4)
    monkeypatch.setattr(nyudv2, 'SIZE', (48, 64))
    with pytest.raises(ValueError, match='splits.mat: trainNdxs: expected 795, got 2'):
        nyudv2.main([str(raw), str(tmp_path / 'out')])
    monkeypatch.setattr(nyudv2, 'SPLITS', dict(train=2, test=2))
    assert nyudv2.main([str(raw), str(tmp_path / 'out')]) == 0


def test_images_of_another_size_than_published(nyudv2, tmp_path, write_nyudv2, monkeypatch):
    raw = write_nyudv2(tmp_path / 'raw')
    monkeypatch.setattr(nyudv2, 'FRAMES', 4)
    with pytest.raises(ValueError, match=r'expected a size .* \(480, 640\), got \(48, 64\)'):
        nyudv2.main([str(raw), str(tmp_path / 'out')])


@pytest.mark.parametrize('index', [0, 5, -1, 1.5])
def test_a_split_index_out_of_range(convert, tmp_path, write_nyudv2, index):
    raw = write_nyudv2(tmp_path / 'raw', test=[3, index])
    with pytest.raises(ValueError, match=rf'testNdxs: expected indices 1..4, got \[{index}'):
        convert(raw)


@pytest.mark.parametrize('train', [[1, 2, 1], [1, 3]])
def test_a_frame_listed_twice(convert, tmp_path, write_nyudv2, train):
    raw = write_nyudv2(tmp_path / 'raw', train=train, test=[3])
    with pytest.raises(ValueError, match=r"got '00000[13]' from splits.mat, trainNdxs\("):
        convert(raw)


@pytest.mark.parametrize('map_class', [[1] * 893, [1] * 893 + [41], [0] + [1] * 893])
def test_another_class_mapping(convert, tmp_path, write_nyudv2, map_class):
    raw = write_nyudv2(tmp_path / 'raw')
    assert loadmat(raw / 'classMapping40.mat')['mapClass'].shape == (1, 894)
    savemat(raw / 'classMapping40.mat', dict(mapClass=np.array([map_class], np.uint8)))
    with pytest.raises(ValueError, match=f'expected 894 values 1..40, got {len(map_class)} values'):
        convert(raw)


@pytest.mark.parametrize('key', ['depths', 'labels'])
@pytest.mark.parametrize('shape', [(4, 64, 47), (3, 64, 48), (4, 48, 64)])
def test_maps_of_another_size_than_the_images(convert, tmp_path, write_nyudv2, key, shape):
    raw = write_nyudv2(tmp_path / 'raw')
    with h5py.File(raw / 'nyu_depth_v2_labeled.mat', 'r+') as file:
        dtype = file[key].dtype
        del file[key]
        file[key] = np.zeros(shape, dtype)
    with pytest.raises(ValueError) as refusal:
        convert(raw, '--depth', 'filled')
    assert f'{key}: expected shape (4, 64, 48)' in str(refusal.value)
    assert f'got {shape}' in str(refusal.value)


@pytest.mark.parametrize('images', [np.zeros((4, 64, 48, 3)), np.zeros((4, 3, 64, 48))])
def test_images_of_another_kind(convert, tmp_path, write_nyudv2, images):
    raw = write_nyudv2(tmp_path / 'raw')
    with h5py.File(raw / 'nyu_depth_v2_labeled.mat', 'r+') as file:
        del file['images']
        file['images'] = images
    with pytest.raises(ValueError, match=r'images: expected (shape \(N, 3, W, H\)|uint8), got'):
        convert(raw)


@pytest.mark.parametrize(
    'key, value, message',
    [
        ('labels', 895, r'frame 2: label values outside the mapping: expected 0..894, got \[895\]'),
        ('depths', 13.2, r'expected 0..13.11 m, got .*..13.2'),
        ('depths', -0.1, r'depth out of range: .* got -0.1'),
        ('depths', np.nan, 'depth out of range'),
        ('depths', np.inf, 'depth out of range'),
    ],
)
def test_one_bad_frame(convert, tmp_path, write_nyudv2, nyudv2_frames, capsys, key, value, message):
    frames = nyudv2_frames(4)
    frames[1][key][5, 7] = value
    status, out = convert(write_nyudv2(tmp_path / 'raw', frames=frames), '--depth', 'filled')
    assert status == 1
    said = capsys.readouterr().err
    assert '1 of 4 samples failed' in said
    assert re.search(f'000002: .*{message}', said)
    assert (out / 'train.txt').read_text() == '000001\n000003\n'
    assert (out / 'test.txt').read_text() == '000004\n'
    assert not (out / 'masks' / '000002.png').exists()


def test_an_unreadable_frame_in_the_middle(convert, tmp_path, write_nyudv2, capsys):
    raw = write_nyudv2(tmp_path / 'raw', count=5)
    path = raw / 'nyu_depth_v2_labeled.mat'
    with h5py.File(path) as file:
        chunk = file['images'].id.get_chunk_info(2)
    with path.open('r+b') as file:
        file.seek(chunk.byte_offset)
        file.write(b'\xff' * chunk.size)
    status, out = convert(raw)
    assert status == 1
    assert '000003: images of frame 3 is damaged: ' in capsys.readouterr().err
    assert (out / 'train.txt').read_text() == '000001\n000005\n'
    assert (out / 'test.txt').read_text() == '000002\n000004\n'


def test_resume(convert, tmp_path, write_nyudv2, tree):
    raw = write_nyudv2(tmp_path / 'raw')
    _, out = convert(raw)
    before = tree(out)
    for name in ('rgb/000002.png', '.done/000002'):  # as if it had not come to it
        (out / name).unlink()
    assert convert(raw)[0] == 0
    after = tree(out)
    assert {name: content for name, (_, content) in after.items()} == {
        name: content for name, (_, content) in before.items()
    }
    rewritten = {name for name in after if after[name] != before[name]}
    assert {name for name in rewritten if name.endswith('.png')} == {
        f'{folder}/000002.png' for folder in ('rgb', 'depth', 'masks')
    }


def test_other_depth_in_the_same_folder(convert, tmp_path, write_nyudv2):
    raw = write_nyudv2(tmp_path / 'raw')
    convert(raw)
    with pytest.raises(ValueError, match="converted with .*'filled'.*, got a folder .*'raw'"):
        convert(raw, '--depth', 'filled')
