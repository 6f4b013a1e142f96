import numpy as np
import pytest
import torch
from mmcv.transforms import Compose, RandomFlip
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS, TRANSFORMS, DefaultScope
from torch.utils.data import DataLoader

import mmamf.datasets.adapt_pipeline as adapting
from mmamf.datasets.adapt_pipeline import adapt_pipeline, walk_pipeline
from mmamf.datasets.transforms.color_only import ColorOnly
from mmamf.datasets.transforms.each_modality import EachModality
from mmamf.structures import Modality, read_modalities

pytestmark = pytest.mark.usefixtures('mmseg_scope')

SPECS = dict(
    rgb=dict(channels=3, dtype='uint8'),
    depth=dict(channels=1, dtype='uint16', missing=0, kind='depth'),
    gray=dict(channels=1, dtype='uint8'),
)
RESIZE = dict(type='RandomResize', scale=(64, 48), ratio_range=(0.5, 2.0), keep_ratio=True)
CROP = dict(type='RandomCrop', crop_size=(32, 32), cat_max_ratio=0.75)
FLIP = dict(type='RandomFlip', prob=0.5)
COLOR = dict(type='PhotoMetricDistortion')
SCALE = dict(type='RandomScale', ratio_range=(0.5, 2.0), min_side=35)
ROTATE = dict(type='RandomRotate', prob=0.5, degree=10)
PAD = dict(type='Pad', size=(90, 90))
CUT = dict(type='RandomCutOut', prob=1.0, n_holes=1, cutout_ratio=(0.2, 0.2))


def describe(*names: str) -> dict[str, Modality]:
    return read_modalities(dict(SPECS[name], name=name) for name in names)


def adapt(*steps: dict, modalities=('rgb', 'depth')) -> list:
    """The transforms between loading and packing."""
    load = [dict(type='LoadMultimodalImages'), dict(type='LoadLabelMap')]
    built = Compose([*load, *steps, dict(type='PackMultimodalSegInputs')]).transforms
    adapt_pipeline(built, describe(*modalities))
    assert not any(isinstance(step, EachModality | ColorOnly) for step in (*built[:2], built[-1]))
    return built[2:-1]


@pytest.fixture
def said(monkeypatch):
    """What the log says."""
    lines = []
    monkeypatch.setattr(adapting, 'print_log', lambda text, logger, level: lines.append(text))
    return lines


@pytest.mark.parametrize(
    'step',
    [
        RESIZE,
        CROP,
        FLIP,
        SCALE,
        ROTATE,
        PAD,
        CUT,
        dict(CUT, seg_fill_in=255),
        dict(FLIP, swap_seg_labels=[(1, 2)]),
        dict(type='mmcv.RandomFlip', prob=0.5),
        dict(type='mmcv.Resize', scale=(9, 9)),
        dict(type='CenterCrop', crop_size=9),
        dict(type='RandomRotFlip'),
        dict(type='RandomMosaic', prob=0.5),
        dict(type='ResizeToMultiple', size_divisor=32),
        dict(type='ResizeShortestEdge', scale=48, max_size=90),
        dict(type='RandomChoiceResize', scales=[(32, 24), (64, 48)], keep_ratio=True),
    ],
)
@pytest.mark.parametrize('modalities', [('rgb',), ('depth',), ('depth', 'rgb'), ('rgb', 'depth')])
def test_geometry_runs_for_each_modality(step, modalities):
    (adapted,) = adapt(step, modalities=modalities)
    assert isinstance(adapted, EachModality)
    assert isinstance(adapted.step, type(TRANSFORMS.build(step)))
    again = [adapted]
    adapt_pipeline(again, describe(*modalities))  # of another data set in the same wrapper
    assert again == [adapted]


def test_what_is_inside_wrappers_is_adapted_there():
    apply, choice, augmented = adapt(
        dict(type='RandomApply', transforms=[FLIP, COLOR]),
        dict(type='RandomChoice', transforms=[[FLIP], [dict(type='GenerateEdge'), ROTATE]]),
        dict(type='TestTimeAug', transforms=[[dict(type='Resize', scale=(9, 9)), PAD], [FLIP]]),
    )
    assert [type(step) for step in apply.transforms] == [EachModality, ColorOnly]
    inside = [step for steps in choice.transforms for step in steps.transforms]
    assert [type(step).__name__ for step in inside] == [
        'EachModality',
        'GenerateEdge',
        'EachModality',
    ]
    assert len(augmented.subroutines) == 2
    for steps in augmented.subroutines:
        assert [type(step) for step in steps.transforms] == [EachModality, EachModality]
    assert sum(isinstance(step, EachModality) for step in walk_pipeline([apply, choice])) == 3


def test_what_is_mapped_to_other_keys_is_left_alone():
    (mapper,) = adapt(
        dict(type='KeyMapper', mapping=dict(img='modality_depth'), transforms=[COLOR])
    )
    assert type(mapper.transforms.transforms[0]).__name__ == 'PhotoMetricDistortion'


@pytest.mark.parametrize(
    ('step', 'name', 'message'),
    [
        (dict(type='SegRescale', scale_factor=0.5), 'SegRescale', 'resizes all modalities but the'),
        (dict(type='BioMedical3DRandomFlip', prob=1, axes=(0,)), 'BioMedical3D', 'RandomFlip inst'),
        (dict(type='LoadImageFromFile'), 'LoadImageFromFile', 'expected LoadMultimodalImages inst'),
        (dict(type='PackSegInputs'), 'PackSegInputs', 'expected PackMultimodalSegInputs instead'),
        (
            dict(type='Normalize', mean=[0], std=[1]),
            'Normalize',
            'which the data pre.* expected mean',
        ),
        (dict(type='Rerange'), 'Rerange', 'changes the units of a modality; expected mean'),
        (
            dict(type='MirrorNormals'),
            'MirrorNormals',
            "twice.*expected kind='normal'",
        ),
        (dict(type='Resize', scale=9, backend='pillow'), 'Resize', "8 bits only; .*'cv2'"),
        (dict(RESIZE, backend='pillow'), 'RandomResize', "8 bits only; .*'cv2'"),
        (
            dict(type='MultiScaleFlipAug', transforms=[]),
            'MultiScaleFlipAug',
            'expected TestTimeAug',
        ),
        (
            dict(type='KeyMapper', mapping=dict(img='modality_depth'), transforms=[CROP]),
            'RandomCrop',
            'moves one modality only, .*; expected it outside of them instead',
        ),
        (
            dict(type='KeyMapper', mapping=dict(img='modality_depth'), transforms=[SCALE]),
            'RandomScale',
            'moves one modality only, .*; expected it outside of them instead',
        ),
    ],
)
@pytest.mark.parametrize(
    'wrap',
    [
        lambda step: step,
        lambda step: dict(type='RandomApply', transforms=[step]),
        lambda step: dict(type='RandomChoice', transforms=[[FLIP], [FLIP, step]]),
        lambda step: dict(type='TestTimeAug', transforms=[[FLIP], [step]]),
    ],
    ids=['bare', 'RandomApply', 'RandomChoice', 'TestTimeAug'],
)
def test_what_cannot_be_done_right_is_refused(step, name, message, wrap):
    with pytest.raises(
        ValueError, match=rf"{name}.* in a pipeline of the modalities \('rgb'.*{message}"
    ):
        adapt(wrap(step))


@pytest.mark.parametrize('scope', ['', 'mmcv.'])
@pytest.mark.parametrize('modalities', [('rgb',), ('rgb', 'depth')])
def test_stock_loaders_of_labels_are_refused(scope, modalities):
    step = dict(type=f'{scope}LoadAnnotations')
    with pytest.raises(ValueError, match='labels unchecked and ignores .* expected LoadLabelMap'):
        adapt(step, modalities=modalities)


@pytest.mark.parametrize('first', ['depth', 'gray'])
def test_color_distortion_of_no_colors_changes_nothing(first, said):
    adapt(COLOR, modalities=(first,))
    assert said == ['PhotoMetricDistortion changes nothing: no modality is 8-bit color']
    adapt(COLOR, modalities=(first, 'rgb'))
    assert len(said) == 1


@pytest.mark.parametrize(
    ('step', 'modalities', 'speaks'),
    [
        (dict(SCALE, interpolation='bicubic'), ('rgb', 'depth'), True),
        (dict(RESIZE, interpolation='nearest'), ('depth', 'rgb'), True),
        (dict(RESIZE, interpolation='nearest'), ('depth',), False),
        (dict(RESIZE, interpolation='bilinear'), ('rgb', 'depth'), False),
        (dict(type='ResizeToMultiple'), ('rgb', 'depth'), False),
    ],
)
def test_an_interpolation_of_the_transform_gives_way(step, modalities, speaks, said):
    adapt(step, modalities=modalities)
    assert len(said) == speaks
    if speaks:
        assert f'{step["type"]}: interpolation={step["interpolation"]!r} has no effect' in said[0]


def test_the_scope_does_not_matter():
    """In mmengine's root registry, Resize and RandomFlip are mmcv's, which move only the image."""
    with DefaultScope.overwrite_default_scope('mmengine'):
        steps = [TRANSFORMS.build(FLIP)]
    assert type(steps[0]) is RandomFlip
    adapt_pipeline(steps, describe('rgb', 'depth'))
    assert isinstance(steps[0], EachModality)


def test_dataset_refuses_when_it_is_built(rgbd_dataset_cfg):
    cfg = rgbd_dataset_cfg(pipeline=[dict(type='SegRescale')], count=1)
    for lazy_init in (False, True):
        with pytest.raises(ValueError, match='SegRescale in a pipeline'):
            DATASETS.build(dict(cfg, lazy_init=lazy_init))


@pytest.mark.parametrize('order', [('rgb', 'depth'), ('depth', 'rgb')])
@pytest.mark.parametrize('num_workers', [0, 2])
def test_from_files_to_batches(rgbd_dataset_cfg, order, num_workers):
    """Border and holes are NaN in color and depth, and ignored in the label map."""
    steps = [
        SCALE,
        dict(type='RandomApply', transforms=[dict(ROTATE, prob=1.0)], prob=1.0),
        dict(type='RandomChoice', transforms=[[FLIP], [dict(type='RandomRotFlip')]]),
        CUT,
        dict(type='RandomCrop', crop_size=(80, 80), cat_max_ratio=0.9),
        COLOR,
        PAD,
    ]
    dataset = DATASETS.build(rgbd_dataset_cfg(pipeline=steps, modalities=order))
    loader = DataLoader(dataset, 2, num_workers=num_workers, collate_fn=pseudo_collate)
    for batch in loader:
        for inputs, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
            assert inputs.shape == (4, 90, 90) and sample.img_shape == (90, 90)
            depth = inputs[0 if order[0] == 'depth' else 3]
            rgb = inputs[1:] if order[0] == 'depth' else inputs[:3]
            holes = torch.isnan(rgb)
            assert torch.equal(holes[0], holes[1]) and holes[0, -1, -1]
            assert torch.isnan(depth)[holes[0]].all() and torch.isnan(depth).sum() > holes[0].sum()
            assert depth[~torch.isnan(depth)].min() > 800  # no reading is mixed with 0
            assert (sample.gt_sem_seg.data[0][-1] == 255).all()


def test_augmented_views_are_those_of_single_transforms(rgbd_dataset_cfg):
    """TestTimeAug against pipelines without it."""
    flips = [dict(FLIP, prob=prob) for prob in (0.0, 1.0)]
    sizes = [dict(type='Resize', scale_factor=s, keep_ratio=True) for s in (0.5, 1.5)]
    cfg = rgbd_dataset_cfg(count=1)
    load, label, pack = cfg['pipeline']
    views = dict(type='TestTimeAug', transforms=[sizes, flips, [label], [pack]])
    found = DATASETS.build(dict(cfg, pipeline=[load, views]))[0]['inputs']
    singles = [[load, size, flip, label, pack] for size in sizes for flip in flips]
    for inputs, steps in zip(found, singles, strict=True):
        expected = DATASETS.build(dict(cfg, pipeline=steps))[0]['inputs']
        np.testing.assert_array_equal(inputs, expected)
