"""What the report shows of colors, names, absent files and offsets."""

import re
import shutil
from pathlib import Path

import pytest
from planted import PLANTS, make_clean_set

from mmamf.planning import write_report as module
from mmamf.planning.class_colors import choose_colors
from mmamf.planning.prints.fingerprint import Fingerprint
from mmamf.planning.prints.summaries import Offset
from mmamf.planning.samples.find_data import find_data
from mmamf.planning.samples.split_data import split_data


@pytest.fixture(scope='module')
def clean(tmp_path_factory) -> Path:
    return make_clean_set(tmp_path_factory.mktemp('clean') / 'set', count=6)


@pytest.fixture
def root(clean, tmp_path) -> Path:
    return shutil.copytree(clean, tmp_path / 'set')


def look(root: Path):
    data = split_data(find_data(root))
    return data, Fingerprint(data, root.parent / 'cache.sqlite', workers=1)


def report(data, fingerprint) -> str:
    path = module.write_report(data, fingerprint, [], None, data.root.parent)
    return path.read_text(encoding='utf-8')


@pytest.mark.parametrize(
    'plant, first', [('labels-colored', 'rgb(0, 0, 0)'), ('palette-differs', 'rgb(10, 10, 10)')]
)
def test_classes_have_the_colors_of_the_files(root, plant, first):
    PLANTS[plant](root)
    legend = report(*look(root)).split('class="legend"')[1].split('</p>')[0]
    assert re.findall(r'background: (rgb.*?)"', legend) == [
        first, 'rgb(200, 30, 30)', 'rgb(30, 30, 200)'
    ]  # fmt: skip
    assert re.findall(r'</i>\s*(\w+)', legend) == ['ground', 'box', 'ball']


def test_indices_get_colors_that_differ(clean, tmp_path):
    data = split_data(find_data(clean))
    colors = choose_colors(Fingerprint(data, tmp_path / 'cache.sqlite', workers=1), 20)
    assert len({*colors}) == 20 and all(len({*color}) > 1 for color in colors)


def test_absent_and_damaged_files_are_told(root):
    (root / 'depth' / 'seq1_001.png').unlink()
    (root / 'depth' / 'seq2_002.png').write_bytes(b'text')
    text = report(*look(root))
    assert text.count('>absent<') == 1 and text.count('>cannot be read<') == 1


def test_numbers_of_names_stay_in_one_piece(clean, tmp_path):
    data = split_data(find_data(clean))
    text = report(data, Fingerprint(data, tmp_path / 'cache.sqlite', workers=1))
    assert '<td class="name">seq1_<wbr>001<wbr><br>' in text


@pytest.mark.parametrize('certainty, dx, angle', [(0.9, '0.0', '0.0°'), (0.0, '-', '-')])
def test_offsets(certainty, dx, angle):
    found = module._offset(Offset('depth', -0.04, 1.0, -0.0, 1.0, certainty, 5))
    assert (found['dx'], found['angle']) == (dx, angle)
    assert found['certainty'] == f'{certainty:.2f}'


def test_no_number_is_minus_zero():
    assert module._numbers([-0.0, -1.5]) == '0, -1.5'
