"""The core of the converters: writing, resuming, counting, refusing."""

import json
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def core(load_converter):
    return load_converter('conversion')


@pytest.fixture
def make_samples(core):
    """Maker of ``count`` samples of three images; the last one is for testing."""

    def load(index):
        rng = np.random.default_rng(index)
        return dict(
            rgb=rng.integers(0, 256, (6, 8, 3), np.uint8),
            depth=rng.integers(0, 65536, (6, 8), np.uint16),
            masks=rng.integers(0, 40, (6, 8), np.uint8),
        )

    def make(count=4, **replaced):
        return [
            core.Sample(
                stem=f's{i}',
                split='test' if i == count - 1 else 'train',
                source=f'archive, entry {i}',
                load=replaced.get(f's{i}', partial(load, i)),
                intrinsics=(500.0, 501.0, 4.0, 3.0) if i else None,
            )
            for i in range(count)
        ]

    return make


@pytest.fixture
def convert(core, tmp_path):
    """Runner: ``convert(samples, out, settings, workers)``, from ``tmp_path / 'raw'``."""

    def run(samples, out, settings, workers):
        return core.convert(samples, tmp_path / 'raw', out, settings, workers)

    return run


SETTINGS = dict(dataset='some', depth='raw')


def test_layout(convert, make_samples, tmp_path, capsys):
    samples = make_samples()
    assert convert(samples, tmp_path / 'out', SETTINGS, workers=3) == 0
    for sample in samples:
        for folder, image in sample.load().items():
            written = cv2.imread(str(tmp_path / 'out' / folder / f'{sample.stem}.png'), -1)
            np.testing.assert_array_equal(written, image, strict=True)
    assert (tmp_path / 'out' / 'train.txt').read_text() == 's0\ns1\ns2\n'
    assert (tmp_path / 'out' / 'test.txt').read_text() == 's3\n'
    cameras = json.loads((tmp_path / 'out' / 'intrinsics.json').read_text())
    assert cameras == {f's{i}': [500.0, 501.0, 4.0, 3.0] for i in (1, 2, 3)}
    settings = json.loads((tmp_path / 'out' / 'conversion.json').read_text())
    assert settings == SETTINGS | dict(raw=str(tmp_path / 'raw'))
    assert not list(tmp_path.rglob('*.part'))
    assert 'train: 3 samples' in capsys.readouterr().out


@pytest.mark.parametrize('can_link', [True, False])
def test_a_file_is_taken_over_as_it_is(core, convert, tmp_path, monkeypatch, can_link):
    def fail(*_):
        raise OSError('Invalid cross-device link')

    if not can_link:
        monkeypatch.setattr('os.link', fail)
    source = tmp_path / 'photo.jpg'
    cv2.imwrite(str(source), np.full((6, 8, 3), 90, np.uint8))
    sample = core.Sample('room/1', 'train', 'photo', lambda: dict(rgb=source))
    assert convert([sample], tmp_path / 'out', SETTINGS, workers=1) == 0
    written = tmp_path / 'out' / 'rgb' / 'room' / '1.jpg'
    assert written.read_bytes() == source.read_bytes()
    assert written.samefile(source) == can_link
    assert (tmp_path / 'out' / 'train.txt').read_text() == 'room/1\n'
    assert not (tmp_path / 'out' / 'intrinsics.json').exists()


@pytest.mark.parametrize(
    'error',
    [
        ValueError('bad value'),
        OSError('cannot read it'),
        KeyError(7),
        MemoryError('14 GB'),
        IndexError('out of range'),
        Image.DecompressionBombError('3600000000 pixels'),
    ],
)
def test_one_bad_sample_does_not_stop_the_others(convert, make_samples, tmp_path, capsys, error):
    def fail():
        raise error

    out = tmp_path / 'out'
    assert convert(make_samples(s1=fail), out, SETTINGS, workers=2) == 1
    said = capsys.readouterr().err
    assert '1 of 4 samples failed' in said
    assert 's1: ' in said and str(error) in said
    assert (out / 'train.txt').read_text() == 's0\ns2\n'
    assert sorted(path.stem for path in (out / 'rgb').iterdir()) == ['s0', 's2', 's3']

    # once mended, the next run converts what failed
    assert convert(make_samples(), out, SETTINGS, workers=2) == 0
    assert (out / 'train.txt').read_text() == 's0\ns1\ns2\n'
    assert (out / 'rgb' / 's1.png').exists()


@pytest.mark.parametrize('stem', ['../s9', 'link/../../s9', '/s9', 'link/s9'])
def test_nothing_is_written_outside(core, convert, make_samples, tmp_path, tree, capsys, stem):
    samples = make_samples(2)
    name = str(tmp_path / 'elsewhere/s9') if stem == '/s9' else stem
    samples.append(core.Sample(name, 'train', 'a list, line 3', samples[0].load))
    for folder in ('elsewhere', *(f'out/{part}' for part in ('.done', 'rgb', 'depth', 'masks'))):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / 'link').symlink_to(tmp_path / 'elsewhere')
    assert convert(samples, tmp_path / 'out', SETTINGS, workers=2) == 1
    said = capsys.readouterr().err
    assert 'a list, line 3: expected a file inside' in said and "must not contain '..'" in said
    assert not list(tmp_path.rglob('s9*'))
    assert (tmp_path / 'out/train.txt').read_text() == 's0\n'


def test_out_may_be_a_link(convert, make_samples, tmp_path):
    (tmp_path / 'disk').mkdir()
    (tmp_path / 'out').symlink_to(tmp_path / 'disk')
    assert convert(make_samples(), tmp_path / 'out', SETTINGS, workers=1) == 0
    assert (tmp_path / 'disk/rgb/s0.png').exists()


def test_a_full_disk_leaves_no_half_file(core, tmp_path, monkeypatch):
    def fail(path, content):
        path.open('wb').write(content[:3])
        raise OSError('No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', fail)
    with pytest.raises(OSError, match='No space left'):
        core.write_whole(tmp_path / 'a.png', b'content')
    assert not list(tmp_path.iterdir())


def test_a_link_in_place_of_a_part_is_not_followed(core, tmp_path):
    (tmp_path / 'precious').write_text('precious')
    (tmp_path / 'x.png.part').symlink_to(tmp_path / 'precious')
    core.write_whole(tmp_path / 'x.png', b'1')
    assert (tmp_path / 'precious').read_text() == 'precious'
    assert (tmp_path / 'x.png').read_bytes() == b'1'


def test_images_of_one_sample_differ_in_size(convert, make_samples, tmp_path, capsys):
    images = dict(rgb=np.zeros((6, 8, 3), np.uint8), depth=np.zeros((6, 7), np.uint16))
    assert convert(make_samples(s2=lambda: images), tmp_path / 'out', SETTINGS, 1) == 1
    said = capsys.readouterr().err
    assert (
        "archive, entry 2: expected images of one size (H, W), got {'rgb': (6, 8), 'depth': (6, 7)}"
        in said
    )
    assert not (tmp_path / 'out' / 'rgb' / 's2.png').exists()


@pytest.mark.parametrize(
    ('rgb', 'depth', 'message'),
    [
        (
            np.ones((6, 8, 3), np.uint16),
            1,
            'rgb: expected three channels of uint8, got shape (6, 8, 3) of uint16',
        ),
        (
            np.ones((6, 8), np.uint8),
            1,
            'rgb: expected three channels of uint8, got shape (6, 8) of uint8',
        ),
        (np.ones((6, 8, 3), np.uint8), 0, 'depth: expected at least one reading, got only 0'),
    ],
)
@pytest.mark.parametrize('is_file', [True, False])
def test_what_training_would_refuse(
    convert, make_samples, tmp_path, capsys, rgb, depth, message, is_file
):
    images = dict(rgb=rgb, depth=np.full((6, 8), depth, np.uint16))
    if is_file:
        for name, image in images.items():
            cv2.imwrite(str(tmp_path / f'{name}.png'), image)
        images = {name: tmp_path / f'{name}.png' for name in images}
    assert convert(make_samples(s2=lambda: images), tmp_path / 'out', SETTINGS, 1) == 1
    assert f's2: archive, entry 2: {message}' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'train.txt').read_text() == 's0\ns1\n'


def _cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def _flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _empty(path):
    path.write_bytes(b'')


def _no_text(path):
    path.write_bytes(b'\xff\xfe\x00')


def _list_names_alone(path):  # as earlier versions did
    path.write_text('rgb/s1.png\ndepth/s1.png\nmasks/s1.png\n')


@pytest.mark.parametrize(
    ('file', 'damage'),
    [
        ('masks/s1.png', Path.unlink),
        ('masks/s1.png', _cut),
        ('depth/s1.png', _flip_a_bit),
        ('.done/s1', _empty),
        ('.done/s1', _no_text),
        ('.done/s1', _list_names_alone),
    ],
)
def test_a_lost_or_damaged_file_comes_back(convert, make_samples, tmp_path, tree, file, damage):
    convert(make_samples(), tmp_path / 'out', SETTINGS, workers=1)
    before = tree(tmp_path / 'out')
    damage(tmp_path / 'out' / file)
    assert convert(make_samples(), tmp_path / 'out', SETTINGS, workers=1) == 0
    after = tree(tmp_path / 'out')
    assert {name: content for name, (_, content) in after.items()} == {
        name: content for name, (_, content) in before.items()
    }
    rewritten = {name for name in after if after[name] != before[name]}
    images = {name for name in rewritten if name.endswith('.png')}
    assert images == {f'{folder}/s1.png' for folder in ('rgb', 'depth', 'masks')}


def test_a_second_run_rewrites_no_image(convert, make_samples, tmp_path, tree):
    def fail():
        raise AssertionError('loaded again')

    convert(make_samples(), tmp_path / 'out', SETTINGS, workers=2)
    before = tree(tmp_path / 'out')
    again = make_samples(**{f's{i}': fail for i in range(4)})
    assert convert(again, tmp_path / 'out', SETTINGS, workers=2) == 0
    after = tree(tmp_path / 'out')
    assert {name: content for name, (_, content) in after.items()} == {
        name: content for name, (_, content) in before.items()
    }
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {'train.txt', 'test.txt', 'intrinsics.json'}


def test_resume_after_interruption(convert, make_samples, tmp_path, tree):
    def interrupt():
        raise KeyboardInterrupt

    out = tmp_path / 'out'
    with pytest.raises(KeyboardInterrupt):
        convert(make_samples(s2=interrupt), out, SETTINGS, workers=1)
    assert not (out / 'train.txt').exists()
    # as a run leaves it that was killed while it wrote
    (out / 'rgb' / 's2.png').write_bytes(b'cut')
    (out / 'depth' / 's2.png.part').write_bytes(b'cut')
    before = tree(out)
    assert convert(make_samples(), out, SETTINGS, workers=1) == 0
    after = tree(out)
    assert all(
        after[f'{folder}/s0.png'] == before[f'{folder}/s0.png'] for folder in ('rgb', 'masks')
    )
    assert cv2.imread(str(out / 'rgb' / 's2.png')).shape == (6, 8, 3)
    assert not list(out.rglob('*.part'))

    convert(make_samples(), tmp_path / 'whole', SETTINGS, workers=1)
    assert {name: content for name, (_, content) in tree(tmp_path / 'whole').items()} == {
        name: content for name, (_, content) in after.items()
    }


def test_other_settings_in_the_same_folder(convert, make_samples, tmp_path, tree):
    convert(make_samples(), tmp_path / 'out', SETTINGS, workers=1)
    before = tree(tmp_path / 'out')
    with pytest.raises(ValueError, match="with .*'filled'.*, got a folder that was .*'raw'"):
        convert(make_samples(), tmp_path / 'out', SETTINGS | dict(depth='filled'), workers=1)
    assert tree(tmp_path / 'out') == before


def test_another_archive_in_the_same_folder(core, make_samples, tmp_path, tree):
    out = tmp_path / 'out'
    core.convert(make_samples(), tmp_path / 'raw', out, SETTINGS, workers=1)
    before = tree(out)
    with pytest.raises(ValueError, match='expected a folder .* with .*other.*, got a folder .*raw'):
        core.convert(make_samples(), tmp_path / 'other', out, SETTINGS, workers=1)
    assert tree(out) == before


def test_damaged_settings(convert, make_samples, tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'conversion.json').write_text('{"dataset": ')
    with pytest.raises(ValueError, match=r'out.conversion\.json: expected JSON, got'):
        convert(make_samples(), tmp_path / 'out', SETTINGS, workers=1)


def test_read_json(core, tmp_path):
    assert core.read_json(tmp_path / 'some.json') == {}
    (tmp_path / 'some.json').write_text('{"a": 1}')
    assert core.read_json(tmp_path / 'some.json') == dict(a=1)
    (tmp_path / 'some.json').write_bytes(b'\xff')
    with pytest.raises(ValueError, match=r'some\.json: expected JSON, got'):
        core.read_json(tmp_path / 'some.json')


@pytest.mark.parametrize('error', [OSError, RuntimeError, KeyError, ValueError, TypeError])
def test_refuse_damage(core, error):
    with core.refuse_damage('some.mat'):
        pass
    with pytest.raises(ValueError, match='some.mat is damaged: .*bad heap'):
        with core.refuse_damage('some.mat'):
            raise error('bad heap')


def test_duplicate_stems(convert, make_samples, tmp_path):
    samples = make_samples() + make_samples(1)
    with pytest.raises(ValueError, match="got 's0' from archive, entry 0 and from archive, entry"):
        convert(samples, tmp_path / 'out', SETTINGS, workers=1)
    assert not (tmp_path / 'out').exists()


def test_require_lists_what_is_missing(core, tmp_path):
    (tmp_path / 'a.mat').touch()
    (tmp_path / 'folder').mkdir()
    assert core.require(tmp_path, 'a.mat', 'folder') == [tmp_path / 'a.mat', tmp_path / 'folder']
    with pytest.raises(FileNotFoundError, match=r'incomplete, 2 missing:\n  b.mat\n  other/c.txt'):
        core.require(tmp_path, 'a.mat', 'b.mat', 'other/c.txt')


def test_require_frames(core, tmp_path, capsys):
    (tmp_path / 'a.png').touch()
    (tmp_path / 'a.txt').touch()
    (tmp_path / 'b.png').touch()
    frames = {name: [f'{name}.png', f'{name}.txt'] for name in 'ab'}
    with pytest.raises(FileNotFoundError, match=r'1 missing:\n  b.txt'):
        core.require_frames(tmp_path, frames, partial=False)
    assert core.require_frames(tmp_path, frames, partial=True) == ['a']
    assert 'left out 1 incomplete of 2 frames: there is no b.txt\n' in capsys.readouterr().out
    (tmp_path / 'b.txt').touch()
    assert core.require_frames(tmp_path, frames, partial=False) == ['a', 'b']


@pytest.mark.parametrize('partial', [True, False])
def test_require_count(core, partial):
    core.require_count('images', 10, 10, partial)
    with pytest.raises(ValueError, match='images: expected 10, got 11$'):
        core.require_count('images', 10, 11, partial)
    with pytest.raises(ValueError, match='images: expected 10, got 0$'):
        core.require_count('images', 10, 0, partial)


def test_too_few(core):
    core.require_count('images', 10, 9, partial=True)
    with pytest.raises(ValueError, match='expected 10, got 9; --partial converts what is there'):
        core.require_count('images', 10, 9)


def test_check_label(core):
    label = np.array([[0, 8, 255]], np.int32)
    checked = core.check_label(label, 9, 'some.png')
    np.testing.assert_array_equal(checked, label.astype(np.uint8), strict=True)
    with pytest.raises(ValueError, match=r'some.png: .*expected 0..8 or 255, got \[-1, 9, 300\]'):
        core.check_label(np.array([[0, 9, -1, 300, 9, 255]]), 9, 'some.png')


def test_map_labels(core):
    table = [255, 1, 0]
    mapped = core.map_labels(np.array([[0, 1, 2, 2]], np.uint16), table, 'some')
    np.testing.assert_array_equal(mapped, np.array([[255, 1, 0, 0]], np.uint8), strict=True)
    with pytest.raises(ValueError, match=r'some: .*outside the mapping: expected 0..2, got \[3\]'):
        core.map_labels(np.array([[0, 3]]), table, 'some')


def test_read_gray(core, tmp_path):
    path = tmp_path / 'depth.png'
    depth = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1000
    cv2.imwrite(str(path), depth)
    np.testing.assert_array_equal(core.read_gray(path, 'uint16'), depth, strict=True)
    with pytest.raises(ValueError, match='depth.png: expected one channel of uint8, got .*uint16'):
        core.read_gray(path, 'uint8')
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(ValueError, match='depth.png is corrupt'):
        core.read_gray(path, 'uint16')


def test_command_line(core, tmp_path):
    args = core.make_parser('some').parse_args([str(tmp_path), 'out'])
    assert (args.raw, args.out.name, args.partial) == (tmp_path, 'out', False)
    assert args.workers >= 1
    args = core.make_parser('some').parse_args(['raw', 'out', '--partial', '--workers', '3'])
    assert (args.partial, args.workers) == (True, 3)


def fail_with(error):
    raise error


@pytest.mark.parametrize(
    ('main', 'code'),
    [
        (lambda: 1, 1),
        # printed, with status 1
        (partial(fail_with, ValueError('wrong archive')), 'error: wrong archive'),
        (partial(fail_with, PermissionError('no access')), 'error: no access'),
    ],
)
def test_exit_status(core, main, code):
    with pytest.raises(SystemExit) as stop:
        core.exit_with(main)
    assert stop.value.code == code


def test_exit_after_interruption(core, capsys):
    with pytest.raises(SystemExit) as stop:
        core.exit_with(partial(fail_with, KeyboardInterrupt()))
    assert stop.value.code == 130
    assert capsys.readouterr().err == 'interrupted; the same command goes on from here\n'
