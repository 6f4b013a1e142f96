import pytest
from mmcv.transforms import Compose
from mmengine.registry import TRANSFORMS, DefaultScope

from mmamf.datasets.adapt_pipeline import adapt_pipeline
from mmamf.structures import Modality, read_modalities

pytestmark = pytest.mark.usefixtures('mmseg_scope')

LOAD = dict(
    type='LoadMultimodalImages',
    modalities=dict(
        rgb=dict(channels=3, dtype='uint8'),
        depth=dict(channels=1, dtype='uint16', missing=0),
        gray=dict(channels=1, dtype='uint8'),
    ),
)
RESIZE = dict(type='RandomResize', scale=(64, 48), ratio_range=(0.5, 2.0), keep_ratio=True)
CROP = dict(type='RandomCrop', crop_size=(32, 32), cat_max_ratio=0.75)
FLIP = dict(type='RandomFlip', prob=0.5)
COLOR = dict(type='PhotoMetricDistortion')
NEAREST = dict(RESIZE, interpolation='nearest')
SCALE = dict(type='RandomScale', ratio_range=(0.5, 2.0), min_side=35)
ROTATE = dict(type='RandomRotate', prob=0.5, degree=10)


def describe(*names: str) -> dict[str, Modality]:
    return read_modalities(dict(LOAD['modalities'][name], name=name) for name in names)


def check(*steps: dict, modalities=('rgb', 'depth')) -> None:
    steps = Compose([dict(type='LoadMultimodalImages'), dict(type='LoadLabelMap'), *steps])
    adapt_pipeline(steps.transforms, describe(*modalities))


@pytest.mark.parametrize(
    'steps',
    [
        (),
        (RESIZE, CROP, FLIP, COLOR),
        (dict(SCALE, interpolation='bicubic'), CROP, FLIP),
        (dict(type='ResizeToMultiple', size_divisor=32),),
        (dict(type='ResizeShortestEdge', scale=48, max_size=90),),
        (dict(type='RandomChoiceResize', scales=[(32, 24), (64, 48)], keep_ratio=True),),
        (dict(type='RandomCutOut', prob=1.0, n_holes=1, cutout_ratio=(0.2, 0.2)),),
        (dict(type='RandomApply', transforms=[FLIP, RESIZE]), dict(type='GenerateEdge')),
        (dict(type='TestTimeAug', transforms=[[dict(type='Resize', scale=(9, 9))], [FLIP]]),),
        (dict(type='KeyMapper', mapping=dict(img='modality_normal'), transforms=[COLOR]),),
    ],
)
def test_what_keeps_modalities_in_step_is_allowed(steps):
    check(*steps, dict(type='PackMultimodalSegInputs'))


REFUSED = [
    (dict(type='Pad', size=(64, 64)), 'Pad', "expected the data preprocessor's `size`"),
    (dict(type='CenterCrop', crop_size=9), 'CenterCrop', 'expected RandomCrop instead'),
    (ROTATE, 'RandomRotate', r'value meant for labels \(255\); expected RandomFlip'),
    (dict(type='RandomRotFlip'), 'RandomRotFlip', 'interpolates the further modalities'),
    (dict(type='RandomMosaic', prob=0.5), 'RandomMosaic', 'value meant for labels'),
    (dict(type='SegRescale', scale_factor=0.5), 'SegRescale', 'resizes the further modalities'),
    (
        dict(type='RandomCutOut', prob=1.0, n_holes=1, cutout_ratio=(0.2, 0.2), seg_fill_in=255),
        'RandomCutOut',
        'expected seg_fill_in=None instead',
    ),
    (dict(FLIP, swap_seg_labels=[(1, 2)]), 'RandomFlip', 'expected no swap_seg_labels instead'),
    (dict(type='mmcv.RandomFlip', prob=0.5), 'RandomFlip', "expected mmseg's own, by default_sco"),
    (dict(type='mmcv.Resize', scale=(9, 9)), 'Resize', "type='mmseg.Resize'"),
    (dict(type='LoadImageFromFile'), 'LoadImageFromFile', 'expected LoadMultimodalImages instead'),
    (dict(type='PackSegInputs'), 'PackSegInputs', 'expected PackMultimodalSegInputs instead'),
    (dict(type='Normalize', mean=[0], std=[1]), 'Normalize', 'normalizes twice; expected mean'),
    (
        dict(type='KeyMapper', mapping=dict(img='modality_depth'), transforms=[CROP]),
        'RandomCrop',
        'moves them twice; expected it outside instead',
    ),
    (
        dict(type='KeyMapper', mapping=dict(img='modality_depth'), transforms=[SCALE]),
        'Resize',
        'moves them twice; expected it outside instead',
    ),
]


@pytest.mark.parametrize(('step', 'name', 'message'), REFUSED)
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
def test_what_damages_a_modality_is_refused(step, name, message, wrap):
    with pytest.raises(
        ValueError, match=rf"{name} in a pipeline of the modalities \('rgb'.*{message}"
    ):
        check(wrap(step))


@pytest.mark.parametrize(
    'step', [dict(type='Pad', size=(64, 64)), ROTATE, dict(FLIP, swap_seg_labels=[(1, 2)])]
)
def test_a_single_modality_without_holes_may_use_stock_transforms(step):
    check(step, modalities=('rgb',))


@pytest.mark.parametrize(
    'step',
    [
        RESIZE,
        SCALE,
        dict(type='Resize', scale=(9, 9)),
        dict(type='ResizeToMultiple', size_divisor=32),
        dict(type='ResizeShortestEdge', scale=48, max_size=90),
        ROTATE,
        dict(type='RandomRotFlip'),
    ],
)
def test_interpolation_of_a_first_modality_with_holes_is_refused(step):
    with pytest.raises(ValueError, match='mixes missing readings of the first modality'):
        check(step, modalities=('depth',))


@pytest.mark.parametrize('step', [NEAREST, dict(SCALE, interpolation='nearest')])
def test_nearest_interpolation_of_a_first_modality_with_holes_is_allowed(step):
    check(step, CROP, FLIP, modalities=('depth', 'rgb'))


@pytest.mark.parametrize('first', ['depth', 'gray'])
def test_color_distortion_needs_colors(first):
    with pytest.raises(
        ValueError, match='PhotoMetricDistortion .* cuts the first modality to 8-bit'
    ):
        check(COLOR, modalities=(first, 'rgb'))


def test_scope_without_mmseg_is_refused():
    """In mmengine's root registry, Resize and RandomFlip are mmcv's, which move only the image."""
    with DefaultScope.overwrite_default_scope('mmengine'):
        steps = [TRANSFORMS.build(RESIZE)]
    with pytest.raises(
        ValueError, match="Resize .* expected mmseg's own, by default_scope='mmseg'"
    ):
        adapt_pipeline(steps, describe('rgb', 'depth'))


def test_dataset_refuses_when_it_is_built(rgbd_dataset_cfg):
    from mmengine.registry import DATASETS

    cfg = rgbd_dataset_cfg(pipeline=[ROTATE], count=1)
    for lazy_init in (False, True):
        with pytest.raises(ValueError, match='RandomRotate in a pipeline'):
            DATASETS.build(dict(cfg, lazy_init=lazy_init))
