"""The scores of docs/mri/compare.py, counted by hand."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / 'docs' / 'mri' / 'compare.py'


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Two slices: a lesion of 4 pixels in the first, and one of 2 pixels, which is too small."""
    spec = importlib.util.spec_from_file_location('compare_mri', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, 'DATA', tmp_path)
    (tmp_path / 'p.txt').write_text('a\nb\n')
    (tmp_path / 'without_p.txt').write_text('a\nb\n')
    write(tmp_path / 'labels', a=(slice(0, 2), slice(0, 2)), b=(0, slice(0, 2)))
    return module


def write(folder, **regions):
    folder.mkdir()
    for name, region in regions.items():
        mask = np.zeros((40, 40), np.uint8)
        mask[region] = 1
        cv2.imwrite(str(folder / f'{name}.png'), mask)


def test_one_lesion_is_half_found_and_one_region_is_false(script, tmp_path):
    write(tmp_path / 'masks', a=(slice(0, 2), 0), b=(slice(5, 8), 5))
    assert script.score(tmp_path / 'masks', 'p') == dict(
        dice=36.36, iou=22.22, lesions=1, found=1, false=1, slices=2
    )


def test_a_region_beside_a_lesion_is_not_false(script, tmp_path):
    write(tmp_path / 'masks', a=(slice(0, 3), 2), b=(9, 9))
    assert script.score(tmp_path / 'masks', 'p') == dict(
        dice=0.0, iou=0.0, lesions=1, found=0, false=0, slices=2
    )


def test_lesions_are_weighted_by_their_share(script):
    assert script.weigh_classes('p') == [1.0, pytest.approx((3194 / 6) ** 0.5, abs=0.05)]
