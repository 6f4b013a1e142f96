"""Videos: each frame is segmented like an image, and nothing is lost silently."""

import logging
import sys

import cv2
import numpy as np
import pytest

from mmamf.scenes import segment_video

SPECS = dict(
    rgb=dict(channels=3, dtype='uint8'),
    thermal=dict(channels=1, dtype='uint8', optional=True),
)


@pytest.fixture
def write_video(tmp_path):
    """Writer of a lossless video: ``write_video('rgb.avi', frames (N, H, W, 3), RGB)``."""

    def write(name, frames):
        path = str(tmp_path / name)
        size = frames[0].shape[1::-1]
        writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'FFV1'), 10, size)
        assert writer.isOpened()
        for frame in frames:
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
        writer.release()
        return path

    return write


@pytest.fixture
def frames():
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (6, 32, 48, 3), np.uint8)
    gray = rng.integers(0, 256, (6, 32, 48, 1), np.uint8)
    return dict(rgb=rgb, thermal=gray.repeat(3, -1))


def read_masks(folder):
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize('batch_size', [1, 4])
def test_frames(make_segmentor, write_video, frames, tmp_path, batch_size):
    files = {name: write_video(f'{name}.avi', values) for name, values in frames.items()}
    segmentor = make_segmentor(SPECS, batch_size=batch_size)
    usage = segment_video(segmentor, files, tmp_path / 'out', 'walk')
    masks = read_masks(tmp_path / 'out' / 'masks' / 'walk')
    assert len(masks) == 6 and usage.pixels == 6 * 32 * 48
    capture = {name: cv2.VideoCapture(file) for name, file in files.items()}
    for mask in masks:  # as OpenCV decodes them: FFV1 converts colors
        bgr, gray = (capture[name].read()[1] for name in ('rgb', 'thermal'))
        planes = [*bgr.transpose(2, 0, 1), cv2.cvtColor(gray, cv2.COLOR_BGR2GRAY)]
        item = dict(inputs=np.stack(planes), present=('rgb', 'thermal'))
        np.testing.assert_array_equal(mask, segmentor.segmentor.scores_of(item).argmax(0))
    painted = cv2.VideoCapture(str(tmp_path / 'out' / 'overlays' / 'walk.mp4'))
    assert painted.get(cv2.CAP_PROP_FRAME_COUNT) == 6 and painted.get(cv2.CAP_PROP_FPS) == 10
    assert painted.read()[1].shape == (32, 48, 3)


def test_one_modality(make_segmentor, write_video, frames, tmp_path):
    files = dict(thermal=write_video('thermal.avi', frames['thermal']))
    segmentor = make_segmentor(SPECS)
    segment_video(segmentor, files, tmp_path / 'out', 'walk')
    assert segmentor.segmentor.present == [('thermal',)] * 6


@pytest.mark.parametrize('batch_size', [1, 4])
def test_lengths_differ(make_segmentor, write_video, frames, tmp_path, batch_size):
    files = dict(
        rgb=write_video('rgb.avi', frames['rgb']),
        thermal=write_video('thermal.avi', frames['thermal'][:5]),
    )
    message = (
        r'videos of the same length, got 5 frames in .*thermal.avi and more in .*rgb.avi. The '
        'first 5 are segmented'
    )
    with pytest.raises(ValueError, match=message):
        segment_video(make_segmentor(SPECS, batch_size=batch_size), files, tmp_path, 'walk')
    assert len(read_masks(tmp_path / 'masks' / 'walk')) == 5


def test_a_video_that_is_cut(make_segmentor, write_video, frames, tmp_path, monkeypatch):
    file = write_video('rgb.avi', frames['rgb'])
    logged = []
    monkeypatch.setattr(
        sys.modules[segment_video.__module__],
        'print_log',
        lambda text, logger, level: logged.append((text, level)),
    )
    capture = cv2.VideoCapture

    class Longer:
        def __init__(self, path):
            self.inner = capture(path)

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def get(self, key):
            return 9 if key == cv2.CAP_PROP_FRAME_COUNT else self.inner.get(key)

    monkeypatch.setattr(cv2, 'VideoCapture', Longer)
    segment_video(make_segmentor(SPECS), dict(rgb=file), tmp_path, 'walk')
    assert logged == [(f'{file}: 6 frames can be read, but its header says 9', logging.WARNING)]


def test_sizes_differ(make_segmentor, write_video, frames, tmp_path):
    files = dict(
        rgb=write_video('rgb.avi', frames['rgb']),
        thermal=write_video('thermal.avi', frames['thermal'][:, :16]),
    )
    message = (
        r'size \(H, W\): expected \(32, 48\) as in .*/rgb.avi, frame 0 .*/thermal.avi, frame 0'
    )
    with pytest.raises(ValueError, match=message):
        segment_video(make_segmentor(SPECS), files, tmp_path, 'walk')


def test_colors_of_a_gray_modality(make_segmentor, write_video, frames, tmp_path):
    files = dict(thermal=write_video('thermal.avi', frames['rgb']))
    message = r"modality 'thermal': expected a gray video, .* got colors in .*thermal.avi, frame 0"
    with pytest.raises(ValueError, match=message):
        segment_video(make_segmentor(SPECS), files, tmp_path, 'walk')


def test_no_video(make_segmentor, tmp_path):
    with pytest.raises(FileNotFoundError, match='video not found: .*a.mp4'):
        segment_video(make_segmentor(SPECS), dict(rgb=str(tmp_path / 'a.mp4')), tmp_path, 'walk')
    (tmp_path / 'a.mp4').write_text('no video')
    with pytest.raises(ValueError, match='a.mp4: expected a video, got a file that OpenCV cannot'):
        segment_video(make_segmentor(SPECS), dict(rgb=str(tmp_path / 'a.mp4')), tmp_path, 'walk')


def test_the_result_is_an_input(make_segmentor, write_video, frames, tmp_path):
    (tmp_path / 'overlays').mkdir()
    file = write_video('overlays/walk.avi', frames['rgb'])
    (tmp_path / 'overlays' / 'walk.avi').rename(tmp_path / 'overlays' / 'walk.mp4')
    file = file.replace('.avi', '.mp4')
    with pytest.raises(ValueError, match='walk.mp4: expected a result that is no input'):
        segment_video(make_segmentor(SPECS), dict(rgb=file), tmp_path, 'walk')
