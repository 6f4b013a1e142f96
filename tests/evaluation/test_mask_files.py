import numpy as np
import pytest
import torch
from PIL import Image

from mmamf.evaluation.mask_files import MaskFiles


def make_sample(**meta) -> dict:
    return dict(pred_sem_seg=dict(data=torch.tensor([[[0, 1], [254, 3]]])), **meta)


@pytest.mark.parametrize(
    ('meta', 'name'),
    [
        (dict(sample_name='a/b', img_path='rgb/x.jpg'), 'a/b.png'),
        (dict(sample_name='a__b', img_path='rgb/x.jpg'), 'a__b.png'),
        (dict(sample_name='./0.5', img_path='rgb/x.jpg'), '0.5.png'),
        (dict(img_path='rgb/x.1.jpg'), 'x.1.png'),
        (dict(sample_name='alone'), 'alone.png'),
    ],
)
def test_names_and_values(tmp_path, meta, name):
    MaskFiles(tmp_path / 'out').write(make_sample(**meta), 255)
    (path,) = (path for path in (tmp_path / 'out').rglob('*') if path.is_file())
    assert path == tmp_path / 'out' / name
    np.testing.assert_array_equal(Image.open(path), [[0, 1], [254, 3]])


def test_equal_names_are_refused_and_one_sample_may_come_twice(tmp_path):
    files = MaskFiles(tmp_path)
    for _ in range(2):
        files.write(make_sample(sample_name='0', img_path='one/0.png'), 255)
    with pytest.raises(ValueError, match='one/0.png and two/0.png would both be saved as 0.png'):
        files.write(make_sample(sample_name='./0', img_path='two/0.png'), 255)


@pytest.mark.parametrize('name', ['../x', 'a/../../x', '/x'])
def test_names_that_lead_out_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match='expected names of samples inside the folder, got .*x'):
        MaskFiles(tmp_path).reserve(dict(sample_name=name, img_path='x.png'))


def test_samples_without_a_name_and_too_many_classes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="sample_name or an img_path, .* only .'pred_sem_seg'."):
        MaskFiles(tmp_path).write(make_sample(), 255)
    with pytest.raises(ValueError, match='expected at most 255 classes, .* got 256'):
        MaskFiles(tmp_path).write(make_sample(sample_name='0'), 256)


@pytest.mark.parametrize(
    'info',
    [
        dict(img_path='out/0.png'),
        dict(img_path='x.png', seg_map_path='out/0.png'),
        dict(img_path='x.png', modality_paths=dict(rgb='x.png', depth='out/0.png', nir=None)),
    ],
)
def test_masks_that_would_overwrite_an_input_are_refused(tmp_path, monkeypatch, info):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match='0.png: .*it would overwrite this input'):
        MaskFiles('out').reserve(dict(info, sample_name='0'))


def test_a_folder_in_place_of_a_mask(tmp_path):
    (tmp_path / '0.png').mkdir()
    with pytest.raises(ValueError, match='0.png: the file cannot be written'):
        MaskFiles(tmp_path).write(make_sample(sample_name='0'), 255)
