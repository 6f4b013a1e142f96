import json
import re
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from mmamf.datasets.sunrgbd_dataset import CLASSES, SUNRGBDDataset

TRAIN, TEST = (0, 2), (1, 3)  # frames of the miniature's lists


@pytest.fixture
def converter(load_converter, monkeypatch):
    """The converter, content with as many frames as the miniature has."""
    module = load_converter('sunrgbd')
    splits = {split: (cell, 2) for split, (cell, _) in module.SPLITS.items()}
    monkeypatch.setattr(module, 'SPLITS', splits)
    return module


@pytest.fixture
def raw(tmp_path, write_sunrgbd):
    return write_sunrgbd(tmp_path / 'raw')


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'out'


@pytest.fixture
def frames(sunrgbd_frames):
    return sunrgbd_frames(4)


@pytest.fixture
def stems(frames):
    return [frame['folder'].rstrip('/') for frame in frames]


def lists(out: Path) -> dict[str, list[str]]:
    return {split: (out / f'{split}.txt').read_text().split() for split in ('train', 'test')}


def read(out: Path, folder: str, stem: str) -> np.ndarray:
    return cv2.imread(str(out / folder / f'{stem}.png'), cv2.IMREAD_UNCHANGED)


def test_official_counts(load_converter):
    converter = load_converter('sunrgbd')
    assert converter.SPLITS == {'train': ('alltrain', 5285), 'test': ('alltest', 5050)}


@pytest.mark.parametrize('depth', ['filled', 'raw'])
def test_every_pixel(depth, converter, raw, out, frames, stems):
    assert converter.main([str(raw), str(out), '--depth', depth]) == 0
    for frame, stem in zip(frames, stems):
        jpg = raw / 'SUNRGBD' / stem / 'image'
        assert (out / 'rgb' / f'{stem}.jpg').read_bytes() == next(jpg.iterdir()).read_bytes()
        millimeters = read(out, 'depth', stem)
        assert millimeters.dtype == np.uint16
        assert np.array_equal(millimeters, np.minimum(frame[depth], 8000))
        expected = frame['seglabel'].astype(int) - 1
        expected[expected < 0] = 255
        masks = read(out, 'masks', stem)
        assert masks.dtype == np.uint8 and np.array_equal(masks, expected)
    assert lists(out) == {'train': [stems[i] for i in TRAIN], 'test': [stems[i] for i in TEST]}
    cameras = {
        stem: [frame['K'][at] for at in ((0, 0), (1, 1), (0, 2), (1, 2))]
        for frame, stem in zip(frames, stems)
    }
    assert json.loads((out / 'intrinsics.json').read_text()) == cameras
    settings = json.loads((out / 'conversion.json').read_text())
    assert settings == dict(
        dataset='sunrgbd', depth=depth, depth_units_per_meter=1000, raw=str(raw)
    )


def test_filled_depth_by_default(converter, raw, out, frames, stems):
    assert converter.main([str(raw), str(out)]) == 0
    assert np.array_equal(read(out, 'depth', stems[0]), np.minimum(frames[0]['filled'], 8000))
    with pytest.raises(ValueError, match="converted with .*'raw'.*, got a folder .*'filled'"):
        converter.main([str(raw), str(out), '--depth', 'raw'])


def test_every_depth_value_comes_back(converter, monkeypatch):
    millimeters = np.arange(1 << 16)
    # the toolbox's inverse, on whole numbers: the three top bits go to the bottom
    code = np.array([(8 * d) % 65536 + d // 8192 for d in millimeters.tolist()], dtype=np.uint16)
    assert len(set(code.tolist())) == 1 << 16
    decoded = converter.decode_depth(code.reshape(256, 256))
    assert decoded.dtype == np.uint16
    assert np.array_equal(decoded.ravel(), np.minimum(millimeters, 8000))
    monkeypatch.setattr(converter, 'FARTHEST', 65535)
    assert np.array_equal(converter.decode_depth(code), millimeters)


def test_data_set_reads_what_was_converted(converter, raw, out, frames, stems):
    converter.main([str(raw), str(out)])
    loading = [
        dict(
            type='LoadMultimodalImages',
            modalities=dict(
                rgb=dict(channels=3, dtype='uint8'),
                depth=dict(channels=1, dtype='uint16', missing=0),
            ),
        ),
        dict(type='LoadLabelMap'),
        dict(type='PackMultimodalSegInputs'),
    ]
    dataset = SUNRGBDDataset(data_root=str(out), ann_file='test.txt', pipeline=loading)
    assert len(dataset) == 2 and len(SUNRGBDDataset(data_root=str(out), lazy_init=True)) == 4
    sample = dataset[0]
    assert sample['data_samples'].modality_paths['rgb'] == str(out / 'rgb' / f'{stems[1]}.jpg')
    depth = np.minimum(frames[1]['filled'], 8000)
    assert np.array_equal(sample['inputs'][3].nan_to_num(), depth)  # NaN: no reading, 0 in the file
    assert sample['data_samples'].gt_sem_seg.data.unique().tolist() == [*range(len(CLASSES)), 255]


def test_second_run_keeps_everything(converter, raw, out, tree):
    assert converter.main([str(raw), str(out)]) == 0
    images = {path: file for path, file in tree(out).items() if path.endswith(('.png', '.jpg'))}
    assert len(images) == 12
    assert converter.main([str(raw), str(out)]) == 0
    assert images.items() <= tree(out).items()


def damage(name: str, raw: Path, stem: str) -> None:
    folder = raw / 'SUNRGBD' / stem
    jpg, png = next((folder / 'image').iterdir()), next((folder / 'depth_bfx').iterdir())
    if name == 'color cut off':
        jpg.write_bytes(jpg.read_bytes()[:500])
    elif name == 'depth cut off':
        png.write_bytes(png.read_bytes()[:500])
    elif name == 'depth of 8 bits':
        Image.fromarray(np.zeros((48, 64), np.uint8)).save(png)
    elif name == 'depth of another size':
        Image.fromarray(np.zeros((24, 32), np.uint16)).save(png)
    else:
        with h5py.File(raw / 'SUNRGBDtoolbox/Metadata/SUNRGBD2Dseg.mat', 'r+') as seg:
            label = seg[seg['SUNRGBD2Dseg/seglabel'][1, 0]]
            if name == 'label outside the mapping':
                label[3, 5] = 38
            else:
                label.id.write_direct_chunk((0, 0), b'no zlib stream')


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('color cut off', r'image.0000001\.jpg is corrupt or truncated'),
        ('depth cut off', r'depth_bfx.0000001\.png is corrupt or truncated'),
        (
            'depth of 8 bits',
            r'0000001\.png: expected one channel of uint16, got .*\(48, 64\) of uint8',
        ),
        ('depth of another size', r"of one size .*'depth': \(24, 32\), 'masks': \(48, 64\)"),
        (
            'label outside the mapping',
            r'NYU0002: label values outside the mapping: expected 0..37, got \[38\]',
        ),
        ('label cut off', "Can't .*read data"),
    ],
)
def test_one_bad_frame_does_not_stop_the_others(
    name, message, converter, raw, out, stems, write_sunrgbd, capsys
):
    damage(name, raw, stems[1])
    assert converter.main([str(raw), str(out)]) == 1
    error = capsys.readouterr().err
    assert f'1 of 4 samples failed:\n  {stems[1]}: ' in error
    assert re.search(message, error), error
    assert lists(out) == {'train': [stems[i] for i in TRAIN], 'test': [stems[3]]}
    for stem in (stems[0], stems[2], stems[3]):
        assert read(out, 'masks', stem) is not None

    write_sunrgbd(raw)  # mended
    assert converter.main([str(raw), str(out)]) == 0
    assert lists(out)['test'] == [stems[i] for i in TEST]


def test_missing_files_are_listed(converter, raw, out, stems, capsys):
    (raw / 'SUNRGBD' / stems[0] / 'image' / '0000000.jpg').unlink()
    (raw / 'SUNRGBD' / stems[2] / 'depth_bfx' / '0000002.png').unlink()
    with pytest.raises(FileNotFoundError) as error:
        converter.main([str(raw), str(out)])
    assert str(error.value).splitlines() == [
        f'{raw}: incomplete, 2 missing:',
        f'  SUNRGBD/{stems[0]}/image/0000000.jpg',
        f'  SUNRGBD/{stems[2]}/depth_bfx/0000002.png',
    ]
    assert not out.exists()

    (raw / 'SUNRGBD' / stems[0] / 'image' / 'other.jpg').touch()
    write = Image.fromarray(np.ones((48, 64), np.uint16)).save
    write(raw / 'SUNRGBD' / stems[2] / 'depth_bfx' / '0000002.png')
    assert converter.main([str(raw), str(out), '--partial']) == 0
    assert 'left out 1 incomplete of 2 frames' in capsys.readouterr().out
    assert lists(out)['train'] == [stems[2]]


def test_missing_folders_are_listed(converter, tmp_path, out):
    (tmp_path / 'SUNRGBDtoolbox' / 'Metadata').mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match='4 missing') as error:
        converter.main([str(tmp_path), str(out), '--partial'])
    assert 'SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat' in str(error.value)


def test_too_few_frames(load_converter, raw, out):
    with pytest.raises(ValueError, match='train frames: expected 5285, got 2; --partial converts'):
        load_converter('sunrgbd').main([str(raw), str(out)])
    assert load_converter('sunrgbd').main([str(raw), str(out), '--partial']) == 0


def test_split_path_that_is_no_frame(converter, tmp_path, write_sunrgbd, frames, out):
    raw = write_sunrgbd(tmp_path / 'raw', train=[frames[0]['folder'], 'kv1/NYUdata/NYU9999'])
    message = r"allsplit\.mat: .* in alltrain, got 1 other paths: \['kv1/NYUdata/NYU9999'\]"
    with pytest.raises(ValueError, match=message):
        converter.main([str(raw), str(out), '--partial'])


def test_split_path_elsewhere(converter, raw, out):
    cells = np.array([['/n/fs/sun3d/data/B3DO/img_0001']], dtype=object)
    path = raw / 'SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat'
    savemat(path, dict(alltrain=cells, alltest=cells))
    with pytest.raises(ValueError, match=r"path below .*/SUNRGBD/, got '.*B3DO/img_0001'"):
        converter.main([str(raw), str(out)])
    savemat(path, dict(alltrain=cells))
    with pytest.raises(
        ValueError, match=r"allsplit.mat: incomplete, missing variables: \['alltest'\]"
    ):
        converter.main([str(raw), str(out)])


def test_two_frames_in_one_folder(converter, tmp_path, write_sunrgbd, frames, stems, out):
    frames[2]['folder'] = frames[0]['folder']
    raw = write_sunrgbd(tmp_path / 'raw', frames=frames, train=[frames[0]['folder']])
    with pytest.raises(ValueError, match=f"got '{stems[0]}' from .*0.jpg and from .*2.jpg"):
        converter.main([str(raw), str(out), '--partial'])


def test_frame_in_both_lists(converter, tmp_path, write_sunrgbd, frames, stems, out):
    both = [frame['folder'] for frame in frames[:2]]
    raw = write_sunrgbd(tmp_path / 'raw', train=both, test=both)
    with pytest.raises(ValueError, match=f"distinct names of samples, got '{stems[0]}'"):
        converter.main([str(raw), str(out)])


def test_wrong_label_file(converter, tmp_path, write_sunrgbd, raw, frames, out):
    seg = raw / 'SUNRGBDtoolbox/Metadata/SUNRGBD2Dseg.mat'
    with h5py.File(seg, 'r+') as file:
        references = file['SUNRGBD2Dseg/seglabel'][:3]
        del file['SUNRGBD2Dseg/seglabel']
        file['SUNRGBD2Dseg/seglabel'] = references
    with pytest.raises(ValueError, match='seg.mat: expected 4 label maps, .*Meta.mat, got 3'):
        converter.main([str(raw), str(out)])
    with h5py.File(seg, 'r+') as file:
        del file['SUNRGBD2Dseg']
    with pytest.raises(ValueError, match=r'seg\.mat: expected SUNRGBD2Dseg/seglabel, got only'):
        converter.main([str(raw), str(out)])
    seg.write_bytes(seg.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r'seg\.mat is no MATLAB v7.3'):
        converter.main([str(raw), str(out)])


@pytest.mark.parametrize('signature', [b'HEAP', b'TREE', b'SNOD'])
def test_damaged_names_of_labels(signature, converter, raw, out):
    seg = raw / 'SUNRGBDtoolbox/Metadata/SUNRGBD2Dseg.mat'
    seg.write_bytes(seg.read_bytes().replace(signature, b'\xff' * 4))
    with pytest.raises(ValueError, match=r'SUNRGBD2Dseg\.mat.* damaged: '):
        converter.main([str(raw), str(out)])


@pytest.mark.parametrize('size', [0, 60, 200, 500])
def test_metadata_cut_off(size, converter, raw, out):
    meta = raw / 'SUNRGBDtoolbox/Metadata/SUNRGBDMeta.mat'
    meta.write_bytes(meta.read_bytes()[:size])
    with pytest.raises(ValueError, match=r'SUNRGBDMeta\.mat is no MATLAB v5 file'):
        converter.main([str(raw), str(out)])
