import numpy as np
import pytest

from mmamf.engine.label_statistics import LabelStatistics

CLASSES = ('floor', 'box', 'lamp')
REMEDY = "dict(type='LoadLabelMap', colors={0: 0, 255: 1})"


def count(*values: int) -> np.ndarray:
    return np.bincount(values, minlength=256)


def statistics(*labels: np.ndarray, classes=CLASSES, total=None, **kwargs) -> LabelStatistics:
    result = LabelStatistics('train', classes, total or len(labels))
    for label in labels:
        result.add(label, **kwargs)
    return result


def test_nothing_to_say():
    labels = statistics(count(0, 1, 255), count(2, 0))
    assert labels.warnings() == [] and labels.refusal() is None


@pytest.mark.parametrize(
    ('labels', 'expected'),
    [
        ([count(0, 1), count(1, 1)], "1 of 3 classes have no pixel: 'lamp' (2)"),
        ([count(2)], "2 of 3 classes have no pixel: 'floor' (0), 'box' (1)"),
        ([count(0, 1, 2, *[255] * 4)], '57.1 % of the pixels are ignored (255)'),
        ([count(0, 255)] * 2 + [count(0, 1, 2)], '2 have only the values 0 and 255'),
    ],
)
def test_warnings(labels, expected):
    (warning,) = statistics(*labels).warnings()
    assert warning.startswith(f'train: {len(labels)} of {len(labels)} label maps read: {expected}')


def test_masks_of_two_classes():
    # a single one is worth a word: with two classes, 255 often is the second
    (warning,) = statistics(count(0, 255), *[count(0, 1)] * 9, classes=('a', 'b')).warnings()
    assert '1 have only the values 0 and 255, and 255 is ignored. If 255 stands' in warning
    assert REMEDY in warning
    # not so with more
    assert statistics(count(0, 255), *[count(0, 1, 2)] * 9).warnings() == []


def test_class_that_is_the_ignore_index():
    (warning,) = statistics(count(1, 2, 255), ignore_index=0).warnings()
    assert warning.endswith("'floor' (0); the data set ignores 'floor' (0) by its ignore_index")


def test_many_classes():
    (warning,) = statistics(count(0), classes=[f'c{i}' for i in range(40)]).warnings()
    assert "'c10' (10) and 29 more" in warning


def test_unreadable_files_and_those_not_read():
    labels = statistics(count(0, 1, 2), total=9)
    labels.add_unreadable('a.png is corrupt')
    assert labels.warnings() == [
        'train: 2 of 9 label maps read: 1 cannot be read, the first: a.png is corrupt'
    ]


@pytest.mark.parametrize(
    ('labels', 'kwargs', 'refused'),
    [
        ([count(0, 255), count(0)], {}, True),
        ([count(1, 1, 255)], {}, True),
        ([count(255, 255)], {}, True),
        ([count(0, 255), count(0, 1)], {}, False),
        ([count(0, 0)], {}, False),  # no 255 that could stand for another class
        ([count(0, 255)], dict(total=2), False),  # the other may have more classes
        ([count(0, 255)], dict(classes=('only',)), False),
    ],
)
def test_refusal(labels, kwargs, refused):
    reason = statistics(*labels, **kwargs).refusal()
    assert bool(reason) == refused
    if refused:
        assert 'expected pixels of the 3 classes, got none' in reason and REMEDY in reason
