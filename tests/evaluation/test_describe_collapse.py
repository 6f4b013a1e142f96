import pytest

from mmamf.evaluation.describe_collapse import describe_collapse

CLASSES = ('background', 'crop', 'weed')


@pytest.mark.parametrize(
    ('predicted', 'labeled', 'text'),
    [
        ((1, 1, 1), (1, 1, 1), None),
        ((1, 1, 0), (1, 1, 0), None),
        ((1, 1, 1), (1, 0, 0), None),
        ((1, 0, 0), (1, 1, 1), 'only 1 of 3 classes is ever predicted: background; never, '),
        ((1, 0, 1), (1, 1, 1), 'only 2 of 3 classes are ever predicted: background, weed; never, '),
        (
            (0, 0, 1),
            (1, 1, 0),
            'none of 2 classes is ever predicted; never, though the labels have ',
        ),
    ],
)
def test_text(predicted, labeled, text):
    found = describe_collapse(CLASSES, predicted, labeled)
    assert found is None if text is None else found.startswith(text)


def test_long_lists_are_cut():
    names = [f'c{i}' for i in range(30)]
    text = describe_collapse(names, [i < 12 for i in range(30)], [True] * 30)
    assert 'only 12 of 30' in text and 'c9 and 2 more; never' in text
    assert text.endswith('c12, c13, c14, c15, c16, c17, c18, c19, c20, c21 and 8 more')
