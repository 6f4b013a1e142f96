import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

SIZE = (60, 80)


def make_sample(label):
    """A sample in which every pixel of the image and of depth tells its own place."""
    places = np.arange(label.size, dtype=np.int32).reshape(label.shape)
    return dict(
        img=places,
        modality_depth=places.copy(),
        gt_seg_map=label,
        seg_fields=['modality_depth', 'gt_seg_map'],
        img_shape=label.shape,
    )


@pytest.fixture
def rare():
    """Mostly class 0, a corner of ignored pixels, and one pixel of class 3."""
    label = np.zeros(SIZE, np.uint8)
    label[50:, 70:] = 255
    label[7, 2] = 3
    return label


def draw(label, count, crop_size=(20, 30)):
    crop = TRANSFORMS.build(dict(type='ClassBalancedCrop', crop_size=crop_size))
    np.random.seed(0)
    return [crop(make_sample(label)) for _ in range(count)]


def test_every_class_is_drawn_as_often(rare):
    shown = [(sample['gt_seg_map'] == 3).any() for sample in draw(rare, 400)]
    # half of the crops are drawn for the one pixel, and some of the others show it by chance
    assert 0.5 <= np.mean(shown) <= 0.65


def test_a_crop_is_one_window_of_all_maps(rare):
    for sample in draw(rare, 50):
        assert sample['img'].shape == sample['img_shape'] == (20, 30)
        top, left = np.unravel_index(sample['img'][0, 0], SIZE)
        window = np.s_[top : top + 20, left : left + 30]
        np.testing.assert_array_equal(sample['gt_seg_map'], rare[window])
        np.testing.assert_array_equal(sample['modality_depth'], sample['img'])


def test_the_pixel_may_be_anywhere_in_the_crop():
    label = np.full(SIZE, 255, np.uint8)
    label[30, 40] = 1
    starts = [np.unravel_index(sample['img'][0, 0], SIZE) for sample in draw(label, 2000)]
    rows, columns = np.transpose(starts)
    assert {*rows} == {*range(11, 31)}
    assert {*columns} == {*range(11, 41)}


@pytest.mark.parametrize('crop_size, expected', [((100, 30), (60, 30)), ((100, 100), SIZE)])
def test_a_small_image_is_cropped_where_it_is_larger(rare, crop_size, expected):
    assert {sample['img_shape'] for sample in draw(rare, 20, crop_size)} == {expected}


def test_without_a_class_any_crop_is_drawn():
    samples = draw(np.full(SIZE, 255, np.uint8), 20)
    assert {sample['img_shape'] for sample in samples} == {(20, 30)}
    assert len({sample['img'][0, 0] for sample in samples}) > 10
