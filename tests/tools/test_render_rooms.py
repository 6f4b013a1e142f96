"""The rooms generator: same seed, same files; resuming; what the files hold; errors."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmamf.datasets import RoomsDataset

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / 'tools' / 'render_rooms.py'
FOLDERS = ('rgb', 'depth', 'normal', 'shade', 'texture_edge', 'occlusion_edge', 'label')
SETTINGS = ['--train', '3', '--val', '1', '--size', '64x48', '--workers', '1']


def start(out: Path, *arguments: str, **kwargs) -> subprocess.Popen:
    """Start the generator as a user does."""
    command = [sys.executable, str(SCRIPT), '--out', str(out), *SETTINGS, *arguments]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return subprocess.Popen(command, **pipes, **kwargs)


def render(out: Path, *arguments: str, **kwargs) -> tuple[int, str]:
    """Run the generator; returns its exit status and what it said."""
    process = start(out, *arguments, **kwargs)
    said = process.communicate(timeout=120)[0]
    return process.returncode, ' '.join(said.split())


def checksums(out: Path) -> dict[str, str]:
    """Hash every file of a data set folder."""
    files = sorted(path for path in out.rglob('*') if path.is_file())
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def read(out: Path, folder: str) -> np.ndarray:
    """Stack the training images of a folder."""
    return np.stack([cv2.imread(str(p), -1) for p in sorted((out / 'train' / folder).iterdir())])


@pytest.fixture(scope='module')
def rooms(tmp_path_factory) -> Path:
    """A finished tiny data set of two worker processes."""
    out = tmp_path_factory.mktemp('rooms') / 'two'
    status, said = render(out, '--workers', '2')
    assert status == 0, said
    return out


@pytest.fixture
def generator(monkeypatch):
    """The generator's modules, importable as from the script."""
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    from rooms import classes, layout, manifest, scene, sensors

    return dict(classes=classes, layout=layout, manifest=manifest, scene=scene, sensors=sensors)


def test_files(rooms):
    """Every room has every file, and the manifest names each with its checksum."""
    found = checksums(rooms)
    recorded = json.loads((rooms / 'manifest.json').read_text())
    found.pop('manifest.json')
    assert found == recorded['files']
    names = {f'train/{f}/{i:06d}.png' for f in FOLDERS for i in range(3)}
    assert set(found) == names | {f'val/{f}/000000.png' for f in FOLDERS}
    assert len(set(found.values())) == len(found)  # no two rooms alike


def test_another_seed_other_files(rooms, tmp_path):
    arguments = ('--seed', '7', '--train', '1', '--val', '0')
    assert render(tmp_path / 'other', *arguments)[0] == 0
    first = 'train/rgb/000000.png'
    assert checksums(tmp_path / 'other')[first] != checksums(rooms)[first]


def test_some_modalities_first_and_the_rest_later(rooms, tmp_path):
    """What else is rendered changes no file, what is absent is added, by one worker as by two."""
    expected, out = checksums(rooms), tmp_path / 'rooms'
    expected.pop('manifest.json')
    assert render(out, '--modalities', 'rgb', 'depth')[0] == 0
    found = checksums(out)
    found.pop('manifest.json')
    assert {path.split('/')[1] for path in found} == {'rgb', 'depth', 'label'}
    assert found == {path: expected[path] for path in found}
    status, said = render(out)
    assert status == 0 and 'rendered 4 of 4 rooms' in said
    found = checksums(out)
    found.pop('manifest.json')
    assert found == expected


def test_values(rooms):
    """Types and ranges are those of the data format; depth has holes and noise, labels none."""
    images = {folder: read(rooms, folder) for folder in FOLDERS}
    for folder, values in images.items():
        color = folder in ('rgb', 'normal')
        assert values.shape == ((3, 48, 64, 3) if color else (3, 48, 64)), folder
        assert values.dtype == (np.uint16 if folder == 'depth' else np.uint8), folder
    depth, label = images['depth'], images['label']
    holes = (depth == 0).mean()
    assert 0.005 < holes < 0.5
    assert 300 < depth[depth > 0].min() and depth.max() < 6000
    assert label.max() < len(RoomsDataset.METAINFO['classes'])
    assert {0, 1} <= set(np.unique(label))  # floor and wall
    normal = images['normal'][..., ::-1] / 255 * 2 - 1
    assert np.abs(np.linalg.norm(normal, axis=-1) - 1).max() < 0.02
    floor, ceiling = (normal[label == index].mean(0) for index in (0, 2))
    assert floor[1] > 0.8 and ceiling[1] < -0.8  # y points up in the camera's frame
    for folder in ('texture_edge', 'occlusion_edge', 'shade', 'rgb'):
        assert images[folder].max() > 100 > images[folder].min(), folder


def test_classes_agree(rooms, generator):
    """The data set class, the generator and the manifest list the same classes and colors."""
    recorded = json.loads((rooms / 'manifest.json').read_text())
    classes = generator['classes']
    assert RoomsDataset.METAINFO['classes'] == classes.CLASSES == tuple(recorded['classes'])
    palette = [list(color) for color in classes.PALETTE]
    assert RoomsDataset.METAINFO['palette'] == palette == recorded['palette']
    assert len(classes.CLASSES) >= 12


def test_colors_are_told_apart(generator):
    """No two classes look alike in pictures of labels."""
    palette = np.float32([generator['classes'].PALETTE]) / 255
    lab = cv2.cvtColor(palette, cv2.COLOR_RGB2LAB)[0]
    apart = np.linalg.norm(lab[:, None] - lab, axis=-1)
    assert apart[~np.eye(len(lab), dtype=bool)].min() > 20
    door = generator['classes'].CLASSES.index('door')
    assert np.delete(apart[door], door).min() > 45


def test_the_generator_does_not_import_the_models():
    code = 'import sys; sys.path.insert(0, sys.argv[1]); from rooms import dataset, job; '
    # the denoiser imports torch by itself
    code += "assert not {'mmamf.compat', 'mmengine', 'mmseg'} & set(sys.modules)"
    command = [sys.executable, '-c', code, str(ROOT / 'tools')]
    subprocess.run(command, check=True, cwd=ROOT)


def test_finished_set_is_left_alone(rooms):
    """A second run touches no image and returns at once."""
    before = {path: path.stat().st_mtime_ns for path in rooms.rglob('*.png')}
    begin = time.perf_counter()
    status, said = render(rooms)
    assert (status, time.perf_counter() - begin < 5) == (0, True)
    assert 'all 4 rooms are there' in said
    assert before == {path: path.stat().st_mtime_ns for path in rooms.rglob('*.png')}


@pytest.mark.parametrize('sent', [signal.SIGINT, signal.SIGKILL])
def test_resume(rooms, tmp_path, sent):
    """An interrupted run leaves only whole files, and the next one completes the set."""
    out = tmp_path / 'rooms'
    process = start(out)
    deadline = time.monotonic() + 60
    while not list(out.glob('train/label/*.png')) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, sent)
    said = process.communicate(timeout=60)[0]
    if sent == signal.SIGINT:
        assert process.returncode == 130 and 'goes on from there' in said
    expected = checksums(rooms)
    for path, digest in checksums(out).items():
        if path.endswith('.png'):
            assert digest == expected[path]
    assert render(out)[0] == 0
    found = checksums(out)
    assert {path: found[path] for path in expected} == expected


def test_damaged_file_is_rendered_again(rooms, tmp_path):
    """A file that is not as recorded, or gone, comes back."""
    expected = checksums(rooms)
    (rooms / 'train/depth/000001.png').write_bytes(b'damaged')
    (rooms / 'val/label/000000.png').unlink()
    status, said = render(rooms)
    assert status == 0 and 'rendered 2 of 4 rooms' in said
    assert checksums(rooms) == expected


def test_seeds_are_disjoint(generator):
    """No room of any split and data set seed shares its seed with another."""
    room_seed, last = (getattr(generator['manifest'], n) for n in ('room_seed', 'MAX_ROOMS'))
    seeds = [
        room_seed(seed, split, index)
        for seed in (0, 1, 2)
        for split in ('train', 'val')
        for index in (0, 1, last // 2, last - 1)
    ]
    assert len(set(seeds)) == len(seeds)


def test_furniture_keeps_apart(generator):
    """Footprints stay in the room, apart from each other and away from the camera."""
    layout = generator['layout']
    camera = layout.Camera(np.array([0, 1.5, 2.8]), np.array([0, 1, 0.0]), 70.0)
    plan = layout.Layout((5.0, 2.5, 6.0), camera)
    assert plan.claim_floor(np.array([0, 0.0]), (1, 1), 0)
    assert not plan.claim_floor(np.array([0.9, 0.0]), (1, 1), 0)  # overlaps
    assert plan.claim_floor(np.array([1.1, 0.0]), (1, 1), 0)
    assert not plan.claim_floor(np.array([0, 2.0]), (0.5, 0.5), 0)  # in front of the camera
    assert not plan.claim_floor(np.array([0, -2.8]), (1, 1), 0)  # through the wall
    assert not plan.claim_floor(np.array([2.0, 2.0]), (0.4, 0.4), 0)  # out of view
    assert plan.claim_wall('back', 0.0, 1.0)
    assert not plan.claim_wall('back', 0.8, 1.0)


def test_light_varies(generator):
    """Some rooms are bright and some nearly dark."""
    draw_room = generator['scene'].draw_room
    levels = [draw_room(np.random.default_rng(seed)).light_level for seed in range(60)]
    assert max(levels) > 0.5 and min(levels) < 0.01
    assert 0.1 < np.mean(np.array(levels) < 0.02) < 0.5


def test_painted_things_are_flat(generator):
    """Door, window and picture stand off their wall by less than the depth noise at 2 m."""
    from rooms import fixtures

    assert 1000 * fixtures.SHEET_GAP < 1000 * (0.0012 + 0.0019 * 1.6**2) / 3
    rng = np.random.default_rng(0)
    for build in (fixtures.door, fixtures.window, fixtures.picture):
        part, _ = build(rng)
        assert part.matrix[2, 3] == fixtures.SHEET_GAP
        assert not part.matrix[2, :2].any()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--size', '160'), "expected WIDTHxHEIGHT of at least 16x16, such as 160x120, got '160'"),
        (('--size', '8x8'), 'at least 16x16'),
        (('--train', '-1'), "expected a whole number 0-1000000, got '-1'"),
        (('--val', 'many'), "got 'many'"),
        (('--workers', '0'), "expected a whole number of at least 1, got '0'"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    status, said = render(tmp_path / 'rooms', *arguments)
    assert status == 2 and message in said
    assert not (tmp_path / 'rooms').exists()


def test_other_settings_are_refused(rooms):
    """A folder keeps the settings it was made with."""
    status, said = render(rooms, '--seed', '5')
    assert status == 1 and 'Traceback' not in said
    assert 'holds rooms of other settings: seed=0 (asked: 5); remove the folder' in said


def test_foreign_manifest_is_refused(tmp_path):
    (tmp_path / 'manifest.json').write_text('{"settings": 1')
    status, said = render(tmp_path)
    assert status == 1 and 'expected a manifest of the rooms data set' in said


def test_missing_backend_says_how_to_install(tmp_path, generator, monkeypatch):
    import render_rooms
    from rooms import dataset

    monkeypatch.setattr(dataset, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit, match='error: rendering needs mitsuba and pyoidn; install with'):
        render_rooms.main(['--out', str(tmp_path / 'rooms')])
