import numpy as np
import pytest

from mmamf.datasets.transforms.checked_image import check_float32_range


def test_values_that_become_infinite_are_refused():
    image = np.array([[1e300, -1e39], [np.inf, np.nan]])
    with pytest.raises(ValueError, match='a.npy: expected values within .* got 1e.300 and 1 more'):
        check_float32_range(image, 'a.npy')
    check_float32_range(image, 'a.npy', missing=(1e300, -1e39))
    check_float32_range(np.array([[3e38, -3e38]]), 'a.npy')
    check_float32_range(np.array([[2**63]], np.uint64), 'a.npy')
