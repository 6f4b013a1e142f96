"""Our data sets inside others."""

import copy

import cv2
import numpy as np
import pytest
from mmengine.registry import DATASETS, TRANSFORMS
from mmseg.registry import DATASETS as MMSEG_DATASETS

PACK = dict(type='PackMultimodalSegInputs')
MOSAIC = dict(type='RandomMosaic', prob=1.0, img_scale=(32, 32))
REFUSED = [
    dict(type='RandomApply', transforms=[dict(type='BioMedical3DRandomFlip', prob=1, axes=(0,))]),
    dict(type='PackSegInputs'),
    dict(type='SegRescale'),
]


@pytest.fixture
def folders(rgbd_dataset_cfg, make_rgbd_dataset, tmp_path):
    """Configs of data sets whose samples have the same names, one for each place."""

    def make(*places: str) -> list[dict]:
        roots = [make_rgbd_dataset(root=tmp_path / place) for place in places]
        return [rgbd_dataset_cfg(root=root) for root in roots]

    return make


def mixed(cfg: dict, *steps: dict, inside: str | None = None) -> dict:
    cfg = dict(cfg, pipeline=cfg['pipeline'][:2])  # packed later
    if inside == 'ConcatDataset':
        cfg = dict(type=inside, datasets=[cfg])
    elif inside == 'RepeatDataset':
        cfg = dict(type=inside, dataset=cfg, times=2)
    return dict(type='MultiImageMixDataset', dataset=cfg, pipeline=[*steps, PACK])


def sample_names(dataset) -> list[str]:
    return [dataset[i]['data_samples'].sample_name for i in range(len(dataset))]


@pytest.mark.parametrize('inside', [None, 'ConcatDataset', 'RepeatDataset'])
def test_pipelines_around_a_data_set_are_checked(folders, inside):
    (cfg,) = folders('one')
    for step in REFUSED:
        for steps in ([step], [dict(type='RandomChoice', transforms=[[step]])]):
            config = mixed(cfg, *steps, inside=inside)
            for one in (config, dict(type='RepeatDataset', times=2, dataset=config)):
                with pytest.raises(
                    ValueError, match=r'in a pipeline of the modalities \(.rgb., .de'
                ):
                    DATASETS.build(one)


@pytest.mark.parametrize('registry', [DATASETS, MMSEG_DATASETS])
@pytest.mark.parametrize('inside', [None, 'ConcatDataset', 'RepeatDataset'])
def test_pipelines_around_a_data_set_move_each_modality(folders, registry, inside):
    (cfg,) = folders('one')
    steps = [
        dict(type='RandomRotate', prob=1.0, degree=(20, 25)),
        dict(type='RandomCrop', crop_size=(32, 32)),
        dict(type='RandomFlip', prob=1.0),
        dict(type='Pad', size=(40, 40)),
    ]
    dataset = registry.build(mixed(cfg, *steps, inside=inside))
    assert [type(step).__name__ for step in dataset.pipeline[:-1]] == ['EachModality'] * 4
    inputs = dataset[0]['inputs']
    assert inputs.shape == (4, 40, 40) and inputs[:, 32:].isnan().all()


@pytest.mark.parametrize('order', [('rgb', 'depth'), ('depth', 'rgb'), ('depth',)])
def test_mosaic_of_each_modality(folders, order):
    """Against mmseg's mosaic of color alone, and of depth as a label map."""
    (cfg,) = folders('one')
    load = cfg['pipeline'][0]
    load['modalities']['depth'].update(kind='depth')
    dataset = DATASETS.build(mixed(dict(cfg, modalities=order), MOSAIC))
    stock = TRANSFORMS.build(MOSAIC)
    assert dataset.pipeline[0].get_indices.__func__ is type(stock).get_indices
    raw = dataset.dataset
    for index in range(4):
        np.random.seed(index)
        sample = dataset[index]
        np.random.seed(index)
        samples = [copy.deepcopy(raw[i]) for i in (index, *stock.get_indices(raw))]
        for one in samples:
            one['depth'] = one['img' if order[0] == 'depth' else 'modality_depth']
            one['img'] = one.get('modality_rgb', one['img'])
            one['seg_fields'] = ['gt_seg_map', 'depth']
        expected = stock({**samples[0], 'mix_results': samples[1:]})
        assert sample['inputs'].shape[1:] == (64, 64)
        border = expected['gt_seg_map'] == 255
        inputs = sample['inputs'].numpy()
        depth = inputs[order.index('depth') * 3]
        np.testing.assert_array_equal(
            sample['data_samples'].gt_sem_seg.data[0], expected['gt_seg_map']
        )
        # stock fills depth with 255, which no reading here is
        missing = np.isin(expected['depth'], (0, 255))
        np.testing.assert_array_equal(depth, np.where(missing, np.nan, expected['depth']))
        if len(order) > 1:
            rgb = inputs[:3] if order[0] == 'rgb' else inputs[1:]
            filled = expected['depth'] == 255
            assert border[filled].all() and filled.any()
            rgb = rgb.transpose(1, 2, 0)
            np.testing.assert_array_equal(rgb, np.where(filled[..., None], np.nan, expected['img']))


def test_mosaic_of_samples_that_lack_a_modality(folders, tmp_path):
    (cfg,) = folders('one')
    for name in ('01', '02', '03'):
        (tmp_path / 'one' / 'depth' / f'{name}.png').unlink()
    dataset = DATASETS.build(mixed(dict(cfg, optional=['depth']), MOSAIC))
    np.random.seed(0)
    seen = set()
    for index in [0, 1, 2, 3] * 4:
        sample = dataset[index]
        present = sample['data_samples'].present
        seen.add(present)
        depth = sample['inputs'][3]
        if 'depth' in present:
            assert depth.isnan().any() and depth[~depth.isnan()].min() > 800
        else:
            assert not depth.any()
    assert seen == {('rgb',), ('rgb', 'depth')}


@pytest.mark.parametrize(
    ('places', 'expected'),
    [
        (('day', 'night'), ('day/', 'night/')),
        (('2024/cam/x', '2025/cam/x'), ('2024/', '2025/')),
        (('same', 'same'), ('0/', '1/')),
        (('a', 'a/b'), ('0/', '1/')),
    ],
)
def test_samples_side_by_side_have_names_of_their_own(folders, places, expected):
    config = dict(type='ConcatDataset', datasets=folders(*places))
    names = sample_names(DATASETS.build(config))
    assert names == [f'{prefix}{i:02}' for prefix in expected for i in range(4)]
    nested = dict(type='RepeatDataset', times=1, dataset=config)
    assert sample_names(DATASETS.build(nested)) == names  # the same in every process


def test_names_that_differ_stay(folders, tmp_path):
    one, other = folders('day', 'night')
    for folder in ('rgb', 'depth', 'label'):
        for path in (tmp_path / 'night' / folder).iterdir():
            path.rename(path.with_name(f'n{path.name}'))
    names = sample_names(DATASETS.build(dict(type='ConcatDataset', datasets=[one, other])))
    assert names == ['00', '01', '02', '03', 'n00', 'n01', 'n02', 'n03']


def test_translations_side_by_side(make_rgbd_dataset, tmp_path):
    configs = [
        dict(
            type='MultimodalTranslationDataset',
            modalities=['rgb'],
            target='depth',
            data_root=str(make_rgbd_dataset(count=1, root=tmp_path / place)),
            data_prefix=dict(rgb='rgb', depth='depth'),
        )
        for place in ('x', 'y')
    ]
    dataset = DATASETS.build(dict(type='ConcatDataset', datasets=configs))
    assert [dataset.get_data_info(i)['sample_name'] for i in range(2)] == ['x/00', 'y/00']


@pytest.mark.parametrize('wrapper', [None, 'ConcatDataset', 'RepeatDataset'])
def test_classes_are_balanced(folders, tmp_path, wrapper):
    (cfg,) = folders('one')
    for i in range(4):  # class 4 in one label map only, where the rest is ignored
        label = np.full((48, 64), 255 if i == 2 else i % 2, np.uint8)
        label[:5] = 4 if i == 2 else 0
        cv2.imwrite(str(tmp_path / 'one' / 'label' / f'{i:02}.png'), label)
    if wrapper == 'ConcatDataset':
        cfg = dict(type=wrapper, datasets=[cfg])
    elif wrapper:
        cfg = dict(type=wrapper, dataset=cfg, times=1)
    config = dict(type='ClassBalancedDataset', dataset=cfg, oversample_thr=1.0)
    dataset = DATASETS.build(config)
    assert dataset.dataset.get_cat_ids(2) == [4] and dataset.dataset.get_cat_ids(1) == [0, 1]
    assert dataset.repeat_indices == [0, 0, 1, 1, 2, 2, 3, 3][: len(dataset)]
    assert dataset.repeat_indices.count(2) == 2


def test_classes_need_labels(folders):
    (cfg,) = folders('one')
    prefix = dict(rgb='rgb', depth='depth')
    dataset = DATASETS.build(dict(cfg, data_prefix=prefix, test_mode=True))
    with pytest.raises(ValueError, match="get_cat_ids: expected a label map of the sample '00'"):
        dataset.get_cat_ids(0)


def test_no_data_set_inside():
    for config in (
        dict(type='ConcatDataset', datasets=[]),
        dict(type='RepeatDataset', times=2, dataset=dict(type='ConcatDataset', datasets=())),
    ):
        with pytest.raises(ValueError, match='ConcatDataset.datasets: expected at least one data'):
            DATASETS.build(config)
