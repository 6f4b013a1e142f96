"""Fixtures that write small data sets in the real folder layout."""

import gc
import multiprocessing
import os
import signal
import sys
from multiprocessing import forkserver
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

import mmamf  # noqa: F401  # isort: skip  (repairs the stack before a test imports mmseg)
import processes

CLASSES = ('floor', 'wall', 'table', 'lamp', 'door')

# `nohup make test &` ignores Ctrl-C, which the processes that tests start, and interrupt, inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config):
    """Let processes share what they compile, where they may not leave it beside the sources."""
    if sys.dont_write_bytecode and hasattr(config, 'cache'):
        os.environ.pop('PYTHONDONTWRITEBYTECODE', None)
        os.environ['PYTHONPYCACHEPREFIX'] = str(config.cache.mkdir('pycache'))


def pytest_collection_finish():
    """Set what the tests have imported apart from what `gc.collect` of mmengine looks through."""
    gc.freeze()


@pytest.fixture
def make_rgbd_dataset(tmp_path):
    """Writer of an RGB-D data set whose classes can be learned.

    ``make_rgbd_dataset(count=4, size=(48, 64), classes=5, root=...)`` writes ``count`` registered
    samples of (H, W) pixels to ``root`` (default: ``tmp_path / 'rgbd'``) and returns it:
    ``rgb/00.png`` (8-bit, 3 channels), ``depth/00.png`` (16-bit, mm, 0 = no reading),
    ``label/00.png`` (8-bit class index, 255 = ignored). Each label is a grid of random blocks;
    color and depth are noisy functions of the class.
    """

    def make(
        count: int = 4,
        size: tuple[int, int] = (48, 64),
        classes: int = len(CLASSES),
        root: str | Path | None = None,
    ) -> Path:
        root = Path(root or tmp_path / 'rgbd')
        rng = np.random.default_rng(0)
        colors = rng.integers(30, 225, (classes, 3))
        for folder in ('rgb', 'depth', 'label'):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            blocks = rng.integers(0, classes, (3, 4)).astype(np.uint8)
            label = cv2.resize(blocks, size[::-1], interpolation=cv2.INTER_NEAREST)
            rgb = colors[label] + rng.integers(-20, 21, (*size, 3))
            depth = 1000 + 500 * label.astype(np.int64) + rng.integers(-100, 101, size)
            depth[rng.random(size) < 0.1] = 0
            label[:2] = 255
            cv2.imwrite(str(root / 'rgb' / f'{i:02d}.png'), rgb.astype(np.uint8)[..., ::-1])
            cv2.imwrite(str(root / 'depth' / f'{i:02d}.png'), depth.astype(np.uint16))
            cv2.imwrite(str(root / 'label' / f'{i:02d}.png'), label)
        return root

    return make


@pytest.fixture(autouse=True)
def mmseg_scope():
    """Bare names mean mmseg's, as with default_scope='mmseg', whatever ran before."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture(autouse=True)
def fresh_compiler():
    """Each test compiles as in a new process. torch compiles a function eight times at most."""
    yield
    if 'torch._dynamo' in sys.modules:
        torch._dynamo.reset()


@pytest.fixture
def rgbd_dataset_cfg(make_rgbd_dataset):
    """Config of a MultimodalSegDataset on generated files.

    ``rgbd_dataset_cfg(pipeline=[...], modalities=('rgb', 'depth'), count=4, ...)``: ``pipeline`` is
    what comes between loading and packing; further arguments go to ``make_rgbd_dataset``, unless
    ``root`` names a data set that it wrote before.
    """

    def make(
        pipeline: list[dict] | None = None,
        modalities: tuple[str, ...] = ('rgb', 'depth'),
        test_mode: bool = False,
        classes: int = len(CLASSES),
        root: str | Path | None = None,
        **kwargs,
    ) -> dict:
        if root is None or not (Path(root) / 'rgb').is_dir():
            root = make_rgbd_dataset(classes=classes, root=root, **kwargs)
        return dict(
            type='MultimodalSegDataset',
            modalities=modalities,
            data_root=str(root),
            data_prefix=dict(rgb='rgb', depth='depth', seg_map_path='label'),
            metainfo=dict(classes=tuple(f'class {i}' for i in range(classes))),
            test_mode=test_mode,
            pipeline=[
                dict(
                    type='LoadMultimodalImages',
                    modalities=dict(
                        rgb=dict(channels=3, dtype='uint8'),
                        depth=dict(channels=1, dtype='uint16', missing=0),
                    ),
                ),
                dict(type='LoadLabelMap'),
                *(pipeline or []),
                dict(type='PackMultimodalSegInputs'),
            ],
        )

    return make


@pytest.fixture
def rgbd_preprocessor_cfg():
    """Config of the MultimodalSegDataPreprocessor that fits ``rgbd_dataset_cfg``."""
    return dict(
        type='MultimodalSegDataPreprocessor',
        modalities=[
            dict(
                name='rgb',
                channels=3,
                mean=[123.675, 116.28, 103.53],
                std=[58.395, 57.12, 57.375],
                bgr_to_rgb=True,
            ),
            dict(name='depth', channels=1, scale=0.001, mean=[2.0], std=[0.8]),
        ],
        size_divisor=32,
    )


@pytest.fixture
def write_taskonomy(tmp_path):
    """Writer of a miniature of Taskonomy in its published folders and encodings.

    ``write_taskonomy(count=4, size=(64, 64), building='almena', root=...)`` writes ``count`` views
    of (H, W) pixels to ``root`` (default: ``tmp_path / 'taskonomy'``) and returns it:
    ``rgb/almena/point_0_view_0_domain_rgb.png`` and the same for seven further domains; lists
    train.txt and val.txt with half of the views each. With ``building=''`` there is no folder for
    it, as in the published sample. All images are noisy functions of a few slanted planes.
    """

    def make(
        count: int = 4,
        size: tuple[int, int] = (64, 64),
        building: str = 'almena',
        root: str | Path | None = None,
    ) -> Path:
        root = Path(root or tmp_path / 'taskonomy')
        rng = np.random.default_rng(0)
        colors = rng.uniform(60, 255, (4, 3))
        slants = rng.normal(size=(4, 3)) + [0, 0, 2]
        slants /= np.linalg.norm(slants, axis=1, keepdims=True)
        stems = [f'{building}/point_{i // 2}_view_{i % 2}'.lstrip('/') for i in range(count)]
        for stem in stems:
            blocks = rng.integers(0, 4, (3, 4)).astype(np.uint8)
            plane = cv2.resize(blocks, size[::-1], interpolation=cv2.INTER_NEAREST)
            normal = slants[plane]
            depth = 1000 + 1500 * plane + rng.integers(0, 100, size)
            depth[:3, :5] = 65535
            rim = cv2.morphologyEx(plane, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
            shade = np.repeat(255 * normal[..., 2:], 3, 2)
            rgb = colors[plane] * normal[..., 2:] + rng.integers(-9, 10, (*size, 3))
            curvature = np.full((*size, 3), 127)
            curvature[rim, :2] = 180
            for domain, image in dict(
                rgb=rgb,
                reshading=shade,
                edge_texture=rim * rng.integers(2000, 15000, size),
                edge_occlusion=rim * rng.integers(2000, 15000, size),
                normal=127 + 127 * normal,
                depth_zbuffer=depth,
                depth_euclidean=np.minimum(depth + depth // 10, 65535),
                principal_curvature=curvature,
            ).items():
                path = root / domain / f'{stem}_domain_{domain}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                if image.ndim == 2:
                    stored = image.astype(np.uint16)
                else:
                    stored = image.clip(0, 255).astype(np.uint8)[..., ::-1]  # RGB in the file
                cv2.imwrite(str(path), stored)
        (root / 'train.txt').write_text('\n'.join(stems[: count // 2]))
        (root / 'val.txt').write_text('\n'.join(stems[count // 2 :]))
        return root

    return make


@pytest.fixture
def nyuv2_samples():
    """Folder of real NYUv2 frames (rgb/, depth/, masks/), named by MMAMF_NYUV2_SAMPLES."""
    folder = os.environ.get('MMAMF_NYUV2_SAMPLES')
    if not folder:
        pytest.skip(
            'no real NYUv2 frames: set MMAMF_NYUV2_SAMPLES to a folder with rgb/, depth/, masks/'
        )
    return Path(folder)


@pytest.fixture
def device():
    """Device of the tests that are marked ``gpu``; MMAMF_DEVICE=cpu tries them without a GPU."""
    name = os.environ.get('MMAMF_DEVICE', 'cuda')
    if name == 'cuda' and not torch.cuda.is_available():
        pytest.skip('needs a GPU; MMAMF_DEVICE=cpu tries the test itself')
    return torch.device(name)


@pytest.fixture(scope='session')
def forking_context():
    """What starts processes by forking one that has imported `preloaded`."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['preloaded'])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', str(Path(processes.__file__).parent), prepend=os.pathsep)
        forkserver.ensure_running()
    return context


@pytest.fixture
def start_script(forking_context):
    """Starter of a Python file in a process of its own that has imported mmamf and others already.

    ``start_script(path, *arguments, output=None)`` returns the process, in which the file is
    `__main__`; ``output`` is a file for what it prints.
    """

    def start(
        path: str | Path, *arguments: object, output: Path | None = None
    ) -> multiprocessing.Process:
        process = forking_context.Process(
            target=processes.run_script, args=(str(path), list(map(str, arguments)), output)
        )
        process.start()
        return process

    return start


@pytest.fixture
def call_script(start_script, tmp_path):
    """Caller of a Python file: ``call_script(path, *arguments)`` returns exit code and output."""

    def call(path: str | Path, *arguments: object) -> tuple[int, str]:
        output = tmp_path / 'output of the process.txt'
        process = start_script(path, *arguments, output=output)
        process.join(300)
        if process.exitcode is None:
            process.kill()
            pytest.fail(f'{path} has not ended after 300 s')
        return process.exitcode, output.read_text()

    return call
