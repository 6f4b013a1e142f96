import cv2
import numpy as np
import pytest

from mmamf.datasets.transforms.load_translation_images import LoadTranslationImages

COLOR = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
DEPTH = np.random.default_rng(1).integers(0, 65536, (6, 8)).astype(np.uint16)
DOMAINS = dict(
    rgb=dict(channels=3, dtype='uint8'),
    depth=dict(channels=1, dtype='uint16', missing=65535, log=True, scale=255 / 11.1),
    edge=dict(channels=1, dtype='uint16', scale=255 / 11355),
    raw=dict(channels=1, dtype='float32', log=True),
)


@pytest.fixture
def write(tmp_path):
    """Writes one file per domain and returns what a data set says about the sample."""

    def make(**images: np.ndarray) -> dict:
        paths = {}
        for name, image in images.items():
            suffix = '.tiff' if image.dtype.kind == 'f' else '.png'
            paths[name] = str(tmp_path / f'{name}{suffix}')
            cv2.imwrite(paths[name], image)
        return dict(modality_paths=paths)

    return make


def test_pictures_in_the_order_of_the_sample(write):
    results = LoadTranslationImages(DOMAINS)(write(depth=DEPTH, rgb=COLOR, edge=DEPTH))
    assert results['domains'] == ('depth', 'rgb', 'edge') and results['ori_shape'] == (6, 8)
    depth, rgb, edge = results['img']
    for image, channels in ((depth, 1), (rgb, 3), (edge, 1)):
        assert image.shape == (6, 8, channels) and image.dtype == np.float32
        assert image.flags.c_contiguous and image.flags.writeable
    np.testing.assert_array_equal(rgb, COLOR[..., ::-1])
    np.testing.assert_allclose(
        depth[..., 0], np.log(1 + DEPTH.astype(float)) * 255 / 11.1, rtol=1e-5
    )
    np.testing.assert_allclose(
        edge[..., 0], np.minimum(DEPTH.astype(float) * 255 / 11355, 255), rtol=1e-6
    )


@pytest.mark.parametrize('suffix', ['npy', 'NPY'])
def test_arrays_keep_the_order_they_were_saved_in(tmp_path, suffix):
    path = tmp_path / f'rgb.{suffix}'
    with path.open('wb') as file:
        np.save(file, COLOR)
    (rgb,) = LoadTranslationImages(DOMAINS)(dict(modality_paths=dict(rgb=str(path))))['img']
    np.testing.assert_array_equal(rgb, COLOR)


@pytest.mark.parametrize(
    ('images', 'message'),
    [
        (
            dict(rgb=COLOR, depth=DEPTH[:4]),
            r'in size \(H, W\): expected \(6, 8\) as in .*rgb.png .*got \(4, 8\) in .*depth.png',
        ),
        (
            dict(depth=DEPTH.astype(np.uint8)),
            "'depth': expected dtype uint16, got uint8 in .*depth.png",
        ),
        (dict(rgb=COLOR[..., 0]), r"'rgb': expected 3 channel\(s\), got 1 .* in .*rgb.png"),
        (dict(edge=COLOR), r"'edge': expected 1 channel\(s\), got 3 .* in .*edge.png"),
        (
            dict(depth=np.full((6, 8), 65535, np.uint16)),
            'expected at least one reading, got only the missing value 65535 in .*depth.png',
        ),
        (
            dict(raw=np.full((6, 8), -2, np.float32)),
            r"'raw': expected values >= 0 for log\(1 \+ v\), got -2.0 in .*raw.tiff",
        ),
        (dict(normal=COLOR), r"modality 'normal' \(.*normal.png\): expected one of"),
        (dict(), 'expected `modality_paths` with a path per domain, as MultimodalTranslationDat'),
    ],
)
def test_bad_sample(write, images, message):
    with pytest.raises(ValueError, match=message):
        LoadTranslationImages(DOMAINS)(write(**images))


def test_absent_domain(write):
    results = write(depth=DEPTH)
    results['modality_paths']['rgb'] = None
    with pytest.raises(ValueError, match="expected a file of every domain.*got no file of .'rgb'."):
        LoadTranslationImages(DOMAINS)(results)


def test_damaged_and_missing_files(write, tmp_path):
    results = write(rgb=COLOR, depth=DEPTH)
    content = (tmp_path / 'depth.png').read_bytes()
    (tmp_path / 'depth.png').write_bytes(content[: len(content) // 3])
    with pytest.raises(ValueError, match='depth.png is corrupt'):
        LoadTranslationImages(DOMAINS)(results)
    (tmp_path / 'depth.png').unlink()
    with pytest.raises(FileNotFoundError, match='not found: .*depth.png'):
        LoadTranslationImages(DOMAINS)(results)


@pytest.mark.parametrize(
    ('spec', 'message'),
    [
        (dict(channels=3), r"expected the keys channels and dtype, .* got \['channels'\]"),
        (dict(channels=2, dtype='uint8'), 'expected 1 or 3 channels, got 2'),
        (dict(channels=1, dtype='uint8', scale=0), 'expected scale > 0, got 0'),
        (dict(channels=1, dtype='uint8', scale=np.nan), 'expected scale > 0, got nan'),
        (dict(channels=1, dtype='uint32'), "expected dtype to be one of .*, got 'uint32'"),
        (dict(channels=1, dtype='uint8', bits=0), r"got \['bits'\]"),
    ],
)
def test_bad_specification(spec, message):
    with pytest.raises(ValueError, match=f"modality 'x': .*{message}|modality 'x': {message}"):
        LoadTranslationImages(dict(x=spec))


def test_no_domains():
    with pytest.raises(ValueError, match='expected at least one domain, got none'):
        LoadTranslationImages({})
