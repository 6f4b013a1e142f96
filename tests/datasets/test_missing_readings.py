"""Pixels without a reading, from the file to the input of the network."""

import logging
from itertools import product

import cv2
import numpy as np
import pytest
import tifffile
import torch
from mmengine.dataset import default_collate, pseudo_collate
from mmengine.registry import DATASETS

from mmamf.datasets import LoadMultimodalImages, PackMultimodalSegInputs
from mmamf.datasets.transforms import load_multimodal_images
from mmamf.models.data_preprocessors import MultimodalSegDataPreprocessor

LOWEST = -3.4028234663852886e38  # of float32
MEAN = 105.0
HOLES = np.zeros((6, 8), bool)
HOLES[0, 0] = HOLES[2:4, 3:6] = True
DEM = (100 + 10 * np.random.default_rng(0).random((6, 8))).round(2)
RGB = np.random.default_rng(1).integers(0, 256, (6, 8, 3)).astype(np.uint8)


@pytest.fixture
def fed(tmp_path):
    """What is packed, and what a network sees: ``fed(elevation, tag=None, fill=None, **spec)``."""

    def run(dem: np.ndarray, tag: str | None = None, fill: float | None = None, **spec):
        cv2.imwrite(str(tmp_path / 'rgb.png'), RGB)
        path = str(tmp_path / 'dem.tif')
        tags = [] if tag is None else [(42113, 's', 0, tag, True)]
        tifffile.imwrite(path, dem, extratags=tags)
        load = LoadMultimodalImages(
            dict(
                rgb=dict(channels=3, dtype='uint8'),
                dem=dict(channels=1, dtype=dem.dtype.name, **spec),
            )
        )
        sample = dict(modality_paths=dict(rgb=str(tmp_path / 'rgb.png'), dem=path), seg_fields=[])
        sample['img_path'] = path
        packed = PackMultimodalSegInputs()(load(sample))
        extra = {} if fill is None else dict(fill=fill)
        preprocessor = MultimodalSegDataPreprocessor(
            [
                dict(name='rgb', channels=3, mean=[120.0] * 3, std=[60.0] * 3),
                dict(name='dem', channels=1, mean=[MEAN], std=[6.0], **extra),
            ]
        )
        inputs = preprocessor(pseudo_collate([packed]), training=True)['inputs'][0]
        return packed['inputs'], inputs

    return run


@pytest.mark.parametrize(
    ('dtype', 'holes'),
    [
        *product(('float32', 'float64'), ([-9999], [np.nan], [np.inf], [-np.inf], [LOWEST], [0])),
        *product(('float32', 'float64'), ([-9999, np.nan, LOWEST, 0],)),
        *product(('int16',), ([-9999], [0], [0, -9999])),
        *product(('uint16',), ([0], [65535, 0])),
    ],
    ids=str,
)
def test_holes_are_the_mean_bit_for_bit(fed, dtype, holes):
    dem = DEM.astype(dtype)
    filled = dem.copy()
    filled[HOLES] = MEAN
    dem[HOLES] = np.resize(holes, HOLES.sum())
    raw, inputs = fed(dem, missing=holes if len(holes) > 1 else holes[0])
    assert raw.dtype == torch.float32
    assert torch.equal(raw[3].isnan(), torch.from_numpy(HOLES)) and not raw[:3].isnan().any()
    _, expected = fed(filled)
    assert torch.equal(inputs, expected) and (inputs[3:, HOLES] == 0).all()


@pytest.mark.parametrize('dtype', ['float32', 'float64', 'int16'])
@pytest.mark.parametrize('spec', [{}, dict(missing=7777)], ids=str)
def test_a_file_names_its_own_holes(fed, dtype, spec):
    dem = DEM.astype(dtype)
    _, expected = fed(np.where(HOLES, MEAN, dem).astype(dtype))
    dem[HOLES] = -9999
    _, inputs = fed(dem, tag='-9999', **spec)
    assert torch.equal(inputs, expected)


def test_fill_is_in_units_of_the_file(fed):
    dem = DEM.astype(np.float32)
    dem[HOLES] = np.nan
    _, expected = fed(np.where(HOLES, 12.5, dem).astype(np.float32))
    assert torch.equal(fed(dem, fill=12.5)[1], expected)


def test_what_is_not_named_is_said_once(fed, monkeypatch):
    said = []
    monkeypatch.setattr(load_multimodal_images, 'print_log', lambda *a, **k: said.append((a, k)))
    dem = DEM.astype(np.float32)
    dem[HOLES] = np.nan
    fed(dem)
    (((message,), how),) = said
    assert "'dem': NaN and infinity in " in message and "missing='nan'" in message
    assert how['level'] == logging.WARNING
    fed(dem, missing=[-9999, np.nan])
    fed(dem, missing='nan')
    fed(dem, tag='nan')
    assert len(said) == 1


def test_a_sentinel_that_is_not_named_is_refused(fed):
    dem = DEM.astype(np.float32)
    dem[HOLES] = LOWEST
    with pytest.raises(ValueError, match='which looks like "no reading": name it, missing=-3.4028'):
        fed(dem)


def test_only_samples_with_holes_are_floats(rgbd_dataset_cfg):
    cfg = rgbd_dataset_cfg()
    root = cfg['data_root']
    depth = np.full((48, 64), 1500, np.uint16)
    cv2.imwrite(f'{root}/depth/00.png', depth)
    depth[5] = 0
    cv2.imwrite(f'{root}/depth/01.png', depth)
    dataset = DATASETS.build(cfg)
    samples = [dataset[0], dataset[1]]
    assert [s['inputs'].dtype for s in samples] == [torch.uint16, torch.float32]
    preprocessor = MultimodalSegDataPreprocessor(
        [
            dict(name='rgb', channels=3, mean=[120.0] * 3, std=[60.0] * 3),
            dict(name='depth', channels=1, mean=[1.0], std=[0.5], scale=0.001),
        ]
    )
    inputs = preprocessor(pseudo_collate(samples), training=True)['inputs']
    assert (inputs[0, 3:] == 1).all() and (inputs[1, 3:, 5] == 0).all()
    assert (inputs[1, 3:, 6:] == 1).all()
    alone = preprocessor(pseudo_collate(samples[1:]), training=True)['inputs']
    assert torch.equal(alone[0], inputs[1])
    assert default_collate([samples[1]['inputs']]).shape == (1, 4, 48, 64)


@pytest.mark.parametrize('frame', ['depth', 'rgb'])
def test_a_frame_without_a_reading_is_absent_if_it_may_be(rgbd_dataset_cfg, frame):
    cfg = rgbd_dataset_cfg()
    cfg['pipeline'][0]['modalities']['rgb']['missing'] = 0
    path = f'{cfg["data_root"]}/{frame}/01.png'
    cv2.imwrite(path, np.zeros_like(cv2.imread(path, cv2.IMREAD_UNCHANGED)))
    with pytest.raises(ValueError, match=rf"at least one reading, .* optional=\('{frame}',\)"):
        DATASETS.build(cfg)[1]
    packed = DATASETS.build(dict(cfg, optional=[frame]))[1]
    other = 'rgb' if frame == 'depth' else 'depth'
    assert packed['data_samples'].present == (other,)
    assert not packed['inputs'].isnan().all(-1).all(-1).any()  # the other's reading
    both = dict(cfg, optional=['rgb', 'depth'])
    path = f'{cfg["data_root"]}/{other}/01.png'
    cv2.imwrite(path, np.zeros_like(cv2.imread(path, cv2.IMREAD_UNCHANGED)))
    with pytest.raises(ValueError, match=r'a reading of at least one modality, .*01\.png'):
        DATASETS.build(both)[1]


def test_dropout_keeps_what_has_readings(rgbd_dataset_cfg):
    cfg = rgbd_dataset_cfg([dict(type='ModalityDropout', prob=dict(rgb=0.9, depth=0.5))])
    cv2.imwrite(f'{cfg["data_root"]}/depth/01.png', np.zeros((48, 64), np.uint16))
    dataset = DATASETS.build(dict(cfg, optional=['depth']))
    assert {dataset[1]['data_samples'].present for _ in range(10)} == {('rgb',)}


def test_corruptions_write_holes(rgbd_dataset_cfg):
    step = dict(type='DepthHoles', modality='depth', area=0.25)
    cfg = rgbd_dataset_cfg([step])
    cv2.imwrite(f'{cfg["data_root"]}/depth/01.png', np.full((48, 64), 900, np.uint16))
    inputs = DATASETS.build(cfg)[1]['inputs']
    assert inputs[3].isnan().sum() == 48 * 64 / 4 and not inputs[:3].isnan().any()
