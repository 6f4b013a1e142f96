"""A fixed copy has the faults no more, and what was right stays."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from planted import PLANTS, change, make_clean_set, names

from mmamf.planning.findings import find_problems
from mmamf.planning.fixes.fix_data import fix_data
from mmamf.planning.fixes.geometry import move, upright
from mmamf.planning.prints.fingerprint import Fingerprint
from mmamf.planning.prints.summaries import Offset
from mmamf.planning.samples.find_data import find_data
from mmamf.planning.samples.found_data import FoundData
from mmamf.planning.samples.split_data import split_data


@pytest.fixture(scope='module')
def clean(tmp_path_factory) -> Path:
    return make_clean_set(tmp_path_factory.mktemp('clean') / 'set', count=12)


def fix(root: Path, tmp_path: Path) -> tuple[FoundData, list[str]]:
    """Write the fixed copy; return it, and the codes of what is found in it."""
    data = split_data(find_data(root))
    fixed = fix_data(data, Fingerprint(data, tmp_path / 'a.sqlite', workers=1), tmp_path / 'fixed')
    again = Fingerprint(fixed, tmp_path / 'b.sqlite', workers=1)
    return fixed, [finding.code for finding in find_problems(fixed, again)]


def plant_and_fix(code: str, clean: Path, tmp_path: Path) -> FoundData:
    """Plant a fault into a copy of the clean set; return the fixed copy, which is free of it."""
    root = shutil.copytree(clean, tmp_path / 'set')
    PLANTS[code](root)
    fixed, codes = fix(root, tmp_path)
    assert code not in codes
    return fixed


def arrays(root: Path, folder: str) -> list[np.ndarray]:
    """Read all images of a folder; of palette files, the indices."""
    paths = names(root, folder)
    return [np.load(p) if p.suffix == '.npy' else np.array(Image.open(p)) for p in paths]


@pytest.mark.parametrize(
    'code',
    ['labels-0-255', 'labels-colored', 'labels-lossy', 'labels-off-by-one', 'palette-differs'],
)
def test_labels_become_class_indices(clean, tmp_path, code):
    fixed = plant_and_fix(code, clean, tmp_path)
    for found, true in zip(arrays(fixed.root, 'labels'), arrays(clean, 'labels'), strict=True):
        if code == 'labels-0-255':
            true = np.minimum(true, 1)
        elif code == 'labels-off-by-one':
            true = np.where(np.arange(true.shape[1]) < 3, 255, true)
        if code == 'labels-lossy':  # borders may move by a pixel
            assert (found == true).mean() > 0.95
        else:
            assert np.array_equal(found, true)


@pytest.mark.parametrize('code', ['color-order', 'orientation'])
def test_pictures_are_as_before(clean, tmp_path, code):
    fixed = plant_and_fix(code, clean, tmp_path)
    for index, (found, true) in enumerate(zip(arrays(fixed.root, 'rgb'), arrays(clean, 'rgb'))):
        if code == 'orientation' and index < 4:
            true = true[::-1, ::-1]  # the header said so
        assert np.array_equal(found, true)


@pytest.mark.parametrize('code', ['sizes-differ', 'mixed-files', 'depth-units', 'shifted'])
def test_depth_fits_again(clean, tmp_path, code):
    fixed = plant_and_fix(code, clean, tmp_path)
    for found, true in zip(arrays(fixed.root, 'depth'), arrays(clean, 'depth'), strict=True):
        assert found.shape == true.shape
        inside = np.s_[12:-12, 12:-12]
        near = np.abs(found[inside].astype(float) - true[inside]) < 60
        assert near.mean() > 0.9 or code == 'mixed-files'  # 8 bits were lost there


def test_a_gray_file_gets_the_channels_of_the_others(clean, tmp_path):
    root = shutil.copytree(clean, tmp_path / 'set')
    change(root / 'rgb', lambda image: image[..., 0], 1)
    fixed, codes = fix(root, tmp_path)
    assert 'mixed-files' not in codes
    gray, *others = arrays(fixed.root, 'rgb')
    first, *colors = arrays(clean, 'rgb')
    assert np.array_equal(gray, np.repeat(first[..., :1], 3, 2))
    assert all(map(np.array_equal, others, colors))


def test_clean_files_are_copied_byte_by_byte(clean, tmp_path):
    fixed, codes = fix(clean, tmp_path)
    assert codes == ['few-samples']
    for folder in ('rgb', 'depth', 'labels'):
        for ours, theirs in zip(names(fixed.root, folder), names(clean, folder), strict=True):
            assert ours.read_bytes() == theirs.read_bytes()
    assert (fixed.root / 'classes.txt').read_text().split() == ['ground', 'box', 'ball']


def test_folder_with_files_is_refused(clean, tmp_path):
    (tmp_path / 'fixed').mkdir()
    (tmp_path / 'fixed' / 'mine.txt').touch()
    with pytest.raises(FileExistsError, match='expected a new or empty folder'):
        fix(clean, tmp_path)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_upright_agrees_with_pillow(tmp_path, orientation):
    image = np.arange(24, dtype=np.uint8).reshape(4, 6)
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / 'a.png'
    Image.fromarray(image).save(path, exif=exif)
    expected = np.array(ImageOps.exif_transpose(Image.open(path)))
    assert np.array_equal(upright(image, orientation), expected)


def test_move_goes_right_and_down():
    image = np.zeros((20, 30), np.uint16)
    image[5, 7] = 9
    moved = move(image, Offset('depth', 3, 2, 0, 1, 1, 8), hole=0, nearest=True)
    assert moved[7, 10] == 9 and moved.sum() == 9
