import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset
from PIL import Image

from mmamf.datasets.cityscapes_depth_dataset import CityscapesDepthDataset

STEMS = {
    'train': ['aachen/aachen_000000_000019', 'zurich/zurich_000002_000019'],
    'val': ['frankfurt/frankfurt_000001_000019', 'lindau/lindau_000003_000019'],
}


@pytest.fixture
def converter(load_converter, monkeypatch):
    """The converter, content with the frames of the miniature."""
    module = load_converter('cityscapes')
    cities = dict(train=dict(aachen=1, zurich=1), val=dict(frankfurt=1, lindau=1))
    monkeypatch.setattr(module, 'CITIES', cities)
    return module


@pytest.fixture
def raw(tmp_path, write_cityscapes):
    return write_cityscapes(tmp_path / 'raw')


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'out'


def lists(out: Path) -> dict[str, list[str]]:
    return {split: (out / f'{split}.txt').read_text().split() for split in STEMS}


def read(out: Path, folder: str, stem: str) -> np.ndarray:
    return cv2.imread(str(out / folder / f'{stem}.png'), cv2.IMREAD_UNCHANGED)


def naive_depth(code: int, baseline: float, fx: float) -> int:
    """Return centimeters for one value of a disparity file."""
    if code <= 1:
        return 0  # no reading
    disparity = (code - 1) / 256
    return min(round(100 * baseline * fx / disparity), 65535)


def test_official_counts(load_converter):
    cities = load_converter('cityscapes').CITIES
    assert {split: sum(counts.values()) for split, counts in cities.items()} == {
        'train': 2975,
        'val': 500,
    }
    assert len(cities['train']) == 18 and len(cities['val']) == 3


def test_classes_are_those_of_mmseg(load_converter):
    converter = load_converter('cityscapes')
    assert tuple(converter.LABEL_IDS) == CityscapesDataset.METAINFO['classes']
    ignored = [i for i, index in enumerate(converter.CLASS_OF_LABEL_ID) if index == 255]
    assert ignored == [*range(7), 9, 10, 14, 15, 16, 18, 29, 30]
    kept = [index for index in converter.CLASS_OF_LABEL_ID if index != 255]
    assert kept == list(range(19))  # training ids rise with the ids


def test_every_pixel(converter, raw, out, cityscapes_frames):
    assert converter.main([str(raw), str(out)]) == 0
    cameras = {}
    for frame in cityscapes_frames(4):
        stem, camera = frame['stem'], frame['camera']
        png = raw / 'leftImg8bit' / frame['split'] / f'{stem}_leftImg8bit.png'
        assert (out / 'rgb' / f'{stem}.png').read_bytes() == png.read_bytes()
        baseline, lens = camera['extrinsic']['baseline'], camera['intrinsic']
        depth = read(out, 'depth', stem)
        assert depth.dtype == np.uint16
        for pixel, code in np.ndenumerate(frame['disparity']):
            assert depth[pixel] == naive_depth(int(code), baseline, lens['fx'])
        masks = read(out, 'masks', stem)
        assert masks.dtype == np.uint8
        assert np.array_equal(masks, np.take(converter.CLASS_OF_LABEL_ID, frame['labelIds']))
        cameras[stem] = [lens[key] for key in ('fx', 'fy', 'u0', 'v0')]
    assert lists(out) == STEMS
    assert json.loads((out / 'intrinsics.json').read_text()) == cameras
    assert json.loads((out / 'conversion.json').read_text()) == dict(
        dataset='cityscapes', depth_units_per_meter=100, raw=str(raw)
    )


def test_every_disparity(load_converter):
    codes = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)
    depth = load_converter('cityscapes').depth_of_disparity(codes, 0.209313, 2262.52)
    assert depth.dtype == np.uint16
    expected = [naive_depth(code, 0.209313, 2262.52) for code in range(1 << 16)]
    assert depth.ravel().tolist() == expected
    # a disparity of zero pixels, code 1, is no reading; the next one is very far
    assert depth.ravel()[:3].tolist() == [0, 0, 65535]
    assert (np.diff(depth.ravel()[2:].astype(int)) <= 0).all() and depth.ravel()[-1] == 185


def test_a_reading_never_becomes_zero(load_converter):
    depth = load_converter('cityscapes').depth_of_disparity(np.array([[0, 65535]]), 1e-4, 1.0)
    assert depth.tolist() == [[0, 1]]


def test_data_set_reads_what_was_converted(converter, raw, out, cityscapes_frames):
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
    dataset = CityscapesDepthDataset(data_root=str(out), ann_file='val.txt', pipeline=loading)
    assert len(dataset) == 2
    sample = dataset[1]
    frame = cityscapes_frames(4)[3]
    assert sample['data_samples'].img_path == str(out / 'rgb' / f'{frame["stem"]}.png')
    assert np.array_equal(sample['inputs'][:3].numpy()[::-1], frame['rgb'].transpose(2, 0, 1))
    assert sample['data_samples'].gt_sem_seg.data.unique().tolist() == [*range(19), 255]


def test_second_run_keeps_everything(converter, raw, out, tree):
    assert converter.main([str(raw), str(out)]) == 0
    images = {path: file for path, file in tree(out).items() if path.endswith('.png')}
    assert len(images) == 12
    assert converter.main([str(raw), str(out)]) == 0
    assert images.items() <= tree(out).items()


@pytest.mark.parametrize(
    ('file', 'content', 'message'),
    [
        ('leftImg8bit/{}_leftImg8bit.png', None, r'leftImg8bit\.png is corrupt'),
        ('disparity/{}_disparity.png', None, r'disparity\.png is corrupt'),
        (
            'disparity/{}_disparity.png',
            np.ones((48, 96), np.uint8),
            r'disparity\.png: expected one channel of uint16, got shape \(48, 96\) of uint8',
        ),
        (
            'disparity/{}_disparity.png',
            np.ones((24, 48), np.uint16),
            r"of one size \(H, W\), got .*'depth': \(24, 48\), 'masks': \(48, 96\)",
        ),
        ('gtFine/{}_gtFine_labelIds.png', None, r'labelIds\.png is corrupt'),
        (
            'gtFine/{}_gtFine_labelIds.png',
            np.full((48, 96), 34, np.uint8),
            r'labelIds\.png: label values outside the mapping: expected 0..33, got \[34\]',
        ),
        (
            'gtFine/{}_gtFine_labelIds.png',
            np.ones((48, 96, 3), np.uint8),
            r'labelIds\.png: expected one channel of uint8, got shape \(48, 96, 3\)',
        ),
    ],
)
def test_one_bad_frame_does_not_stop_the_others(
    file, content, message, converter, raw, out, write_cityscapes, capsys
):
    stem = STEMS['train'][1]
    path = raw / file.format(f'train/{stem}')
    if content is None:
        path.write_bytes(path.read_bytes()[:500])
    else:
        Image.fromarray(content).save(path)
    assert converter.main([str(raw), str(out)]) == 1
    error = capsys.readouterr().err
    assert f'1 of 4 samples failed:\n  {stem}: ' in error
    assert re.search(message, error), error
    assert lists(out) == dict(STEMS, train=STEMS['train'][:1])

    write_cityscapes(raw)  # mended
    assert converter.main([str(raw), str(out)]) == 0
    assert lists(out) == STEMS


def test_disparity_without_camera(converter, raw, out, capsys):
    camera = f'camera/train/{STEMS["train"][1]}_camera.json'
    (raw / camera).unlink()
    with pytest.raises(FileNotFoundError) as error:
        converter.main([str(raw), str(out)])
    assert str(error.value).splitlines() == [f'{raw}: incomplete, 1 missing:', f'  {camera}']
    assert not out.exists()
    assert converter.main([str(raw), str(out), '--partial']) == 0
    assert 'left out 1 incomplete of 2 frames' in capsys.readouterr().out
    assert lists(out) == dict(STEMS, train=STEMS['train'][:1])


CAMERA = '{"extrinsic": {"baseline": %s}, "intrinsic": {"fx": %s, "fy": %s, "u0": %s, "v0": 1}}'


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (content, 'expected extrinsic baseline and intrinsic')
        for content in ('{', '[]', '{"extrinsic": {}, "intrinsic": {"fx": 2262.5}}')
    ]
    + [
        (CAMERA % values, 'expected finite numbers, and a baseline, fx and fy above 0, got .* = ')
        for values in (
            (0, 2, 2, 1),
            (-0.2, 2, 2, 1),
            ('NaN', 2, 2, 1),
            ('Infinity', 2, 2, 1),
            (0.2, 0, 2, 1),
            (0.2, 'NaN', 2, 1),
            (0.2, 2, -2, 1),
            (0.2, 2, 2, 'NaN'),
        )
    ],
)
def test_damaged_camera(content, message, converter, raw, out, write_cityscapes, capsys):
    stem = STEMS['val'][0]
    (raw / 'camera' / 'val' / f'{stem}_camera.json').write_text(content)
    assert converter.main([str(raw), str(out)]) == 1
    error = capsys.readouterr().err
    assert f'1 of 4 samples failed:\n  {stem}: ' in error
    assert re.search(rf'{stem}_camera\.json: {message}', error), error
    assert lists(out) == dict(STEMS, val=STEMS['val'][1:])
    assert stem not in json.loads((out / 'intrinsics.json').read_text())

    write_cityscapes(raw)  # mended
    assert converter.main([str(raw), str(out)]) == 0
    assert lists(out) == STEMS
    assert stem in json.loads((out / 'intrinsics.json').read_text())


def test_missing_archives_are_listed(converter, tmp_path, out):
    (tmp_path / 'leftImg8bit').mkdir()
    message = '3 missing:\n  gtFine\n  disparity\n  camera$'
    with pytest.raises(FileNotFoundError, match=message):
        converter.main([str(tmp_path), str(out), '--partial'])


def test_cities_with_too_few_frames_are_listed(load_converter, raw, out):
    message = (
        'train frames: expected 2975, got 2; --partial converts what is there:\n'
        '  aachen: expected 174, got 1\n  bochum: expected 96, got 0\n'
    )
    with pytest.raises(ValueError, match=message):
        load_converter('cityscapes').main([str(raw), str(out)])
    assert load_converter('cityscapes').main([str(raw), str(out), '--partial']) == 0
    assert lists(out) == STEMS


def test_unknown_city(converter, tmp_path, write_cityscapes, cityscapes_frames, out):
    frames = cityscapes_frames(4)
    frames[3]['stem'] = 'atlantis/atlantis_000003_000019'
    raw = write_cityscapes(tmp_path / 'raw', frames=frames)
    with pytest.raises(ValueError, match='\n  atlantis: expected 0, got 1\n  lindau: expected 1'):
        converter.main([str(raw), str(out)])


def test_same_frame_in_two_splits(converter, tmp_path, write_cityscapes, cityscapes_frames, out):
    frames = cityscapes_frames(4)
    frames[3]['stem'] = frames[0]['stem']
    raw = write_cityscapes(tmp_path / 'raw', frames=frames)
    stem = STEMS['train'][0]
    message = f"got '{stem}' from leftImg8bit/train/{stem}_.* and from leftImg8bit/val/{stem}_"
    with pytest.raises(ValueError, match=message):
        converter.main([str(raw), str(out), '--partial'])
