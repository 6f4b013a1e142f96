"""No file of somebody else's is written in place of a result."""

import os

import numpy as np
import pytest
from PIL import Image

from mmamf.visualization.save_picture import check_apart, save_picture

PICTURE = np.arange(12, dtype=np.uint8).reshape(3, 4)


def test_what_a_link_leads_to_stays(tmp_path):
    (tmp_path / 'precious').write_text('precious')
    out = tmp_path / 'out'
    out.mkdir()
    for name in ('a.png', '.a.png.tmp'):
        (out / name).symlink_to(tmp_path / 'precious')
    os.link(tmp_path / 'precious', out / 'b.png')
    for name in ('a.png', 'b.png', 'new/c.png'):
        save_picture(out / name, PICTURE)
        np.testing.assert_array_equal(Image.open(out / name), PICTURE)
    assert (tmp_path / 'precious').read_text() == 'precious'
    assert not [*out.rglob('*.tmp')]


def test_a_folder_in_its_place(tmp_path):
    (tmp_path / 'a.png').mkdir()
    with pytest.raises(ValueError, match='a.png: the file cannot be written: Is a directory'):
        save_picture(tmp_path / 'a.png', PICTURE)
    assert [path.name for path in tmp_path.iterdir()] == ['a.png']


def test_results_are_no_inputs(tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path)
    (tmp_path / 'b.png').symlink_to(tmp_path / 'c.png')
    check_apart([tmp_path / 'a.png'], [tmp_path / 'b.png', tmp_path / 'x' / 'a.png'])
    for path in ('a.png', 'link/a.png', 'b.png', 'c.png'):
        with pytest.raises(ValueError, match=f'{path}: expected a result that is no input'):
            check_apart([tmp_path / path], [tmp_path / 'a.png', tmp_path / 'b.png'])
