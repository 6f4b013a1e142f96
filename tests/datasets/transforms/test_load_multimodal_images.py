import cv2
import numpy as np
import pytest

from mmamf.datasets import LoadMultimodalImages

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
DEPTH = np.random.default_rng(1).integers(0, 9000, (6, 8)).astype(np.uint16)
SPECS = dict(
    rgb=dict(channels=3, dtype='uint8'),
    depth=dict(channels=1, dtype='uint16', missing=0),
    thermal=dict(channels=1, dtype='float32'),
)


@pytest.fixture
def write(tmp_path):
    """Writes one file per modality and returns what a data set says about the sample."""

    def make(**images: np.ndarray) -> dict:
        paths = {}
        for name, image in images.items():
            suffix = '.tiff' if image.dtype.kind == 'f' else '.png'
            paths[name] = str(tmp_path / f'{name}{suffix}')
            cv2.imwrite(paths[name], image)
        return dict(modality_paths=paths, seg_fields=[])

    return make


def test_first_is_img_and_others_follow_in_the_order_of_the_sample(write):
    thermal = DEPTH.astype(np.float32)
    results = LoadMultimodalImages(SPECS)(write(depth=DEPTH, rgb=RGB, thermal=thermal))
    assert results['modalities'] == ('depth', 'rgb', 'thermal')
    np.testing.assert_array_equal(results['img'], DEPTH)
    np.testing.assert_array_equal(results['modality_rgb'], RGB)
    np.testing.assert_array_equal(results['modality_thermal'], thermal)
    assert results['seg_fields'] == ['modality_rgb', 'modality_thermal']
    assert results['img_shape'] == results['ori_shape'] == (6, 8)


def test_a_modality_without_a_path_is_zero_and_not_present(write):
    given = write(depth=DEPTH)
    given['modality_paths'] = dict(rgb=None, **given['modality_paths'], thermal=None)
    results = LoadMultimodalImages(SPECS)(given)
    assert results['modalities'] == ('rgb', 'depth', 'thermal')
    assert results['present'] == ('depth',)
    assert results['img'].shape == (6, 8, 3) and results['img'].dtype == np.uint8
    assert results['modality_thermal'].shape == (6, 8)
    assert results['modality_thermal'].dtype == np.float32
    assert not results['img'].any() and not results['modality_thermal'].any()
    with pytest.raises(ValueError, match="at least one of the modalities .'rgb', 'depth'., got no"):
        LoadMultimodalImages(SPECS)(dict(modality_paths=dict(rgb=None, depth=None)))


def test_results_of_the_caller_keep_their_list(write):
    given = write(rgb=RGB, depth=DEPTH)
    fields = given['seg_fields']
    LoadMultimodalImages(SPECS)(given)
    assert fields == []


@pytest.mark.parametrize(
    ('images', 'message'),
    [
        (
            dict(rgb=RGB, depth=DEPTH[:4]),
            r'in size \(H, W\): expected \(6, 8\) as in .*rgb.png .*got \(4, 8\) in .*depth.png',
        ),
        (
            dict(rgb=RGB, depth=DEPTH.astype(np.uint8)),
            "'depth': expected dtype uint16, got uint8 in .*depth.png",
        ),
        (
            dict(rgb=RGB.astype(np.uint16)),
            "'rgb': expected dtype uint8, got uint16 in .*rgb.png",
        ),
        (
            dict(rgb=RGB[..., 0]),
            r"'rgb': expected 3 channel\(s\), got 1 \(shape \(6, 8\)\) in .*rgb.png",
        ),
        (
            dict(depth=np.dstack([DEPTH] * 3)),
            r"'depth': expected 1 channel\(s\), got 3 \(shape \(6, 8, 3\)\) in .*depth.png",
        ),
        (
            dict(rgb=RGB, depth=DEPTH * 0),
            "'depth': expected at least one reading, got only the missing value 0 in .*depth.png",
        ),
        (
            dict(rgb=RGB, normal=RGB),
            r"modality 'normal' \(.*normal.png\): expected one of \('rgb', 'depth', 'therm",
        ),
        (dict(), 'expected `modality_paths` with a path per modality'),
    ],
    ids=['size', '8 for 16', '16 for 8', 'gray', 'color', 'all missing', 'unknown', 'no paths'],
)
def test_bad_sample(write, images, message):
    with pytest.raises(ValueError, match=message):
        LoadMultimodalImages(SPECS)(write(**images))


def test_missing_file(write, tmp_path):
    results = write(rgb=RGB, depth=DEPTH)
    (tmp_path / 'depth.png').unlink()
    with pytest.raises(FileNotFoundError, match='not found: .*depth.png'):
        LoadMultimodalImages(SPECS)(results)


@pytest.mark.parametrize(
    ('spec', 'message'),
    [
        (dict(channels=3), r"expected the keys channels and dtype, .* got \['channels'\]"),
        (
            dict(channels=3, dtype='uint8', bits=8),
            r"the keys name, channels, .* got \['bits'\]",
        ),
        (dict(channels=0, dtype='uint8'), 'expected channels >= 1, got 0'),
        (dict(channels='3', dtype='uint8'), "expected channels >= 1, got '3'"),
        (dict(channels=1, dtype='int64'), "expected dtype to be one of .*'uint8'.*, got 'int64'"),
        (dict(channels=1, dtype='float32', missing='0'), "number or a list of numbers, got '0'"),
        (dict(channels=1, dtype='uint16', missing=-9999), 'dtype uint16 can hold, got -9999'),
        (dict(channels=1, dtype='uint8', missing=[np.nan]), r'dtype uint8 can hold, got .nan'),
    ],
)
def test_bad_specification(spec, message):
    with pytest.raises(ValueError, match=f"modality 'x': .*{message}|modality 'x': {message}"):
        LoadMultimodalImages(dict(x=spec))


@pytest.mark.parametrize(
    ('stored', 'read'),
    [
        ('bool', 'uint8'),
        ('int8', 'int16'),
        ('float16', 'float32'),
        ('int32', 'float32'),
        ('uint32', 'float32'),
        ('int64', 'float32'),
        ('uint64', 'float32'),
    ],
)
def test_files_of_other_dtypes(tmp_path, stored, read):
    image = (np.arange(48).reshape(6, 8) % 2 if stored == 'bool' else DEPTH % 100).astype(stored)
    np.save(tmp_path / 'x.npy', image)
    paths = dict(modality_paths=dict(x=str(tmp_path / 'x.npy')))
    loaded = LoadMultimodalImages(dict(x=dict(channels=1, dtype=read)))(paths)['img']
    assert loaded.dtype == read
    np.testing.assert_array_equal(loaded, image)
    with pytest.raises(
        ValueError, match=rf'float64, got {read} \({stored} is read as {read}\) in '
    ):
        LoadMultimodalImages(dict(x=dict(channels=1, dtype='float64')))(paths)
    with pytest.raises(ValueError, match=rf'one of .* \({stored} is read as {read}\), got'):
        LoadMultimodalImages(dict(x=dict(channels=1, dtype=stored)))


def test_whole_numbers_that_float32_cannot_hold(tmp_path):
    image = DEPTH.astype(np.int32)
    image[0] = 2**31 - 1
    np.save(tmp_path / 'x.npy', image)
    paths = dict(modality_paths=dict(x=str(tmp_path / 'x.npy')))
    spec = dict(channels=1, dtype='float32')
    with pytest.raises(ValueError, match='x.npy: expected whole numbers .* got 2147483647 as int3'):
        LoadMultimodalImages(dict(x=spec))(paths)
    loaded = LoadMultimodalImages(dict(x=dict(spec, missing=2**31 - 1)))(paths)['img']
    assert np.isnan(loaded[0]).all() and np.array_equal(loaded[1:], DEPTH[1:])


def test_no_modalities():
    with pytest.raises(ValueError, match='expected at least one modality, got none'):
        LoadMultimodalImages({})


@pytest.fixture
def said(monkeypatch) -> list[str]:
    texts = []
    monkeypatch.setattr(
        'mmamf.datasets.transforms.load_multimodal_images.print_log',
        lambda text, **_: texts.append(text),
    )
    return texts


@pytest.mark.parametrize('value', [-9999, -32768, -99999, -10000, 1e20, -(2**31)])
def test_what_looks_like_no_reading_is_said_once(write, said, value):
    heights = DEPTH.astype(np.float32)
    heights[0, 3] = value
    named = dict(SPECS, thermal=dict(SPECS['thermal'], missing=value))
    LoadMultimodalImages(named)(write(thermal=heights))
    assert not said
    step = LoadMultimodalImages(SPECS)
    for _ in range(2):
        step(write(thermal=heights))
    (text,) = said
    assert text.startswith("modality 'thermal': 2.1% of the pixels of ") and 'thermal.tiff' in text
    assert text.endswith(
        f'looks like "no reading" but counts as a number: name it, missing={value}'
    )


def test_one_pixel_of_many_and_ordinary_readings_are_not_said(write, said):
    heights = np.zeros((64, 64), np.float32)
    heights[0, :3] = -9999
    LoadMultimodalImages(SPECS)(write(thermal=heights))
    heights[:9] = -273.15
    LoadMultimodalImages(SPECS)(write(thermal=heights))
    assert not said


def test_whole_numbers_that_look_like_no_reading(tmp_path, said):
    heights = DEPTH.astype(np.int16)
    heights[:2] = -32768
    np.save(tmp_path / 'a.npy', heights)
    LoadMultimodalImages(dict(dem=dict(channels=1, dtype='int16')))(
        dict(modality_paths=dict(dem=str(tmp_path / 'a.npy')))
    )
    assert len(said) == 1 and said[0].endswith('name it, missing=-32768')


@pytest.mark.parametrize('shape', [(6, 8), (6, 8, 4)])
def test_images_that_are_not_calibrated_are_normalized_one_by_one(tmp_path, shape):
    scan = np.random.default_rng(2).integers(1, 3000, shape).astype(np.uint16)
    scan[:2] = 0
    channels = scan.shape[2] if scan.ndim == 3 else 1
    spec = dict(channels=channels, dtype='uint16', missing=0, calibrated=False)
    loaded = []
    for name, factor in (('dark', 1), ('bright', 20)):  # another gain
        path = tmp_path / f'{name}.npy'
        np.save(path, scan * np.uint16(factor))
        given = dict(modality_paths=dict(flair=str(path)), seg_fields=[])
        results = LoadMultimodalImages(dict(flair=spec))(given)
        assert results['img'].dtype == np.float32
        assert np.isnan(results['missing_values']['flair'])
        loaded.append(results['img'])
    np.testing.assert_allclose(loaded[0], loaded[1], atol=1e-6)
    assert np.isnan(loaded[0][:2]).all()
    readings = loaded[0][2:].reshape(-1, channels)
    np.testing.assert_allclose(readings.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(readings.std(0), 1, atol=1e-6)


@pytest.mark.parametrize('dtype, value', [('uint16', 700), ('float64', 0.3)])
def test_a_flat_image_that_is_not_calibrated_becomes_zero(write, dtype, value):
    spec = dict(channels=1, dtype=dtype, calibrated=False)
    results = LoadMultimodalImages(dict(t1=spec))(write(t1=np.full((60, 80), value, dtype)))
    np.testing.assert_array_equal(np.abs(results['img']), np.zeros((60, 80), np.float32))
