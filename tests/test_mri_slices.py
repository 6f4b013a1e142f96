"""docs/mri/cut_slices.py on tiny volumes."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

nibabel = pytest.importorskip('nibabel', reason='pip install nibabel')
SCRIPT = Path(__file__).parents[1] / 'docs' / 'mri' / 'cut_slices.py'


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location('cut_slices', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def raw(tmp_path, script):
    """One patient; slice 42 of T2 is empty."""
    folder = tmp_path / 'raw' / 'cross_sectional' / 'MNI' / 'patient07'
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for prefix in (*script.SEQUENCES.values(), script.LABEL):
        volume = rng.uniform(-1, 160, (4, 5, 141)).astype(np.float32)
        if prefix == script.LABEL:
            volume = (volume > 150).astype(np.float32)
        if prefix == 'T2':
            volume[..., 42] = 0
        image = nibabel.Nifti1Image(volume, np.eye(4))
        nibabel.save(image, folder / f'{prefix}_N4_noneck_regtoMNI.nii.gz')
    return tmp_path / 'raw'


def test_slices(script, raw, tmp_path):
    names = script.cut(raw, tmp_path / 'out', 'patient07')
    assert len(names) == 50 and 'patient07_z042' not in names
    folder = raw / 'cross_sectional' / 'MNI' / 'patient07'
    volume = nibabel.load(folder / 'T1_N4_noneck_regtoMNI.nii.gz').get_fdata()
    png = cv2.imread(str(tmp_path / 'out' / 't1' / 'patient07_z100.png'), cv2.IMREAD_UNCHANGED)
    assert png.dtype == np.uint16 and png.shape == (5, 4)
    np.testing.assert_array_equal(png, np.clip(np.rint(volume[:, ::-1, 100].T * 16), 0, None))
    label = cv2.imread(str(tmp_path / 'out' / 'labels' / 'patient07_z100.png'), -1)
    assert set(np.unique(label)) <= {0, 1}


def test_a_missing_volume_is_named(script, raw, tmp_path):
    next(raw.rglob('FLAIR_*')).unlink()
    with pytest.raises(FileNotFoundError, match='patient07: expected one file FLAIR_N4_.* got 0'):
        script.cut(raw, tmp_path / 'out', 'patient07')
