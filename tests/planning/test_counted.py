import pytest

from mmamf.planning.counted import counted


@pytest.mark.parametrize(
    ('number', 'words', 'expected'),
    [
        (1, ('file',), '1 file'),
        (0, ('file',), '0 files'),
        (2, ('class', 'classes'), '2 classes'),
        (1, ('link leads', 'links lead'), '1 link leads'),
        (0.5, ('minute',), '0.5 minutes'),
    ],
)
def test_number_and_words_agree(number, words, expected):
    assert counted(number, *words) == expected
