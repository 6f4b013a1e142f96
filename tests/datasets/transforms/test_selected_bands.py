"""channels=[...]: some bands of a file, counted in its own order."""

import cv2
import numpy as np
import pytest
import tifffile

from mmamf.datasets import LoadMultimodalImages

RNG = np.random.default_rng(0)
RGBA = RNG.integers(0, 256, (6, 8, 4)).astype(np.uint8)
BANDS = RNG.integers(0, 9000, (6, 8, 5)).astype(np.uint16)


def write(folder, kind):
    """Write a file, and return it and its bands in the order in which it has them."""
    path = str(folder / f'a.{kind.split()[-1]}')
    if kind == 'color png':
        cv2.imwrite(path, RGBA[..., 2::-1])
        return path, RGBA[..., :3]
    if kind == 'alpha png':
        cv2.imwrite(path, RGBA[..., [2, 1, 0, 3]])
        return path, RGBA
    if kind == 'gray png':
        cv2.imwrite(path, BANDS[..., 0])
        return path, BANDS[..., :1]
    if kind == 'npy':
        np.save(path, BANDS)
        return path, BANDS
    if kind == 'color tif':
        tifffile.imwrite(path, RGBA[..., :3], photometric='rgb')
        return path, RGBA[..., :3]
    if kind == 'pages tif':
        tifffile.imwrite(path, BANDS.transpose(2, 0, 1), photometric='minisblack')
        return path, BANDS
    planar = kind == 'planar tif'
    tifffile.imwrite(
        path,
        BANDS.transpose(2, 0, 1) if planar else BANDS,
        photometric='minisblack',
        planarconfig='separate' if planar else 'contig',
    )
    return path, BANDS


def load(path, channels, dtype, names=('a',)):
    spec = dict(channels=channels, dtype=dtype)
    step = LoadMultimodalImages(dict.fromkeys(names, spec))
    return step(dict(modality_paths=dict.fromkeys(names, path)))


@pytest.mark.parametrize(
    'kind',
    ['color png', 'alpha png', 'npy', 'color tif', 'pages tif', 'planar tif', 'contiguous tif'],
)
@pytest.mark.parametrize('channels', [[2], [0], [2, 0], [0, 1, 2]], ids=str)
def test_bands_come_as_listed(tmp_path, kind, channels):
    path, bands = write(tmp_path, kind)
    image = load(path, channels, bands.dtype.name)['img']
    expected = bands[..., channels]
    np.testing.assert_array_equal(image, expected[..., 0] if len(channels) == 1 else expected)


def test_two_modalities_of_one_file(tmp_path):
    path, bands = write(tmp_path, 'color png')
    specs = dict(red=dict(channels=[0], dtype='uint8'), other=dict(channels=[2, 1], dtype='uint8'))
    results = LoadMultimodalImages(specs)(dict(modality_paths=dict(red=path, other=path)))
    np.testing.assert_array_equal(results['img'], bands[..., 0])
    np.testing.assert_array_equal(results['modality_other'], bands[..., [2, 1]])


def test_a_band_that_is_not_there(tmp_path):
    path, _ = write(tmp_path, 'gray png')
    assert load(path, [0], 'uint16')['img'].shape == (6, 8)
    with pytest.raises(ValueError, match=r"'a': expected channels=\[1\] to be from 0 to 0, got a"):
        load(path, [1], 'uint16')
    path, _ = write(tmp_path, 'color png')
    with pytest.raises(ValueError, match=r'to be from 0 to 2, got a file of 3 band.* in .*a\.png'):
        load(path, [1, 3], 'uint8')


@pytest.mark.parametrize('channels', [[], [-1], [0, 0], ['0'], [1.0], [True]], ids=str)
def test_bad_lists(channels):
    with pytest.raises(ValueError, match="'a': expected channels to be a list of distinct indices"):
        LoadMultimodalImages(dict(a=dict(channels=channels, dtype='uint8')))
