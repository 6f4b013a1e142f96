"""What is written for people, and where."""

import numpy as np
import pytest
from PIL import Image

from mmamf.apis.prediction_files import PredictionFiles, make_out_folder


def test_no_two_names_share_a_file(tmp_path):
    names = ['a/b', 'a__b', 'a', 'b']
    files = PredictionFiles(tmp_path / 'out', ['x', 'y'], [[0, 0, 0], [255, 0, 0]], len(names))
    for value, name in enumerate(names):
        label = np.full((16, 16), value % 2, np.uint8)
        label[0, 0] = value // 2
        files.write(name, dict(rgb=np.zeros((16, 16, 3), np.uint8)), dict(ensemble=label))
    for value, name in enumerate(names):
        mask = np.array(Image.open(tmp_path / 'out' / 'masks' / f'{name}.png'))
        assert (mask[1, 1], mask[0, 0]) == (value % 2, value // 2)
        assert (tmp_path / 'out' / 'overlays' / f'{name}.png').is_file()


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / 'file').touch()
    (tmp_path / 'loop').symlink_to(tmp_path / 'loop')
    for path, reason in (('file', 'it is a file'), ('file/x', 'Not a dir'), ('loop/x', 'Too many')):
        with pytest.raises(ValueError, match=f'{path}: expected a folder .* written: {reason}'):
            make_out_folder(tmp_path / path)

    def refuse(dir):
        raise OSError(30, 'Read-only file system')

    monkeypatch.setattr('mmamf.apis.prediction_files.tempfile.TemporaryFile', refuse)
    with pytest.raises(ValueError, match='written: Read-only file system'):
        make_out_folder(tmp_path / 'new')


def test_results_that_would_overwrite_an_input(tmp_path):
    files = PredictionFiles(tmp_path, ['x'], [[0, 0, 0]], 1)
    files.check_inputs({'a': dict(rgb=str(tmp_path / 'a.png'), depth=None, nir=np.zeros((2, 2)))})
    for path in ('masks/a.png', 'overlays/b.png', 'montage.png'):
        with pytest.raises(ValueError, match=f'{path}: .*it would overwrite this input'):
            files.check_inputs({'a': dict(rgb=str(tmp_path / path)), 'b': dict(rgb=None)})
