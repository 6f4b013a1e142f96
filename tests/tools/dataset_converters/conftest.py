"""Writers of miniature data sets in exactly the format in which their owners publish them."""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

CONVERTERS = Path(__file__).resolve().parents[3] / 'tools' / 'dataset_converters'


@pytest.fixture(autouse=True)
def converters_path(monkeypatch):
    """Let the converters import their core as they do when they run as scripts."""
    monkeypatch.syspath_prepend(CONVERTERS)


@pytest.fixture
def load_converter(converters_path):
    """Importer of a converter: ``load_converter('nyudv2')`` returns the module."""

    def load(name: str) -> ModuleType:
        module = importlib.import_module(name)
        assert Path(module.__file__).parent == CONVERTERS
        return module

    return load


@pytest.fixture
def tree():
    """Lister of a folder: ``tree(root)`` returns {relative path: (time of change, content)}."""

    def list_files(root: Path) -> dict[str, tuple[int, bytes]]:
        return {
            path.relative_to(root).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted(root.rglob('*'))
            if path.is_file()
        }

    return list_files


@pytest.fixture
def nyudv2_frames():
    """Maker of frames for ``write_nyudv2``: ``nyudv2_frames(count, size=(H, W))``.

    Each is a dict of images (H, W, 3) RGB, depths and rawDepths in meters and labels 0..894.
    """

    def make(count: int, size: tuple[int, int] = (48, 64)) -> list[dict[str, np.ndarray]]:
        rng = np.random.default_rng(0)
        frames = []
        for _ in range(count):
            depths = rng.uniform(0.7, 9.99, size).astype(np.float32)
            raw = depths.copy()
            raw[rng.random(size) < 0.2] = 0  # no reading
            raw[rng.random(size) < 0.05] = 10  # the sensor's limit
            frames.append(
                dict(
                    images=rng.integers(0, 256, (*size, 3)).astype(np.uint8),
                    depths=depths,
                    rawDepths=raw,
                    labels=rng.integers(0, 895, size).astype(np.uint16),
                )
            )
        return frames

    return make


@pytest.fixture
def nyudv2_map_class():
    """894 classes -> 1..40, as ``mapClass`` of the classMapping40.mat of ``write_nyudv2``."""
    return np.random.default_rng(40).permutation(np.arange(894) % 40 + 1).astype(np.uint8)


@pytest.fixture
def write_nyudv2(nyudv2_frames, nyudv2_map_class):
    """Writer of a miniature NYU Depth v2: its three .mat files.

    ``write_nyudv2(root, count=4, size=(48, 64))`` returns ``root``. ``frames`` replaces the frames,
    ``train`` and ``test`` the 1-based indices of splits.mat (default: every second one).
    """

    def write(
        root: Path,
        count: int = 4,
        size: tuple[int, int] = (48, 64),
        frames: list[dict[str, np.ndarray]] | None = None,
        train: Sequence[int] | None = None,
        test: Sequence[int] | None = None,
    ) -> Path:
        root.mkdir(parents=True, exist_ok=True)
        frames = frames or nyudv2_frames(count, size)
        # MATLAB v7.3 is HDF5 behind 512 bytes of text; arrays lie column by column: (H, W, C, N)
        # of MATLAB is (N, C, W, H) here
        path = root / 'nyu_depth_v2_labeled.mat'
        with h5py.File(path, 'w', userblock_size=512) as file:
            classes = dict(images='uint8', depths='single', rawDepths='single', labels='uint16')
            for key, matlab_class in classes.items():
                stacked = np.stack([frame[key].T for frame in frames])
                dataset = file.create_dataset(
                    key, data=stacked, chunks=(1, *stacked.shape[1:]), compression='gzip'
                )
                dataset.attrs['MATLAB_class'] = np.bytes_(matlab_class)
        header = b'MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .'.ljust(124)
        with path.open('r+b') as file:
            file.write(header + b'\x00\x02IM')

        indices = range(1, len(frames) + 1)
        splits = dict(
            trainNdxs=indices[::2] if train is None else train,
            testNdxs=indices[1::2] if test is None else test,
        )
        columns = {key: np.array(value, dtype=np.float64)[:, None] for key, value in splits.items()}
        savemat(root / 'splits.mat', columns)
        names = np.array([[f'class {i}' for i in range(1, 41)]], dtype=object)
        savemat(root / 'classMapping40.mat', dict(mapClass=nyudv2_map_class[None], className=names))
        return root

    return write


@pytest.fixture
def write_mfnet():
    """Writer of a miniature MFNet: four-channel images, labels 0..8 and the three lists.

    ``write_mfnet(root, count=6, size=(48, 64))`` returns ``root``. Half of the samples are for
    training, the others by turns for validation and test.
    """

    def write(root: Path, count: int = 6, size: tuple[int, int] = (48, 64)) -> Path:
        rng = np.random.default_rng(1)
        names = [f'{i:05d}{"ND"[i % 2]}' for i in range(1, count + 1)]
        for folder in ('images', 'labels'):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            rgbt = rng.integers(0, 256, (*size, 4)).astype(np.uint8)
            rgbt[:4, :, 3] = 0  # as alpha it would hide the colors
            Image.fromarray(rgbt).save(root / 'images' / f'{name}.png')
            label = rng.integers(0, 9, size).astype(np.uint8)
            Image.fromarray(label).save(root / 'labels' / f'{name}.png')
        half = (count + 1) // 2
        lists = dict(train=names[:half], val=names[half::2], test=names[half + 1 :: 2])
        for split, listed in lists.items():
            (root / f'{split}.txt').write_text(''.join(f'{name}\n' for name in listed))
        return root

    return write


@pytest.fixture
def sunrgbd_frames():
    """Maker of frames for ``write_sunrgbd``: ``sunrgbd_frames(count, size=(H, W))``.

    Each is a dict of its folder, rgb (H, W, 3), filled and raw depth in mm, seglabel 0..37 and K.
    The folders are like those of the four sensors; SUN3D's end with a slash.
    """
    folders = (
        'kv2/kinect2data/{:06d}_2014-05-26_14-23-37_260595134347_rgbf000103-resize',
        'kv1/NYUdata/NYU{:04d}',
        'xtion/sun3ddata/mit_dorm_mcc_nk/dorm_mcc_nk_oct_31_2012_scan1_erika/{:07d}-000000134064/',
        'realsense/lg/2014_10_21-18_16_30-{:010d}',
    )

    def make(count: int, size: tuple[int, int] = (48, 64)) -> list[dict]:
        rng = np.random.default_rng(37)
        frames = []
        for i in range(count):
            filled = rng.integers(400, 9000, size).astype(np.uint16)
            filled[:2] = 0  # out of reach of the filling
            camera = [[520.0 + i, 0, size[1] / 2 + i], [0, 521.5 + i, size[0] / 2 - i], [0, 0, 1]]
            frames.append(
                dict(
                    folder=folders[i % len(folders)].format(i + 1),
                    rgb=rng.integers(0, 256, (*size, 3)).astype(np.uint8),
                    filled=filled,
                    raw=np.where(rng.random(size) < 0.3, 0, filled).astype(np.uint16),
                    seglabel=rng.integers(0, 38, size).astype(np.uint8),
                    K=np.array(camera),
                )
            )
        return frames

    return make


@pytest.fixture
def write_sunrgbd(sunrgbd_frames):
    """Writer of a miniature SUN RGB-D: the folders SUNRGBD/ and SUNRGBDtoolbox/.

    ``write_sunrgbd(root, count=4, size=(48, 64))`` returns ``root``. ``frames`` replaces the
    frames, ``train`` and ``test`` the folders of allsplit.mat (default: every second frame's).
    """

    def write(
        root: Path,
        count: int = 4,
        size: tuple[int, int] = (48, 64),
        frames: list[dict] | None = None,
        train: Sequence[str] | None = None,
        test: Sequence[str] | None = None,
    ) -> Path:
        frames = frames or sunrgbd_frames(count, size)
        authors = '/n/fs/sun3d/data/SUNRGBD/'
        rows = []
        for i, frame in enumerate(frames):
            folder, name = root / 'SUNRGBD' / frame['folder'], f'{i:07d}'
            for sub in ('image', 'depth', 'depth_bfx'):
                (folder / sub).mkdir(parents=True, exist_ok=True)
            Image.fromarray(frame['rgb']).save(folder / 'image' / f'{name}.jpg')
            for sub, depth in (('depth', frame['raw']), ('depth_bfx', frame['filled'])):
                Image.fromarray(depth << 3 | depth >> 13).save(folder / sub / f'{name}.png')
            np.savetxt(folder / 'intrinsics.txt', frame['K'])
            above = authors + frame['folder']
            rows.append(
                (
                    f'SUNRGBD/{frame["folder"]}',
                    f'{above}/image/{name}.jpg',
                    f'{above}/depth/{name}.png',
                    f'{name}.jpg',
                    f'{name}.png',
                    frame['folder'].split('/')[0],
                    frame['K'],
                    np.eye(3),
                )
            )
        fields = 'sequenceName rgbpath depthpath rgbname depthname sensorType K Rtilt'.split()
        meta = np.empty((1, len(rows)), dtype=[(field, object) for field in fields])
        meta[0] = rows
        toolbox = root / 'SUNRGBDtoolbox'
        (toolbox / 'Metadata').mkdir(parents=True, exist_ok=True)
        (toolbox / 'traintestSUNRGBD').mkdir(exist_ok=True)
        savemat(
            toolbox / 'Metadata' / 'SUNRGBDMeta.mat', dict(SUNRGBDMeta=meta), do_compression=True
        )

        path = toolbox / 'Metadata' / 'SUNRGBD2Dseg.mat'
        with h5py.File(path, 'w', userblock_size=512) as file:
            struct = file.create_group('SUNRGBD2Dseg')
            struct.attrs['MATLAB_class'] = np.bytes_('struct')
            for field in ('seglabelall', 'seglabel'):
                references = struct.create_dataset(field, (len(frames), 1), h5py.ref_dtype)
                for i, frame in enumerate(frames):
                    label = frame['seglabel'].T
                    label = file.create_dataset(
                        f'#refs#/{field}{i}',
                        data=label if field == 'seglabel' else label.astype(np.uint16) + 100,
                        chunks=label.shape,
                        compression='gzip',
                    )
                    references[i, 0] = label.ref
        header = b'MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .'.ljust(124)
        with path.open('r+b') as file:
            file.write(header + b'\x00\x02IM')

        listed = [frame['folder'] for frame in frames]
        cells = dict(
            alltrain=listed[::2] if train is None else train,
            alltest=listed[1::2] if test is None else test,
        )
        savemat(
            toolbox / 'traintestSUNRGBD' / 'allsplit.mat',
            {key: np.array([[authors + f for f in value]], object) for key, value in cells.items()},
        )
        return root

    return write


@pytest.fixture
def cityscapes_frames():
    """Maker of frames for ``write_cityscapes``: ``cityscapes_frames(count, size=(H, W))``.

    Each is a dict of its split, stem (city/name), rgb (H, W, 3), labelIds 0..33, disparity as
    stored and camera.
    """
    cities = dict(train=('aachen', 'zurich'), val=('frankfurt', 'lindau'))

    def make(count: int, size: tuple[int, int] = (48, 96)) -> list[dict]:
        rng = np.random.default_rng(19)
        frames = []
        for i in range(count):
            split = 'val' if i % 2 else 'train'
            city = cities[split][i // 2 % 2]
            disparity = rng.integers(0, 128 * 256, size).astype(np.uint16)
            disparity[:2] = np.arange(size[1]) % 4  # no reading, infinitely far, very far
            extrinsic = dict(
                baseline=0.209313 + i / 1000, pitch=0.038, roll=0.0, x=1.7, y=0.1, yaw=-0.02, z=1.22
            )
            intrinsic = dict(fx=2262.52 + i, fy=2265.3017905988554, u0=1096.98 - i, v0=513.137)
            frames.append(
                dict(
                    split=split,
                    stem=f'{city}/{city}_{i:06d}_000019',
                    rgb=rng.integers(0, 256, (*size, 3)).astype(np.uint8),
                    labelIds=rng.integers(0, 34, size).astype(np.uint8),
                    disparity=disparity,
                    camera=dict(extrinsic=extrinsic, intrinsic=intrinsic),
                )
            )
        return frames

    return make


@pytest.fixture
def write_cityscapes(cityscapes_frames):
    """Writer of a miniature Cityscapes: leftImg8bit, gtFine, disparity and camera.

    ``write_cityscapes(root, count=4, size=(48, 96))`` returns ``root``; every second frame is for
    validation. ``frames`` replaces the frames.
    """

    def write(
        root: Path,
        count: int = 4,
        size: tuple[int, int] = (48, 96),
        frames: list[dict] | None = None,
    ) -> Path:
        for frame in frames or cityscapes_frames(count, size):
            ids = frame['labelIds']
            files = {
                'leftImg8bit/{}_leftImg8bit.png': frame['rgb'],
                'disparity/{}_disparity.png': frame['disparity'],
                'gtFine/{}_gtFine_labelIds.png': ids,
                'gtFine/{}_gtFine_instanceIds.png': ids.astype(np.uint16) * 1000,
                'gtFine/{}_gtFine_color.png': np.dstack([ids] * 4),
                'gtFine/{}_gtFine_polygons.json': dict(objects=[]),
                'camera/{}_camera.json': frame['camera'],
            }
            for file, content in files.items():
                path = root / file.format(f'{frame["split"]}/{frame["stem"]}')
                path.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, dict):
                    path.write_text(json.dumps(content, indent=4))
                else:
                    Image.fromarray(content).save(path)
        return root

    return write
