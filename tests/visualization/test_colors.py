import numpy as np
import pytest

from mmamf.visualization import colorize_image, colorize_labels, overlay_labels


def test_color_image_is_turned_from_bgr_to_rgb():
    bgr = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    np.testing.assert_array_equal(colorize_image(bgr), bgr[..., ::-1])
    np.testing.assert_array_equal(colorize_image(bgr, bgr=False), bgr)


def test_gray_image_is_shown_as_it_is():
    gray = np.array([[0, 7], [200, 255]], np.uint8)
    rgb = colorize_image(gray)
    assert rgb.dtype == np.uint8
    np.testing.assert_array_equal(rgb, gray[..., None].repeat(3, 2))


@pytest.mark.parametrize('dtype', [np.uint16, np.int16, np.float32])
def test_measurements_run_from_blue_to_red_and_missing_ones_are_black(dtype):
    image = np.linspace(1000, 9000, 300).astype(dtype).reshape(10, 30)
    image[0, :5] = 0
    rgb = colorize_image(image, missing=0).astype(int)
    assert (rgb[0, :5] == 0).all()
    assert (rgb[image != 0].sum(-1) > 0).all()
    low, high = rgb[1, 10], rgb[9, 10]
    assert low[2] > low[0] and high[0] > high[2]
    # without the missing value, zero is a reading
    assert (colorize_image(image)[0, :5].sum(-1) > 0).all()


def test_image_without_any_reading_is_black():
    assert not colorize_image(np.zeros((3, 4), np.uint16), missing=0).any()


def test_constant_image_and_two_channels_are_shown():
    assert colorize_image(np.full((3, 4), 2.5, np.float32)).shape == (3, 4, 3)
    two = np.zeros((3, 4, 2), np.uint8)
    two[..., 0] = 9
    assert (colorize_image(two) == 9).all()


@pytest.mark.parametrize(
    'palette, ignored',
    [([(1, 2, 3), (4, 5, 6)], (0, 0, 0)), ([[0, 0, 0], [4, 5, 6]], (255, 255, 255))],
    ids=['black', 'white beside a black class'],
)
def test_labels_get_their_colors_and_ignored_pixels_one_of_their_own(palette, ignored):
    labels = np.array([[0, 1], [255, 2]], np.uint8)
    rgb = colorize_labels(labels, palette)
    np.testing.assert_array_equal(rgb, colorize_labels(labels.astype(np.float32), palette))
    expected = [[palette[0], palette[1]], [ignored, ignored]]
    np.testing.assert_array_equal(rgb, expected)


def test_overlay_is_the_mean_of_image_and_colors():
    image = np.full((1, 3, 3), 100, np.uint8)
    rgb = overlay_labels(image, np.array([[0, 1, 255]], np.uint8), [(200, 0, 50), (0, 0, 2)])
    np.testing.assert_array_equal(rgb, [[[150, 50, 75], [50, 50, 51], [50, 50, 50]]])


@pytest.mark.parametrize('shape', [(10, 30), (10, 30, 3)], ids=['one channel', 'three'])
def test_nan_and_several_missing_values_are_black_and_change_no_other_color(shape):
    image = np.linspace(1, 9, np.prod(shape)).reshape(shape).astype(np.float32)
    readings = image.copy()
    image[0, 0], image[1, 1], image[2, 2], image[3, 3] = np.nan, np.inf, -9999, -1
    rgb = colorize_image(image, missing=[-1, -9999])
    assert not rgb[range(4), range(4)].any()
    expected = colorize_image(readings).astype(int)
    rest = np.ones(shape[:2], bool)
    rest[range(4), range(4)] = False
    assert np.abs(rgb[rest] - expected[rest]).max() < 16  # the percentiles moved
