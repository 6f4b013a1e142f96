"""A large raster gives what the whole image gives, and keeps its coordinates."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mmamf.apis.uncertainty_files import disagreement, entropy
from mmamf.scenes import LabelRaster, Piece, RasterScene, TileGrid, segment_raster
from mmamf.scenes.open_raster import open_raster

rasterio = pytest.importorskip('rasterio', reason='rasterio is not installed')


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


def whole(segmentor, files):
    """Predict the classes of the whole scene at once, with 255 where there is no reading."""
    loaded = segmentor.load(Piece('whole', files, files))
    labels = segmentor.segmentor.scores_of(loaded.data).argmax(0)
    return np.where(loaded.readings, labels, 255)


@pytest.mark.parametrize(('tile', 'overlap'), [(64, 16), (64, 0), (96, 48), (48, None), (512, 64)])
@pytest.mark.parametrize('batch_size', [1, 3])
def test_a_network_of_pixels_gives_the_same_as_on_the_whole(
    make_segmentor, write_scene, tmp_path, tile, overlap, batch_size
):
    files = write_scene()
    segmentor = make_segmentor(batch_size=batch_size)
    if overlap is None:
        tile, overlap = 128, None  # 16
    usage = segment_raster(segmentor, files, tmp_path / 'out.tif', tile, overlap, False)
    found = read(tmp_path / 'out.tif')
    np.testing.assert_array_equal(found, whole(make_segmentor(), files))
    assert len(np.unique(found)) >= 3 and usage.pixels == 150 * 220
    assert set(segmentor.segmentor.shapes) == {(min(tile, 150), min(tile, 220))}
    assert max(segmentor.segmentor.batches) == min(batch_size, len(segmentor.segmentor.shapes))


@pytest.mark.parametrize('threshold', [None, 0.8])
def test_maps_of_uncertainty_are_those_of_the_whole(
    make_segmentor, write_scene, tmp_path, monkeypatch, threshold
):
    files, segmentor = write_scene(), make_segmentor()
    model = type(segmentor.segmentor)
    if threshold is not None:  # a network with one output for two classes
        many = model.scores_of

        def two(self, item):
            chance = many(self, item)[:2].sum(0)
            return np.stack([1 - chance, chance])

        monkeypatch.setattr(model, 'scores_of', two)
        monkeypatch.setattr(model, 'classes', ('other', 'road'))
    monkeypatch.setattr(model, 'threshold', threshold)
    names = ('probability', 'entropy', 'disagreement')
    maps = {name: tmp_path / name / 'out.tif' for name in names}
    segment_raster(segmentor, files, tmp_path / 'out.tif', 64, 16, False, maps)
    loaded = segmentor.load(Piece('whole', files, files))
    readings, chances = loaded.readings, segmentor.segmentor.scores_of(loaded.data)
    expected = chances.max(0), entropy(chances), disagreement([chances, chances[::-1]])
    for path, values in zip(maps.values(), expected, strict=True):
        with rasterio.open(path) as out, rasterio.open(files['rgb']) as source:
            found, scale = out.read(1), out.scales[0]
            assert out.crs == source.crs and out.transform == source.transform
            assert out.dtypes == ('uint16',) and out.nodata == 65535
        np.testing.assert_array_equal(found == 65535, ~readings)
        np.testing.assert_allclose((found * scale)[readings], values[readings], atol=1e-4)
    labels = chances.argmax(0) if threshold is None else chances[1] > threshold
    np.testing.assert_array_equal(read(tmp_path / 'out.tif')[readings], labels[readings])
    assert len(np.unique(labels)) > 1


def test_maps_are_written_together_or_not_at_all(make_segmentor, write_scene, tmp_path):
    files, maps = write_scene(), dict(entropy=tmp_path / 'o' / 'entropy.tif')
    maps['entropy'].parent.mkdir()
    maps['entropy'].touch()
    with pytest.raises(ValueError, match=r'entropy.tif: expected no such file'):
        segment_raster(make_segmentor(), files, tmp_path / 'o' / 'out.tif', 64, 16, False, maps)
    assert [path.name for path in (tmp_path / 'o').iterdir()] == ['entropy.tif']


def test_modalities_are_absent_per_tile(make_segmentor, write_scene, tmp_path):
    segmentor = make_segmentor()
    segment_raster(segmentor, write_scene(), tmp_path / 'out.tif', 48, 0, False)
    # 4 x 5 tiles; those within the first 75 rows and 110 columns, with none below, have no dsm
    assert segmentor.segmentor.present.count(('rgb',)) == 2
    assert segmentor.segmentor.present.count(('rgb', 'dsm')) == 18


def test_pixels_without_reading_have_no_class(make_segmentor, write_raster, tmp_path):
    specs = dict(rgb=dict(channels=3, dtype='uint8'), nir=dict(channels=1, dtype='uint16'))
    rng = np.random.default_rng(0)
    rgb = rng.integers(8, 250, (3, 130, 160), np.uint8)
    nir = rng.integers(1, 9, (1, 130, 160), np.uint16)
    rgb[:, :70] = 7  # nodata of the file
    rgb[0, 10, 10] = 1  # one band has a reading; in 8-bit colors, then all have
    nir[:, :, :90] = 0
    files = dict(rgb=write_raster('a.tif', rgb, nodata=7), nir=write_raster('b.tif', nir, nodata=0))
    segmentor = make_segmentor(specs, optional=['rgb', 'nir'])
    segment_raster(segmentor, files, tmp_path / 'out.tif', 32, 16, False)
    expected = np.zeros((130, 160), bool)
    expected[:70, :90], expected[10, 10] = True, False
    np.testing.assert_array_equal(read(tmp_path / 'out.tif') == 255, expected)
    # tiles without any reading are not shown to the network
    assert len(segmentor.segmentor.shapes) < len(TileGrid(130, 160, 32, 16))
    np.testing.assert_array_equal(read(tmp_path / 'out.tif'), whole(segmentor, files))


def test_the_result_is_a_geotiff_like_the_input(make_segmentor, write_scene, tmp_path):
    files = write_scene()
    segment_raster(make_segmentor(), files, tmp_path / 'out.tif', 64, 16, False)
    with rasterio.open(tmp_path / 'out.tif') as out, rasterio.open(files['rgb']) as source:
        assert out.crs == source.crs and out.transform == source.transform
        assert out.shape == source.shape and out.dtypes == ('uint8',) and out.nodata == 255
        assert out.profile['compress'] == 'deflate' and out.block_shapes == [(48, 48)]
        colors = out.colormap(1)
        assert [colors[i] for i in range(2)] == [(10, 20, 30, 255), (40, 50, 60, 255)]
        names = [out.tags(1)[f'class_{i}'] for i in range(4)]
        assert names == ['field', 'forest', 'water', 'road']
    # blocks are written once: a rewritten block would leave a hole in the file
    assert (tmp_path / 'out.tif').stat().st_size < 150 * 220
    assert not list(tmp_path.glob('.*'))


def test_a_large_result_is_a_bigtiff(tmp_path, write_raster, monkeypatch):
    """Blocks that nobody writes are left out here: to fill 4.9 GB would take a minute."""

    def open_sparse(*args, **profile):
        return open_raster(*args, **profile, sparse_ok=True)

    monkeypatch.setattr('mmamf.scenes.create_raster.open_raster', open_sparse)
    path = write_raster('a.tif', np.zeros((1, 8, 8), np.uint8))
    with RasterScene(dict(rgb=path)) as scene:
        kept = {key: getattr(scene.first, key) for key in ('gcps', 'rpcs', 'crs', 'transform')}
        scene.first = SimpleNamespace(height=70000, width=70000, **kept)
        with LabelRaster(tmp_path / 'big.tif', scene, 448, ['a'], [(1, 2, 3)]) as out:
            out.write(slice(0, 16), slice(0, 16), np.ones((16, 16), np.uint8))
    assert (tmp_path / 'big.tif').read_bytes()[:4] == b'II+\0'


@pytest.mark.parametrize('kind', ['none', 'gcps', 'rotated', 'rpcs'])
def test_every_kind_of_coordinates_is_kept(make_segmentor, write_raster, tmp_path, kind):
    values = np.random.default_rng(0).integers(0, 9, (3, 40, 50), np.uint8)
    path = Path(write_raster('a.tif', values, crs=None, transform=None))
    points = [
        rasterio.control.GroundControlPoint(row, column, 10 + column, 20 - row)
        for row, column in ((0, 0), (0, 50), (40, 0), (40, 50))
    ]
    names = ('height', 'lat', 'line', 'long', 'samp')
    numbers = {f'{n}_{what}': 2.0 for n in names for what in ('off', 'scale')}
    lists = {f'{n}_{what}_coeff': [3.0] * 20 for n in names[2::2] for what in ('den', 'num')}
    rpcs = rasterio.rpc.RPC(**numbers, **lists, err_bias=None, err_rand=None)
    with rasterio.open(path, 'r+') as file:
        if kind == 'gcps':
            file.gcps = points, rasterio.crs.CRS.from_epsg(4326)
        elif kind == 'rotated':
            file.transform = rasterio.Affine(0.2, 0.1, 5, 0.1, -0.2, 9)
        elif kind == 'rpcs':
            file.rpcs = rpcs
    segment_raster(make_segmentor(), dict(rgb=str(path)), tmp_path / 'out.tif', 512, 64, False)
    with rasterio.open(tmp_path / 'out.tif') as out, rasterio.open(path) as source:
        assert out.crs == source.crs and out.transform == source.transform
        assert [(p.row, p.col, p.x, p.y) for p in out.gcps[0]] == [
            (p.row, p.col, p.x, p.y) for p in source.gcps[0]
        ]
        assert out.gcps[1] == source.gcps[1] and out.rpcs == source.rpcs
        assert bool(out.gcps[0]) == (kind == 'gcps') and bool(out.rpcs) == (kind == 'rpcs')


@pytest.mark.parametrize('channels', [3, [0, 1, 2], [3], 4, [3, 0]])
def test_bands_are_those_of_the_whole_file(make_segmentor, write_raster, channels):
    """A tile is read in the same order of bands as a file, whatever the description takes."""
    values = np.random.default_rng(0).integers(1, 999, (4, 20, 30), np.uint16)
    path = write_raster('a.tif', values[:3] if channels == 3 else values)
    segmentor = make_segmentor(dict(tile=dict(channels=channels, dtype='uint16')))
    expected = segmentor.load(Piece('whole', dict(tile=path), dict(tile=path)))
    with RasterScene(dict(tile=path)) as scene:
        found = segmentor.load(scene.cut(next(iter(TileGrid(20, 30, 32, 16)))))
    np.testing.assert_array_equal(found.data['inputs'], expected.data['inputs'])


@pytest.mark.parametrize('channels', [1, 3])
def test_palettes_are_those_of_the_whole_file(make_segmentor, write_raster, channels):
    path = write_raster('a.tif', np.random.default_rng(0).integers(0, 3, (1, 20, 30), np.uint8))
    again = Path(path).with_name('b.tif')
    profile = dict(driver='GTiff', height=20, width=30, count=1, dtype='uint8')
    with rasterio.open(again, 'w', **profile, transform=rasterio.Affine.scale(2)) as file:
        file.write_colormap(1, {0: (9, 8, 7), 1: (100, 50, 20), 2: (3, 200, 90)})
        file.write(read(path), 1)
    segmentor = make_segmentor(dict(rgb=dict(channels=channels, dtype='uint8')))
    expected = segmentor.load(Piece('whole', dict(rgb=str(again)), dict(rgb=str(again))))
    with RasterScene(dict(rgb=str(again))) as scene:
        found = segmentor.load(scene.cut(next(iter(TileGrid(20, 30, 32, 16)))))
    np.testing.assert_array_equal(found.data['inputs'], expected.data['inputs'])


class TestBadInput:
    def refuse(self, segmentor, files, tmp_path, message, tile=64, overlap=16):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            segment_raster(segmentor, files, tmp_path / 'o' / 'out.tif', tile, overlap, False)
        assert not list(tmp_path.glob('o/*')) and not list(tmp_path.glob('o/.*'))

    def test_sizes_differ(self, make_segmentor, write_scene, write_raster, tmp_path):
        files = write_scene()
        files['dsm'] = write_raster('low.tif', np.zeros((1, 75, 110), np.float32))
        expected = r"size \(H, W\): expected \(150, 220\) as in .*rgb.tif \('rgb'\), got "
        self.refuse(
            make_segmentor(), files, tmp_path, expected + r"\(75, 110\) in .*low.tif \('dsm'\)"
        )

    @pytest.mark.parametrize(
        ('profile', 'message'),
        [
            (
                dict(crs='EPSG:32632'),
                'expected EPSG:32633 as in .*rgb.tif .*, got EPSG:32632 in .*dsm.tif',
            ),
            (dict(crs=None), 'coordinate system: expected EPSG:32633 .*, got None in .*dsm.tif'),
            (
                dict(transform=rasterio.Affine(0.25, 0, 500000.25, 0, -0.25, 5e6)),
                r'position \(transform\): expected \(0.25, 0.0, 500000.0, .*rgb.tif .*, got '
                '.*500000.25.*dsm.tif',
            ),
            (
                dict(transform=rasterio.Affine(0.2501, 0, 5e5, 0, -0.25, 5e6)),
                r'position \(transform\)',
            ),
        ],
    )
    def test_positions_differ(self, make_segmentor, write_scene, tmp_path, profile, message):
        self.refuse(make_segmentor(), write_scene(**profile), tmp_path, message)

    def test_rounded_positions_agree(self, write_scene):
        origin = rasterio.transform.from_origin(5e5 + 1e-5, 5e6, 0.25, 0.25)
        with RasterScene(write_scene(transform=origin)) as scene:
            assert scene.shape == (150, 220)

    def test_no_raster(self, make_segmentor, write_scene, tmp_path):
        files = write_scene()
        (tmp_path / 'text.tif').write_text('no raster')
        bad = dict(files, dsm=str(tmp_path / 'text.tif'))
        self.refuse(make_segmentor(), bad, tmp_path, r'text.tif: expected a TIFF, which can be')
        bad = dict(files, dsm=str(tmp_path / 'none.tif'))
        self.refuse(make_segmentor(), bad, tmp_path, r'raster not found: .*none.tif')

    def test_truncated(self, make_segmentor, write_scene, tmp_path):
        files = write_scene()
        path = Path(files['rgb'])
        path.write_bytes(path.read_bytes()[:-60000])
        message = r'rgb.tif is corrupt or truncated: rows \d+ to \d+, columns 0 to 63 cannot be'
        self.refuse(make_segmentor(), files, tmp_path, message)

    def test_no_reading_at_all(self, make_segmentor, write_raster, tmp_path):
        files = dict(rgb=write_raster('rgb.tif', np.zeros((3, 90, 90), np.uint8), nodata=0))
        segmentor = make_segmentor()
        message = r'reading of at least one modality, got only missing values in .*rgb.tif'
        self.refuse(segmentor, files, tmp_path, message)
        assert not segmentor.segmentor.shapes

    def test_no_reading_of_a_modality_that_is_not_optional(
        self, make_segmentor, write_scene, tmp_path
    ):
        spec = dict(channels=1, dtype='float32')
        segmentor = make_segmentor(dict(rgb=dict(channels=3, dtype='uint8'), dsm=spec))
        message = (
            r"modality 'dsm': expected at least one reading, got only the missing value -9999.0 in "
            r'.*dsm.tif, rows 0 to 63, columns 0 to 63.*--optional dsm'
        )
        self.refuse(segmentor, write_scene(), tmp_path, message)
        segmentor = make_segmentor(
            dict(rgb=dict(channels=3, dtype='uint8'), dsm=spec), optional=['dsm']
        )
        segment_raster(segmentor, write_scene(), tmp_path / 'out.tif', 64, 16, False)

    def test_dtype_and_bands(self, make_segmentor, write_scene, tmp_path):
        files = write_scene()
        segmentor = make_segmentor(dict(rgb=dict(channels=3, dtype='uint16')))
        message = r"'rgb': expected dtype uint16, got uint8 in .*/rgb.tif, rows 0 to 63, columns 0"
        self.refuse(segmentor, dict(rgb=files['rgb']), tmp_path, message)
        segmentor = make_segmentor(dict(rgb=dict(channels=5, dtype='uint8')))
        message = r"'rgb': expected 5 channel\(s\), got 3 .*/rgb.tif, rows 0 to 63"
        self.refuse(segmentor, dict(rgb=files['rgb']), tmp_path, message)

    @pytest.mark.parametrize('kind', [RuntimeError, Exception])
    def test_a_tile_that_the_network_cannot_take(
        self, make_segmentor, write_scene, tmp_path, kind, monkeypatch
    ):
        segmentor = make_segmentor()

        def fail(_):
            raise kind('kernel size cannot be greater than input size')

        monkeypatch.setattr(segmentor.segmentor, 'predict_scores', fail)
        message = (
            r'rgb.tif, rows 0 to 63, columns 0 to 63: the network cannot take a batch of 1 with '
            r'64 x 64 px \(H x W\): kernel size cannot be'
        )
        self.refuse(segmentor, write_scene(), tmp_path, message)

    def test_the_result_exists(self, make_segmentor, write_scene, tmp_path):
        files = write_scene()
        (tmp_path / 'out.tif').write_text('earlier')
        with pytest.raises(ValueError, match='out.tif: expected no such file, because a scene'):
            segment_raster(make_segmentor(), files, tmp_path / 'out.tif')
        assert (tmp_path / 'out.tif').read_text() == 'earlier'
        before = Path(files['rgb']).read_bytes()
        with pytest.raises(ValueError, match='rgb.tif: expected a result that is no input'):
            segment_raster(make_segmentor(), files, files['rgb'])
        assert Path(files['rgb']).read_bytes() == before

    def test_the_result_cannot_be_written(self, make_segmentor, write_scene, tmp_path):
        (tmp_path / 'file').touch()
        with pytest.raises(ValueError, match='out.tif: the file cannot be written'):
            segment_raster(make_segmentor(), write_scene(), tmp_path / 'file' / 'out.tif')

    def test_rasterio_is_not_installed(self, make_segmentor, write_scene, tmp_path, monkeypatch):
        files = write_scene()
        monkeypatch.setitem(sys.modules, 'rasterio', None)
        with pytest.raises(ImportError, match='read by tiles needs rasterio: pip install rasterio'):
            segment_raster(make_segmentor(), files, tmp_path / 'out.tif')

    def test_modalities(self, make_segmentor, write_scene, tmp_path):
        files = write_scene()
        message = r"some or all of the modalities \('rgb', 'dsm'\), got {'nir': '.*rgb.tif'}"
        self.refuse(make_segmentor(), dict(nir=files['rgb']), tmp_path, message)
        self.refuse(make_segmentor(), dict(rgb=None), tmp_path, r"got {'rgb': None}")

    def test_batch_size(self, make_segmentor):
        with pytest.raises(ValueError, match='batch_size: expected at least 1, got 0'):
            make_segmentor(batch_size=0)


MEASURE = """
import sys
from pathlib import Path

from mmamf.benchmarks.scenes import measure_raster

print(measure_raster(int(sys.argv[1]), 16, Path(sys.argv[2])))
"""


def test_memory_does_not_grow_with_the_scene(tmp_path, call_script):
    (tmp_path / 'measure.py').write_text(MEASURE)
    peaks = []
    for side in (500, 2500):
        folder = tmp_path / str(side)
        folder.mkdir()
        code, said = call_script(tmp_path / 'measure.py', side, folder)
        assert code == 0, said
        assert f'{side * side / 1e6:.2f} megapixels in ' in said
        peaks.append(float(re.search(r'peak memory (\d+) MiB', said)[1]))
    # 16 scores of 6 megapixels would be 381 MiB; GDAL keeps up to 64 MiB of blocks, here 25
    assert peaks[1] - peaks[0] < 60, peaks
