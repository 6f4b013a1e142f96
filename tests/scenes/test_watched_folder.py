"""Watching folders: samples are ready when their files are complete."""

import threading
import time

import cv2
import numpy as np
import pytest

from mmamf.scenes import Usage, WatchedFolder, segment_watched

SPECS = dict(
    rgb=dict(channels=3, dtype='uint8'),
    depth=dict(channels=1, dtype='uint16', missing=0),
)
SUFFIXES = dict(rgb='.png', depth='.png')


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves: ``clock.now += 1``."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(time, 'monotonic', lambda: Clock.now)
    return Clock


@pytest.fixture
def places(tmp_path):
    for name in SPECS:
        (tmp_path / name).mkdir()
    return {name: str(tmp_path / name) for name in SPECS}


def write(place, name, part=None):
    shape = (16, 20, 3) if 'rgb' in place else (16, 20)
    kind = np.uint8 if 'rgb' in place else np.uint16
    image = np.random.default_rng(0).integers(1, 200, shape).astype(kind)
    content = cv2.imencode('.png', image)[1].tobytes()
    with open(f'{place}/{name}.png', 'wb') as file:
        file.write(content[:part])


def test_a_sample_is_ready_when_its_files_rest(places, clock):
    folder = WatchedFolder(places, SUFFIXES)
    assert folder.look() == ({}, [])
    write(places['rgb'], 'a', 50)
    folder.look()
    clock.now += 5
    write(places['depth'], 'a')
    assert folder.look() == ({}, [])
    clock.now += 0.4
    write(places['rgb'], 'a')  # it grows
    assert folder.look() == ({}, [])
    clock.now += 0.4
    assert folder.look() == ({}, [])
    clock.now += 0.2
    files = {name: f'{place}/a.png' for name, place in places.items()}
    assert folder.look() == (dict(a=files), [])
    assert folder.look() == (dict(a=files), [])  # until it is finished
    folder.finished('a')
    clock.now += 99
    assert folder.look() == ({}, [])
    write(places['rgb'], 'a', 60)
    folder.look()
    clock.now += 1
    assert folder.look() == (dict(a=files), [])  # it was changed


@pytest.mark.parametrize('optional', [(), ('depth',)])
def test_a_lacking_file(places, clock, optional):
    folder = WatchedFolder(places, SUFFIXES, optional, patience=7)
    write(places['rgb'], 'a')
    folder.look()
    clock.now += 6.9
    assert folder.look() == ({}, [])
    clock.now += 0.2
    ready, messages = folder.look()
    if optional:
        assert ready == dict(a=dict(rgb=f'{places["rgb"]}/a.png')) and not messages
        return
    assert not ready and messages == ['a: no file of depth after 7 s']
    assert folder.look() == ({}, [])  # said once
    write(places['depth'], 'a')
    folder.look()
    clock.now += 1
    assert list(folder.look()[0]) == ['a']


def test_a_damaged_file_is_given_up_after_the_patience(places, clock):
    folder = WatchedFolder(places, SUFFIXES, patience=7)
    for place in places.values():
        write(place, 'a', 30)
    folder.look()
    clock.now += 1
    assert list(folder.look()[0]) == ['a'] and not folder.failed('a')
    clock.now += 6.5
    assert list(folder.look()[0]) == ['a'] and folder.failed('a')
    assert folder.look() == ({}, [])


def test_globs_of_one_folder(tmp_path, clock):
    places = {name: f'{tmp_path}/*_{name}.png' for name in SPECS}
    folder = WatchedFolder(places, SUFFIXES)
    for name in SPECS:
        write(str(tmp_path), f'a_{name}')
        write(str(tmp_path), f'.b_{name}')  # a hidden draft
    folder.look()
    clock.now += 1
    ready, _ = folder.look()
    assert ready == dict(a={name: f'{tmp_path}/a_{name}.png' for name in SPECS})


def test_bad_places(places, tmp_path):
    (tmp_path / 'a.png').touch()
    for place in (tmp_path / 'a.png', tmp_path / 'none'):
        with pytest.raises(
            ValueError, match=f"--watch: expected a folder .* for 'rgb', got {place}"
        ):
            WatchedFolder(dict(rgb=str(place)), SUFFIXES)
    folder = WatchedFolder(places, {})
    for suffix in ('png', 'tif'):
        (tmp_path / 'rgb' / f'a.{suffix}').touch()
    with pytest.raises(ValueError, match=r"'rgb': expected files of different names, got .*a.png"):
        folder.look()


def test_segmenting_what_appears(make_segmentor, places, tmp_path, capsys, monkeypatch):
    """A writer that is slow, a damaged file, and Ctrl-C."""
    monkeypatch.setattr('mmamf.scenes.watched_folder.SETTLED', 0.02)
    monkeypatch.setattr(segment_watched.__globals__['time'], 'sleep', lambda _: pause())
    folder = WatchedFolder(places, SUFFIXES, patience=1)
    segmentor, usage = make_segmentor(SPECS), Usage()
    wait, real = threading.Event(), time.monotonic
    started = real()

    def camera():
        write(places['rgb'], 'a')
        write(places['depth'], 'a', 40)
        wait.wait(0.3)  # longer than a file must rest: it is tried, fails, and is tried again
        write(places['depth'], 'a')
        write(places['rgb'], 'b')
        write(places['depth'], 'b', 40)

    def pause():
        wait.wait(0.01)
        if 'given up' in ''.join(seen) or real() - started > 60:
            raise KeyboardInterrupt
        seen.append(capsys.readouterr().err)

    seen = []
    thread = threading.Thread(target=camera)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        segment_watched(segmentor, folder, tmp_path / 'out', usage)
    thread.join()
    text = ''.join(seen)
    assert text.startswith('warning: b: given up after 1 s: ') and 'depth/b.png' in text
    assert text.count('\n') == 1
    assert [path.name for path in (tmp_path / 'out' / 'masks').iterdir()] == ['a.png']
    assert [path.name for path in (tmp_path / 'out' / 'overlays').iterdir()] == ['a.png']
    assert usage.pixels == 16 * 20
