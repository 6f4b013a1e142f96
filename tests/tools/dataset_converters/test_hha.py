"""HHA images of a converted data set."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmamf.datasets import LoadMultimodalImages
from mmamf.datasets.encode_hha import encode_hha

INTRINSICS = dict(a=[30.0, 31.0, 15.5, 11.5], **{'city/b': [40.0, 41.0, 14.5, 12.5]})
UNITS = 5000


@pytest.fixture
def hha(load_converter):
    return load_converter('hha')


@pytest.fixture
def converted(tmp_path):
    """Root of a converted data set: depth maps a and city/b of 24 x 32 px, 10 % of them holes."""
    rng = np.random.default_rng(0)
    root = tmp_path / 'data'
    for stem in INTRINSICS:
        depth = np.linspace(4.0, 1.0, 24)[:, None] + rng.uniform(0, 0.02, (24, 32))
        depth[rng.random(depth.shape) < 0.1] = 0
        write_depth(root, stem, np.rint(depth * UNITS))
    (root / 'intrinsics.json').write_text(json.dumps(INTRINSICS))
    settings = dict(dataset='some', depth_units_per_meter=UNITS)
    (root / 'conversion.json').write_text(json.dumps(settings))
    return root


def write_depth(root: Path, stem: str, depth: np.ndarray, dtype: str = 'uint16') -> None:
    path = root / 'depth' / f'{stem}.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), depth.astype(dtype))


def expected(root, stem, units=UNITS, intrinsics=None):
    depth = cv2.imread(str(root / 'depth' / f'{stem}.png'), cv2.IMREAD_UNCHANGED)
    return encode_hha(depth / units, intrinsics or INTRINSICS[stem])


def written(root, stem):
    """Channels in the file's order: red first."""
    image = cv2.imread(str(root / 'hha' / f'{stem}.png'), cv2.IMREAD_UNCHANGED)
    return image[..., ::-1]


def test_layout(hha, converted, tree):
    before = tree(converted)
    assert hha.main([str(converted), '--workers', '2']) == 0
    after = tree(converted)
    assert before.items() <= after.items()
    new = {'hha/a.png', 'hha/city/b.png', 'hha/conversion.json', 'hha/.done/a', 'hha/.done/city/b'}
    assert set(after) - set(before) == new
    for stem in INTRINSICS:
        np.testing.assert_array_equal(
            written(converted, stem), expected(converted, stem), strict=True
        )


def test_is_read_like_any_modality(hha, converted):
    hha.main([str(converted)])
    load = LoadMultimodalImages(dict(hha=dict(channels=3, dtype='uint8', missing=0)))
    results = load(dict(modality_paths=dict(hha=str(converted / 'hha' / 'a.png'))))
    np.testing.assert_array_equal(results['img'][..., ::-1], expected(converted, 'a'))


def test_units_and_intrinsics_of_ones_own(hha, converted):
    (converted / 'conversion.json').unlink()
    (converted / 'intrinsics.json').unlink()
    options = ['--units-per-meter', '2500', '--intrinsics', '35', '36', '15', '12']
    assert hha.main([str(converted), *options]) == 0
    for stem in INTRINSICS:
        truth = expected(converted, stem, units=2500, intrinsics=(35, 36, 15, 12))
        np.testing.assert_array_equal(written(converted, stem), truth)


@pytest.mark.parametrize('is_cut', [True, False])
def test_resume(hha, converted, tree, is_cut):
    assert hha.main([str(converted)]) == 0
    first = tree(converted)
    file = converted / 'hha' / 'a.png'
    file.write_bytes(file.read_bytes()[:-9]) if is_cut else file.unlink()
    assert hha.main([str(converted)]) == 0
    second = tree(converted)
    assert second['hha/city/b.png'] == first['hha/city/b.png']  # not written again
    assert second['hha/a.png'][1] == first['hha/a.png'][1]


@pytest.mark.parametrize(
    'options', [['--units-per-meter', '1000'], ['--intrinsics', '35', '36', '15', '12']]
)
def test_no_mix_of_settings(hha, converted, options):
    hha.main([str(converted)])
    with pytest.raises(ValueError, match='hha: expected a folder .*, got a folder .*5000'):
        hha.main([str(converted), *options])


def test_lists_what_failed_and_encodes_the_rest(hha, converted, capsys):
    write_depth(converted, 'color', np.ones((24, 32, 3)), 'uint16')
    write_depth(converted, 'eight_bit', np.ones((24, 32)), 'uint8')
    write_depth(converted, 'empty', np.zeros((24, 32)))
    write_depth(converted, 'no_camera', np.ones((24, 32)))
    (converted / 'depth' / 'damaged.png').write_bytes(b'no image')
    cameras = dict.fromkeys(('color', 'eight_bit', 'empty', 'damaged'), INTRINSICS['a'])
    (converted / 'intrinsics.json').write_text(json.dumps(INTRINSICS | cameras))
    assert hha.main([str(converted)]) == 1
    errors = capsys.readouterr().err
    assert '5 of 7 samples failed' in errors
    for line in (
        r'color.png: expected one channel of uint16, got shape (24, 32, 3) of uint16',
        r'eight_bit.png: expected one channel of uint16, got shape (24, 32) of uint8',
        r'empty: depth: expected at least one reading, got only 0',
        r'no_camera: intrinsics.json: expected fx, fy, cx, cy of no_camera, or the option --intr',
        r'damaged.png is corrupt',
    ):
        assert line in errors
    assert {path.name for path in (converted / 'hha').rglob('*.png')} == {'a.png', 'b.png'}


def test_no_depth_folder(hha, converted):
    (converted / 'depth').rename(converted / 'thermal')
    with pytest.raises(FileNotFoundError, match='incomplete, 1 missing:\n  depth'):
        hha.main([str(converted)])
    (converted / 'depth').mkdir()
    with pytest.raises(FileNotFoundError, match='depth: expected depth maps as .png, got none'):
        hha.main([str(converted)])


@pytest.mark.parametrize(
    'content, got', [(None, 'no such file'), ('{"dataset": "mfnet"}', 'mfnet'), ('{', 'JSON')]
)
def test_no_units(hha, converted, content, got):
    (converted / 'conversion.json').unlink()
    if content:
        (converted / 'conversion.json').write_text(content)
    with pytest.raises(ValueError, match=f'conversion.json: expected .*{got}'):
        hha.main([str(converted)])
    assert not (converted / 'hha').exists()


@pytest.mark.parametrize('units', ['0', '-1', 'nan'])
def test_impossible_units(hha, converted, units):
    with pytest.raises(ValueError, match='units per meter: expected more than 0, got'):
        hha.main([str(converted), '--units-per-meter', units])


def test_no_intrinsics(hha, converted):
    (converted / 'intrinsics.json').unlink()
    with pytest.raises(FileNotFoundError, match='intrinsics.json: expected .* or the option'):
        hha.main([str(converted)])
    assert not (converted / 'hha').exists()


@pytest.mark.parametrize(
    'name, units, size', [('nyudv2', 5000, (480, 640)), ('sunrgbd', 1000, (48, 64))]
)
def test_follows_the_converters(hha, load_converter, request, tmp_path, name, units, size):
    raw = request.getfixturevalue(f'write_{name}')(tmp_path / 'raw', count=2, size=size)
    out = tmp_path / 'out'
    assert load_converter(name).main([str(raw), str(out), '--partial']) == 0
    assert hha.main([str(out)]) == 0
    cameras = json.loads((out / 'intrinsics.json').read_text())
    assert len(cameras) == 2
    for stem, camera in cameras.items():
        np.testing.assert_array_equal(written(out, stem), expected(out, stem, units, camera))
