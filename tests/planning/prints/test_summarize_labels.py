import pytest

from mmamf.planning.prints.file_prints import LabelPrint
from mmamf.planning.prints.summarize_labels import summarize_labels

NAMES = tuple(f'class{i}' for i in range(30))


def summarize(*files, classes=0, **kwargs):
    prints = [
        (str(i), LabelPrint(f'{i}.png', size=(4, 5), values=values, **kwargs))
        for i, values in enumerate(files)
    ]
    return summarize_labels(prints, {}, NAMES[:classes])


@pytest.mark.parametrize(
    ('values', 'classes', 'coding', 'number', 'ignore', 'reduce'),
    [
        ((0, 1), 0, 'indices', 2, (), False),
        ((0, 1, 255), 0, 'indices', 2, (255,), False),
        ((0, 1, 2, 5, 7, 255), 0, 'indices', 8, (255,), False),
        ((0, 1, 2), 5, 'indices', 5, (), False),
        ((0, 3), 4, 'indices', 4, (), False),
        ((0, 1, 2, 3), 3, 'indices', 3, (), True),
        ((1, 2, 3), 0, 'indices', 3, (), True),
        ((-1, 0, 1), 0, 'indices', 2, (-1,), False),
        ((0.0, 1.0, 'nan'), 0, 'indices', 2, ('nan',), False),
        ((0, 255), 0, '0/255', 2, (), False),
        ((0, 128), 0, '0/255', 2, (), False),
        ((0, 85, 170, 255), 0, '0/255', 4, (), False),
        ((0, 10, 20, 30, 255), 0, '0/255', 4, (255,), False),
        ((0, 128, 255), 0, '0/255', 3, (), False),
        ((0.0, 0.25, 1.0), 0, 'fractions', 2, (), False),
        ((0, 1, 65535), 0, 'indices', 2, (65535,), False),
        ((), 0, 'unknown', 0, (), False),
    ],
)
def test_coding_of_values(values, classes, coding, number, ignore, reduce):
    found = summarize(dict.fromkeys(values, 10), classes=classes)
    assert (found.coding, found.num_classes) == (coding, number)
    assert (found.ignore, found.reduce_zero_label) == (ignore, reduce)


def test_gray_values_map_by_brightness():
    assert summarize({255: 3, 0: 9}).mapping == {0: 0, 255: 1}
    assert summarize({0: 9, 1: 1}).mapping is None


def test_lossy_values_are_cleaned():
    values = {0: 5000, 255: 4000, 254: 3, 1: 30, 128: 4}
    found = summarize(values, lossy=True)
    assert (found.coding, found.mapping) == ('0/255', {0: 0, 255: 1})


def test_palette():
    assert summarize({0: 5, 1: 6}, palette='abc').coding == 'palette'


def test_objects_numbered_in_each_file_are_instances():
    files = [dict.fromkeys(range(2 + i % 9), 10) for i in range(30)]
    assert summarize(*files).coding == 'instances'
    assert summarize(*files, classes=10).coding == 'indices'
    classes = [dict.fromkeys({0, 1, i % 7, i % 5}, 10) for i in range(30)]
    assert summarize(*classes).coding == 'indices'


def test_indices_saved_as_gray_pictures_stay():
    gray = {(0,) * 3: 5, (1,) * 3: 2, (2,) * 3: 9, (255,) * 3: 1}
    prints = [('0', LabelPrint('0.png', size=(4, 5), colors=gray))]
    found = summarize_labels(prints, {})
    assert found.mapping == {(0,) * 3: 0, (1,) * 3: 1, (2,) * 3: 2, (255,) * 3: 255}
    assert (found.coding, found.num_classes) == ('colors', 3)


def test_instances_count_objects():
    files = [{0: 50, 1000 + i: 7, 2000 + i: 8} for i in range(60)]
    assert summarize(*files).coding == 'instances'


def color_summary(colors, classes=0):
    label = LabelPrint('x.png', size=(4, 5), colors=colors)
    return summarize_labels([('x', label)], {}, NAMES[:classes])


def test_colors_map_black_first_then_by_share():
    colors = {(255, 0, 0): 5, (0, 0, 255): 9, (0, 0, 0): 7}
    found = color_summary(colors)
    assert (found.coding, found.num_classes) == ('colors', 3)
    assert found.mapping == {(0, 0, 0): 0, (0, 0, 255): 1, (255, 0, 0): 2}
    assert color_summary(colors, 2).mapping[0, 0, 0] == 255  # one name less: void


def test_smoothed_colors_are_ignored():
    colors = {(255, 0, 0): 10**6, (0, 0, 255): 10**6, **{(i, 0, 0): 3 for i in range(1, 60)}}
    found = color_summary(colors)
    assert found.num_classes == 2 and found.mapping[7, 0, 0] == 255


def test_pixels_and_images_by_side():
    prints = [(n, LabelPrint(n, values={0: 3, i: 2})) for i, n in enumerate(('a', 'b', 'c'), 1)]
    found = summarize_labels(prints, {'a': 'train', 'b': 'train', 'c': 'val'})
    assert found.pixels == {'train': {0: 6, 1: 2, 2: 2}, 'val': {0: 3, 3: 2}}
    assert found.images == {'train': {0: 2, 1: 1, 2: 1}, 'val': {0: 1, 3: 1}}
    assert found.count == 3 and found.num_classes == 4


def test_median_area_by_class():
    found = summarize({0: 9, 255: 3}, object_sizes=((0, 40.0, 5.0), (255, 4.0, 2.0)))
    assert found.median_area == {0: 40, 1: 4} and found.median_width == {0: 5, 1: 2}


def test_areas_of_a_few_colored_files_among_indices_do_not_count():
    colors = LabelPrint('c.png', colors={(9, 9, 9): 4}, object_sizes=(((9, 9, 9), 4.0, 2.0),))
    known = dict(values={0: 9, 1: 1}, object_sizes=((1, 2.0, 1.0),))
    indices = [LabelPrint(f'{i}.png', **known) for i in range(2)]
    prints = [(label.path, label) for label in (colors, *indices)]
    assert summarize_labels(prints, {}).median_area == {1: 2}


def test_nodata_is_ignored():
    found = summarize({0: 9, 1: 3, 99: 4}, nodata=(99.0,))
    assert (found.ignore, found.num_classes, found.coding) == ((99.0,), 2, 'indices')


def test_instance_numbers_do_not_fill_the_memory():
    files = [{1000 * f + i: 1 for i in range(1000)} for f in range(40)]
    found = summarize(*files)
    assert found.coding == 'instances' and len(found.pixels['train']) <= 2 * 4096
