"""tools/infer.py with large files: the kind of file decides how it is read."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from mmengine.config import Config

from mmamf.apis import CheckpointSegmentor, OnnxSegmentor
from mmamf.scenes import PieceSegmentor, RasterScene, TileGrid
from mmamf.scenes.input_kind import has_coordinates, input_kind

rasterio = pytest.importorskip('rasterio', reason='rasterio is not installed')
nibabel = pytest.importorskip('nibabel', reason='nibabel is not installed')

ROOT = Path(__file__).resolve().parents[2]


def load_tool(name):
    spec = importlib.util.spec_from_file_location(f'tool_{name}', ROOT / 'tools' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tool():
    return load_tool('infer')


@pytest.fixture
def checkpoint(trained, tmp_path):
    """A checkpoint with its config inside."""
    config, path = trained()
    state = torch.load(path, weights_only=True)
    torch.save(dict(state, meta=dict(cfg=Config.fromfile(config).pretty_text)), path)
    return path


@pytest.fixture
def scene(tmp_path):
    rng = np.random.default_rng(0)
    rgb = cv2.resize(rng.integers(0, 256, (9, 11, 3), np.uint8), (200, 150)).transpose(2, 0, 1)
    depth = cv2.resize(rng.integers(500, 4000, (9, 11), np.uint16), (200, 150))[None]
    depth[:, :40, :90] = 0
    files = {}
    for name, values in dict(rgb=rgb, depth=depth).items():
        files[name] = str(tmp_path / f'{name}.tif')
        profile = dict(
            driver='GTiff', count=len(values), dtype=values.dtype, crs='EPSG:32633',
            transform=rasterio.transform.from_origin(5e5, 5e6, 0.25, 0.25),
        )  # fmt: skip
        with rasterio.open(files[name], 'w', height=150, width=200, **profile) as file:
            file.write(values)
    return files


def given(files):
    return [f'{name}={path}' for name, path in files.items()]


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


def test_a_scene_by_tiles(tool, checkpoint, scene, tmp_path, capsys):
    """One tile gives the mask of the whole image; small tiles give nearly the same."""
    options = ['--device', 'cpu', '--probabilities']
    tool.main([checkpoint, *given(scene), '--out', str(tmp_path / 'a'), *options])
    said = capsys.readouterr().out
    assert f'{scene["rgb"]} has coordinates, but its mask has none; --tile 512' in said
    whole = cv2.imread(str(tmp_path / 'a' / 'masks' / 'rgb.png'), -1)
    assert len(np.unique(whole)) > 1
    more = ['--tile', '512', '--out', str(tmp_path / 'b'), *options]
    tool.main([checkpoint, *given(scene), *more])
    np.testing.assert_array_equal(read(tmp_path / 'b' / 'masks' / 'rgb.tif'), whole)
    for name in ('probability', 'entropy', 'disagreement'):
        expected = cv2.imread(str(tmp_path / 'a' / name / 'rgb.png'), -1) / 65535
        values = read(tmp_path / 'b' / name / 'rgb.tif') / 65534
        np.testing.assert_allclose(values, expected, atol=1e-4)
    said = capsys.readouterr().out
    assert f'{tmp_path}/b/masks/rgb.tif: 0.03 megapixels in ' in said
    assert ' s per megapixel, peak memory ' in said
    more = ['--tile', '128', '--overlap', '64', '--out', str(tmp_path / 'c'), *options]
    tool.main([checkpoint, *given(scene), '--batch-size', '2', *more])
    # a random network looks far, so the border of a tile matters to it
    assert np.mean(read(tmp_path / 'c' / 'masks' / 'rgb.tif') != whole) < 0.2
    with pytest.raises(SystemExit, match='rgb.tif: expected no such file, because a scene'):
        tool.main([checkpoint, *given(scene), *more])
    capsys.readouterr()
    tool.main(
        [checkpoint, given(scene)[0], '--tile', '512', '--out', str(tmp_path / 'd'), *options]
    )
    assert 'all without depth' in capsys.readouterr().out


def test_an_onnx_file_by_tiles(tool, trained, scene, tmp_path):
    export = load_tool('export_onnx')
    config, checkpoint = trained()
    found = []
    export.main([config, checkpoint, str(tmp_path / 'scores.onnx')])
    for segmentor in (
        CheckpointSegmentor(checkpoint, config, 'cpu'),
        OnnxSegmentor(tmp_path / 'scores.onnx', 'cpu'),
    ):
        with RasterScene(scene) as raster:
            pieces = map(raster.cut, TileGrid(150, 200, 128, 64))
            found.append([scores for _, scores in PieceSegmentor(segmentor).scores(pieces)])
    for expected, other in zip(*found):
        assert expected.shape == other.shape == (5, 128, 128)
        np.testing.assert_allclose(expected.sum(0), 1, atol=1e-5)
        np.testing.assert_allclose(other, expected, atol=1e-4)


def test_a_volume(tool, checkpoint, tmp_path, capsys):
    values = np.random.default_rng(0).integers(500, 4000, (40, 50, 3)).astype(np.uint16)
    affine = np.diag([0.5, 0.5, 3, 1])
    (tmp_path / 'p1').mkdir()
    nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / 'p1' / 'depth.nii.gz')
    pattern = f'depth={tmp_path}/*/depth.nii.gz'
    tool.main([checkpoint, pattern, '--out', str(tmp_path / 'out'), '--device', 'cpu'])
    found = nibabel.load(tmp_path / 'out' / 'masks' / 'p1.nii.gz')
    np.testing.assert_array_equal(found.affine, affine)
    for k in range(3):
        cv2.imwrite(str(tmp_path / f'{k}.png'), values[..., k])
    pictures = ['depth=' + str(tmp_path / '*.png'), '--out', str(tmp_path / 'b')]
    tool.main([checkpoint, *pictures, '--device', 'cpu'])
    for k in range(3):
        expected = cv2.imread(str(tmp_path / 'b' / 'masks' / f'{k}.png'), -1)
        np.testing.assert_array_equal(found.dataobj[..., k], expected)
    assert 'p1.nii.gz: 0.01 megapixels' in capsys.readouterr().out


def test_a_video(tool, checkpoint, tmp_path, capsys):
    writer = cv2.VideoWriter(
        str(tmp_path / 'rgb.avi'), cv2.VideoWriter_fourcc(*'FFV1'), 10, (48, 32)
    )
    for frame in np.random.default_rng(0).integers(0, 256, (4, 32, 48, 3), np.uint8):
        writer.write(frame)
    writer.release()
    where = [f'rgb={tmp_path}/rgb.avi', '--out', str(tmp_path / 'out'), '--device', 'cpu']
    tool.main([checkpoint, *where])
    masks = sorted((tmp_path / 'out' / 'masks' / 'rgb').iterdir())
    assert [path.name for path in masks] == [f'{i:06d}.png' for i in range(4)]
    assert f'{tmp_path}/out/masks/rgb: 0.01 megapixels' in capsys.readouterr().out


def test_watching_ends_with_one_line(checkpoint, make_rgbd_dataset, tmp_path):
    root = make_rgbd_dataset(count=1)
    command = [sys.executable, '-W', 'ignore', str(ROOT / 'tools' / 'infer.py'), checkpoint]
    inputs = [f'{name}={root}/{name}' for name in ('rgb', 'depth')]
    options = ['--out', str(tmp_path / 'out'), '--device', 'cpu', '--watch']
    with open(tmp_path / 'said.txt', 'w') as output:
        process = subprocess.Popen(
            [*command, *inputs, *options], stdout=output, stderr=subprocess.STDOUT,
            env=dict(os.environ, PYTHONPATH=str(ROOT)),
        )  # fmt: skip
    deadline = time.monotonic() + 240
    while '\n00\n' not in (tmp_path / 'said.txt').read_text():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    *_, last = (tmp_path / 'said.txt').read_text().splitlines()
    assert last.startswith(f'ended: {tmp_path}/out/masks, {tmp_path}/out/overlays: 0.0')
    assert (tmp_path / 'out' / 'masks' / '00.png').is_file()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--watch', '--tile', '64'], '--watch: expected neither --tile nor --overlap with it'),
        (['--watch', '--overlap', '0'], '--watch: expected neither --tile nor --overlap with it'),
        (['--watch', '--batch-size', '2'], '--watch: expected no --batch-size with it'),
        (['--tile', 'x'], "argument --tile: invalid int value: 'x'"),
    ],
)
def test_bad_options(tool, capsys, arguments, message):
    with pytest.raises(SystemExit):
        tool.main(['model.pth', 'rgb=a', '--out', 'out', *arguments])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['rgb=a.png', '--tile', '64'], r'--tile: expected TIFF files \(.tif, .tiff\), got rgb=a'),
        (['rgb=a.nii', '--tile', '64'], '--tile: expected TIFF files .*, got rgb=a.nii'),
        (
            ['rgb=a.mp4', 'depth=a.png'],
            r'of one kind for all .*, got rgb=a.mp4 \(videos\), depth=a.png \(pictures\)',
        ),
        (
            ['rgb=a.mp4', '--probabilities'],
            '--probabilities: expected pictures .*, or TIFF files, got videos',
        ),
        (['rgb=a', '--probabilities', '--watch'], '--probabilities: expected .*, got --watch'),
        (['rgb=a', '--overlap', '8'], '--overlap: expected TIFF files that are read by tiles, got'),
        (['rgb=a.mp4', '--watch'], '--watch: expected folders or globs of pictures, got videos'),
    ],
)
def test_bad_inputs(tool, tmp_path, arguments, message):
    with pytest.raises(SystemExit, match=message):
        tool.main([str(tmp_path / 'none.pth'), *arguments, '--out', str(tmp_path / 'out')])


@pytest.mark.parametrize(
    ('package', 'place'), [('rasterio', 'rgb=a.tif'), ('nibabel', 'rgb=a.nii')]
)
def test_a_package_is_missing(tool, tmp_path, monkeypatch, package, place):
    """It is named before the model is loaded."""
    monkeypatch.setitem(sys.modules, package, None)
    more = ['--tile', '64'] if package == 'rasterio' else []
    with pytest.raises(SystemExit, match=f'error: .* needs {package}: pip install {package}'):
        tool.main([str(tmp_path / 'none.pth'), place, '--out', str(tmp_path / 'out'), *more])


def test_kinds(tmp_path):
    small, large = str(tmp_path / 'small.tif'), str(tmp_path / 'large.TIF')
    tifffile.imwrite(small, np.zeros((4, 4), np.uint8))
    tifffile.imwrite(large, shape=(4097, 4096), dtype=np.uint8)
    damaged = tmp_path / 'damaged.tif'
    damaged.write_text('no image')
    assert input_kind(dict(rgb=small)) == input_kind(dict(rgb=str(damaged))) == 'pictures'
    assert input_kind(dict(rgb=small), by_tiles=True) == 'rasters'
    assert input_kind(dict(rgb=large)) == input_kind(dict(rgb=large, nir=small)) == 'rasters'
    assert input_kind(dict(rgb=str(tmp_path))) == 'pictures'
    assert input_kind(dict(rgb=str(tmp_path)), by_tiles=True) == 'rasters'
    assert input_kind(dict(rgb='*.nii.gz', nir='b.NII')) == 'volumes'
    assert input_kind(dict(rgb='a.MP4')) == 'videos'
    assert not any(map(has_coordinates, (small, large, str(damaged), str(tmp_path), 'a.png')))
