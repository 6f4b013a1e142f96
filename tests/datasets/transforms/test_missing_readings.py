import numpy as np
import pytest

from mmamf.datasets.transforms.missing_readings import (
    can_hold,
    find_missing,
    mark_missing,
    marker_of,
    missing_as_nan,
)
from mmamf.structures import Modality

LOWEST = -3.4028234663852886e38  # of float32


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('written', [LOWEST, -3.4028235e38, -3.40282346600000016e38])
def test_floats_are_compared_as_precisely_as_they_are_written(dtype, written):
    image = np.array([[LOWEST, 1.5], [np.nan, -np.inf]], dtype)
    assert find_missing(image, [written]).tolist() == [[True, False], [True, True]]
    assert find_missing(image).tolist() == [[False, False], [True, True]]
    assert find_missing(image, [np.nan, np.inf, 1.5, 0]).sum() == 3


def test_what_float32_cannot_hold_may_be_missing():
    image = np.array([-np.finfo(np.float64).max, 0.1, 1e300])
    assert find_missing(image, [-np.finfo(np.float64).max]).tolist() == [True, False, False]
    assert find_missing(image, [0.1]).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ('dtype', 'value', 'expected'),
    [('int16', -9999, 1), ('uint16', -9999, 0), ('uint16', 0.0, 1), ('uint16', 0.5, 0)]
    + [('uint8', np.nan, 0), ('uint8', 300, 0), ('uint8', -np.inf, 0)],
)
def test_whole_numbers(dtype, value, expected):
    image = np.array([[7, 0 if dtype == 'uint16' else 9]], dtype)
    if dtype == 'int16':
        image[0, 1] = -9999
    assert find_missing(image, [value]).sum() == expected


def test_a_color_is_missing_as_a_whole_and_a_band_by_itself():
    image = np.array([[[0, 0, 0], [0, 5, 9]]], np.uint8)
    assert find_missing(image, [0]).tolist() == [[[True] * 3, [False] * 3]]
    assert find_missing(image.astype(np.uint16), [0]).tolist() == [
        [[True] * 3, [True, False, False]]
    ]


def marked(image, missing=None, declared=()):
    values = (*([] if missing is None else np.atleast_1d(missing)), *declared)
    marker = marker_of(Modality('x', 1, image.dtype.name, missing=missing))
    return mark_missing(image, find_missing(image, values), marker)


def test_whole_numbers_are_marked_by_one_value_and_keep_their_dtype():
    image, marker = marked(np.array([[0, 65535, 4]], np.uint16), [-1, 0, 65535])
    assert image.tolist() == [[0, 0, 4]] and image.dtype == np.uint16 and marker == 0
    nan = missing_as_nan(image, marker)
    np.testing.assert_array_equal(nan, np.array([[np.nan, np.nan, 4]], np.float32))
    assert nan.dtype == np.float32
    whole = np.array([[1, 2, 4]], np.uint16)
    assert missing_as_nan(whole, marker) is whole


def test_what_only_the_file_names_becomes_a_float():
    image, marker = marked(np.array([[-9999, 3]], np.int16), declared=[-9999.0])
    np.testing.assert_array_equal(image, np.array([[np.nan, 3]], np.float32))
    assert np.isnan(marker) and image.dtype == np.float32
    with pytest.raises(ValueError, match='missing readings are lost: .* got uint8 from some'):
        missing_as_nan(np.nan_to_num(image).astype(np.uint8), marker)
    untouched = np.array([[1, 3]], np.int16)
    assert marked(untouched, declared=[-9999.0]) == (untouched, None)


def test_floats_are_marked_by_nan():
    image = np.array([[-1.0, np.inf, 2.0]])
    found, marker = marked(image, -1)
    np.testing.assert_array_equal(found, [[np.nan, np.nan, 2]])
    assert found.dtype == np.float64 and np.isnan(marker)
    assert image[0, 0] == -1  # the caller's
    assert missing_as_nan(found, marker).dtype == np.float32


def test_what_files_can_hold():
    assert can_hold('float32', np.nan) and can_hold('int16', -9999)
    assert not can_hold('uint16', -1) and not can_hold('uint8', np.inf)
