"""From files to the model's input, with images whose every pixel tells where it came from."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS, MODELS
from torch.utils.data import DataLoader

pytestmark = pytest.mark.usefixtures('mmseg_scope')

SIZE = 60, 80
SPECS = dict(
    rgb=dict(channels=3, dtype='uint8'),
    xy=dict(channels=3, dtype='uint8', interpolation='nearest', kind='edge'),  # no colors
    place=dict(channels=1, dtype='uint16', interpolation='nearest'),
    far=dict(channels=1, dtype='float32', interpolation='nearest'),
)
GEOMETRY = [
    dict(type='RandomResize', scale=(80, 60), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(40, 48), cat_max_ratio=0.99),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
]


@pytest.fixture
def coordinates(tmp_path):
    """Config of eight samples whose xy, place, far and label encode the row and column."""
    height, width = SIZE
    rows, columns = np.mgrid[:height, :width]
    for folder in (*SPECS, 'label'):
        (tmp_path / folder).mkdir()
    for i in range(8):
        stored = dict(
            rgb=np.dstack([columns, rows, rows]).astype(np.uint8),
            xy=np.dstack([columns, rows, 0 * rows + i]).astype(np.uint8),
            place=(1000 * rows + columns).astype(np.uint16),
            label=((rows // 10) * 8 + columns // 10).astype(np.uint8),
        )
        for name, image in stored.items():
            cv2.imwrite(str(tmp_path / name / f'{i}.png'), image)
        np.save(tmp_path / 'far' / f'{i}.npy', (rows + columns / 1000).astype(np.float32))

    def make(modalities: tuple, pipeline: list, specs: dict = SPECS, test_mode=False) -> dict:
        return dict(
            type='MultimodalSegDataset',
            modalities=modalities,
            data_root=str(tmp_path),
            data_prefix=dict({name: name for name in SPECS}, seg_map_path='label'),
            img_suffix={name: '.npy' if name == 'far' else '.png' for name in SPECS},
            metainfo=dict(classes=[str(i) for i in range(48)]),
            test_mode=test_mode,
            pipeline=[
                dict(type='LoadMultimodalImages', modalities=specs),
                dict(type='LoadLabelMap'),
                *pipeline,
                dict(type='PackMultimodalSegInputs'),
            ],
        )

    return make


def decoded(inputs: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(rows, columns) as told by xy, place and far, the last five channels."""
    x, y, _, place, far = inputs.double()[-5:]
    far = (far * 1000).round()
    return [(y, x), (place // 1000, place % 1000), (far // 1000, far % 1000)]


def check_in_step(inputs: torch.Tensor, label: torch.Tensor) -> None:
    (rows, columns), *others = decoded(inputs)
    for other in others:
        assert torch.equal(rows, other[0]) and torch.equal(columns, other[1])
    assert torch.equal(label.double(), rows // 10 * 8 + columns // 10)


@pytest.mark.parametrize('crop', [GEOMETRY[1], dict(type='ClassBalancedCrop', crop_size=(40, 48))])
def test_augmentation_keeps_all_modalities_and_the_label_in_step(coordinates, crop):
    pipeline = [GEOMETRY[0], crop, *GEOMETRY[2:], dict(type='PhotoMetricDistortion')]
    dataset = DATASETS.build(coordinates(('rgb', 'xy', 'place', 'far'), pipeline))
    np.random.seed(0)
    flips, scales = set(), set()
    for i in range(32):
        sample = dataset[i % 8]
        label = sample['data_samples'].gt_sem_seg.data[0]
        check_in_step(sample['inputs'], label)
        flips.add(sample['data_samples'].flip)
        scales.add(sample['data_samples'].scale_factor)
    assert flips == {False, True} and len(scales) > 20


def test_first_modality_is_in_step_but_for_interpolation(coordinates):
    """It is resized bilinearly where the others, by their descriptions, take the nearest pixel."""
    dataset = DATASETS.build(coordinates(('rgb', 'xy', 'place', 'far'), GEOMETRY))
    np.random.seed(0)
    for i in range(16):
        inputs = dataset[i % 8]['inputs']
        assert (inputs[:2] - inputs[3:5]).abs().max() <= 2


def test_first_modality_resized_with_nearest_is_exactly_in_step(coordinates):
    specs = dict(SPECS, rgb=dict(SPECS['rgb'], interpolation='nearest'))
    dataset = DATASETS.build(coordinates(('rgb', 'xy', 'place', 'far'), GEOMETRY, specs))
    for i in range(16):
        inputs = dataset[i % 8]['inputs']
        assert torch.equal(inputs[:2], inputs[3:5])


def test_geometry_equals_the_stock_pipeline(coordinates):
    """The same seed gives the same image and label as mmseg's own loading and packing."""
    ours = DATASETS.build(coordinates(('rgb', 'place'), GEOMETRY))
    cfg = coordinates(('rgb',), GEOMETRY)
    cfg['pipeline'] = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations'),
        *GEOMETRY,
        dict(type='PackSegInputs'),
    ]
    cfg.update(type='BaseSegDataset', img_suffix='.png', seg_map_suffix='.png')
    cfg['data_prefix'] = dict(img_path='rgb', seg_map_path='label')
    del cfg['modalities']
    stock = DATASETS.build(cfg)
    for i in range(8):
        np.random.seed(i)
        mine = ours[i]
        np.random.seed(i)
        theirs = stock[i]
        assert torch.equal(mine['inputs'][:3].to(torch.uint8), theirs['inputs'])
        labels = (sample['data_samples'].gt_sem_seg.data for sample in (mine, theirs))
        assert torch.equal(*labels)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_through_a_data_loader_into_the_preprocessor(coordinates, num_workers):
    dataset = DATASETS.build(coordinates(('rgb', 'xy', 'place', 'far'), GEOMETRY))
    loader = DataLoader(
        dataset, batch_size=3, num_workers=num_workers, collate_fn=pseudo_collate, shuffle=True
    )
    plain = dict(channels=3, mean=[0.0] * 3, std=[1.0] * 3)
    preprocessor = MODELS.build(
        dict(
            type='MultimodalSegDataPreprocessor',
            modalities=[
                dict(plain, name='rgb'),
                dict(plain, name='xy', bgr_to_rgb=True),
                dict(name='place', channels=1, scale=0.5, mean=[3.0], std=[2.0]),
                dict(name='far', channels=1, mean=[0.0], std=[1.0]),
            ],
            size=(64, 64),
        )
    )
    seen = 0
    for batch in loader:
        out = preprocessor(batch, training=True)
        assert out['inputs'].shape[1:] == (12, 64, 64)
        for image, sample in zip(out['inputs'], out['data_samples'], strict=True):
            height, width = sample.img_shape
            label = sample.gt_sem_seg.data[0]
            assert (label[height:] == 255).all() and (label[:, width:] == 255).all()
            assert not image[:, height:].any() and not image[:, :, width:].any()
            image, label = image[:, :height, :width], label[:height, :width]
            place = image[6:9] * 2 + 3
            assert torch.equal(place[0], place[2]) and torch.equal(image[9], image[11])
            raw = torch.stack([image[5], image[4], image[3], place[0] * 2, image[9]])
            check_in_step(raw, label)
            seen += 1
    assert seen == 8


def test_test_time_augmentation(coordinates):
    """Each augmented copy stays in step, and the copies do not disturb each other."""
    cfg = coordinates(('rgb', 'xy', 'place', 'far'), [], test_mode=True)
    load, label, pack = cfg['pipeline']
    cfg['pipeline'] = [
        load,
        dict(
            type='TestTimeAug',
            transforms=[
                [dict(type='Resize', scale_factor=s, keep_ratio=True) for s in (0.5, 1.0, 1.5)],
                [dict(type='RandomFlip', prob=p, direction='horizontal') for p in (0.0, 1.0)],
                [label],
                [pack],
            ],
        ),
    ]
    out = DATASETS.build(cfg)[0]
    assert len(out['inputs']) == len(out['data_samples']) == 6
    for inputs, sample in zip(out['inputs'], out['data_samples'], strict=True):
        (rows, columns), *others = decoded(inputs)
        assert all(torch.equal(rows, r) and torch.equal(columns, c) for r, c in others)
        assert bool((columns[:, 0] > columns[:, -1]).all()) == sample.flip
        assert sample.gt_sem_seg.shape == sample.ori_shape == SIZE
