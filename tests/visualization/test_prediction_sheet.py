import numpy as np
import pytest
from PIL import Image

from mmamf.visualization import PredictionSheet
from mmamf.visualization.prediction_sheet import LINE, MARGIN

CLASSES = ('floor', 'wall', 'lamp')
PALETTE = ((10, 200, 30), (90, 20, 210), (250, 240, 60))
LEFT = TOP = MARGIN + LINE


def has_color(image: np.ndarray, color: tuple[int, int, int]) -> bool:
    return (image == color).all(-1).any()


def test_tiles_are_enlarged_by_whole_factors_and_labels_keep_their_colors():
    sheet = PredictionSheet(CLASSES, PALETTE, tile_width=50)
    rgb = np.full((3, 4, 3), 77, np.uint8)
    labels = np.arange(12).reshape(3, 4) % 3
    sheet.add_row('a', dict(rgb=rgb), dict(truth=labels))
    # 50 / 4 -> 12 times; the cell is wider, for its heading
    drawn = sheet.draw()
    expected = np.array(PALETTE, np.uint8)[labels].repeat(12, 0).repeat(12, 1)
    rows = drawn[TOP : TOP + 36]
    starts = [
        x for x in range(LEFT, rows.shape[1] - 48) if np.array_equal(rows[:, x : x + 48], expected)
    ]
    assert len(starts) == 1
    assert (rows == 77).all(-1).sum() == 36 * 48


def test_large_label_maps_are_reduced_without_new_colors():
    sheet = PredictionSheet(CLASSES, PALETTE, tile_width=50)
    labels = np.random.default_rng(0).integers(0, 3, (90, 120))
    sheet.add_row('', {}, dict(truth=labels))
    tile = sheet.draw()[TOP : TOP + 38, LEFT : LEFT + 200]
    colored = tile[(tile.max(-1).astype(int) - tile.min(-1)) > 60]
    assert set(map(tuple, colored.tolist())) == set(PALETTE)


@pytest.mark.parametrize('ignored', [False, True])
def test_legend_has_all_classes_and_ignored_pixels_only_if_there_are_any(ignored):
    sheet = PredictionSheet(CLASSES, PALETTE)
    labels = np.full((6, 8), 255 if ignored else 0)
    sheet.add_row('a', {}, dict(truth=labels))
    drawn = sheet.draw()
    legend = drawn[TOP + 240 :]
    assert all(has_color(legend, color) for color in PALETTE)
    assert has_color(legend, (0, 0, 0)) == ignored


def test_rows_may_lack_columns_and_names_may_be_long(tmp_path):
    sheet = PredictionSheet(CLASSES, PALETTE, tile_width=40)
    labels = np.ones((6, 8), int)
    sheet.add_row('a' * 200, {}, dict(truth=labels, ensemble=labels))
    sheet.add_row('b', {}, dict(ensemble=labels))
    sheet.save(tmp_path / 'new' / 'sheet.png')
    drawn = np.asarray(Image.open(tmp_path / 'new' / 'sheet.png'))
    np.testing.assert_array_equal(drawn, sheet.draw())
    tiles = (drawn[: TOP + 80] == PALETTE[1]).all(-1).sum()
    assert tiles == 3 * 30 * 40


def test_gaps_keep_their_place_and_columns_of_gaps_are_not_drawn():
    image, labels = np.full((6, 8, 3), 77, np.uint8), np.ones((6, 8), int)
    images, maps = dict.fromkeys(('rgb', 'depth'), image), dict.fromkeys('abc', labels)
    sheets = [PredictionSheet(CLASSES, PALETTE, tile_width=40) for _ in range(2)]
    for sheet, first in zip(sheets, (True, False)):
        if first:
            sheet.add_row('x', images, maps)
        gaps = dict(rgb=None, depth=image, nothing=None), dict(a=None, b=labels, c=labels)
        sheet.add_row('y', *gaps)
        if not first:
            sheet.add_row('x', images, maps)
    above, below = (sheet.draw() for sheet in sheets)
    assert above.shape == below.shape
    np.testing.assert_array_equal(above[:TOP], below[:TOP])  # the headings


def test_forty_classes_wrap_into_lines():
    palette = [(i, 100, 200) for i in range(40)]
    sheet = PredictionSheet([f'class {i}' for i in range(40)], palette)
    sheet.add_row('a', {}, dict(truth=np.zeros((6, 8), int)))
    drawn = sheet.draw()
    assert all(has_color(drawn, color) for color in palette)


def test_wrong_palette_and_empty_sheet_are_refused():
    with pytest.raises(ValueError, match='a color for each of 3 classes, got 2'):
        PredictionSheet(CLASSES, PALETTE[:2])
    with pytest.raises(ValueError, match='at least one row'):
        PredictionSheet(CLASSES, PALETTE).draw()
