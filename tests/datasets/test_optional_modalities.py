"""Files that a sample may lack, from the folder to the input of the network."""

import logging

import pytest
import torch
from mmengine.registry import DATASETS, MODELS

from mmamf.datasets import MultimodalSegDataset, multimodal_seg_dataset
from mmamf.datasets.transforms import DeadModality


@pytest.fixture
def build(rgbd_dataset_cfg, make_rgbd_dataset):
    """Builds a data set of four samples of which files were removed."""

    def make(removed=('depth/01.png',), optional=('depth',), **kwargs) -> MultimodalSegDataset:
        root = make_rgbd_dataset()
        for path in removed:
            (root / path).unlink()
        return DATASETS.build(dict(rgbd_dataset_cfg(root=root), optional=optional, **kwargs))

    return make


def test_a_sample_without_depth(build, rgbd_preprocessor_cfg):
    dataset = build()
    info = dataset.get_data_info(1)
    assert info['modality_paths']['depth'] is None and info['sample_name'] == '01'
    packed = [dataset[index] for index in range(3)]
    metas = [sample['data_samples'].metainfo for sample in packed]
    assert [meta['present'] for meta in metas] == [('rgb', 'depth'), ('rgb',), ('rgb', 'depth')]
    assert (packed[1]['inputs'][3] == 0).all() and packed[1]['inputs'].dtype == torch.uint16
    preprocessor = MODELS.build(rgbd_preprocessor_cfg)
    batch = dict(
        inputs=[sample['inputs'] for sample in packed],
        data_samples=[sample['data_samples'] for sample in packed],
    )
    inputs = preprocessor(batch, training=True)['inputs']
    assert inputs.shape == (3, 6, 64, 64)  # padded
    expected = torch.tensor([[True, True], [True, False], [True, True]])
    seen = inputs.unflatten(1, (2, 3)).isfinite()
    torch.testing.assert_close(seen.flatten(2).all(2), expected)
    torch.testing.assert_close(seen.flatten(2).any(2), expected)


@pytest.mark.parametrize(('count', 'level'), [(3, logging.INFO), (4, logging.WARNING)])
def test_says_how_many_samples_lack_it(build, monkeypatch, count, level):
    said = []
    monkeypatch.setattr(multimodal_seg_dataset, 'print_log', lambda *a, **k: said.append((*a, k)))
    build([f'depth/{index:02}.png' for index in range(count)])
    ((message, how),) = said
    assert how['level'] == level
    assert f"{count} of 4 samples lack 'depth', *.png in " in message


def test_the_first_modality_may_be_absent(build):
    dataset = build(['rgb/02.png'], ('rgb',))
    info = dataset.get_data_info(2)
    assert len(dataset) == 4
    assert info['img_path'] == info['modality_paths']['depth'] and info['sample_name'] == '02'
    packed = dataset[2]
    assert packed['data_samples'].present == ('depth',)
    assert (packed['inputs'][:3] == 0).all() and packed['inputs'][3].any()


def test_a_sample_without_any_file_is_named(build):
    with pytest.raises(FileNotFoundError, match='got none for sample 1 of .*label/01.png'):
        build(['rgb/01.png', 'depth/01.png'], ('rgb', 'depth'))


def test_dropout_of_an_unknown_modality_is_refused_when_it_is_built(build, rgbd_dataset_cfg):
    pipeline = rgbd_dataset_cfg()['pipeline']
    pipeline = [pipeline[0], dict(type='ModalityDropout', prob=dict(thermal=0.5)), *pipeline[1:]]
    with pytest.raises(ValueError, match=r"among \('rgb', 'depth'\), got \['thermal'\]"):
        build(pipeline=pipeline)


def test_each_may_be_absent_without_labels(build):
    dataset = build(
        ['rgb/02.png', 'depth/00.png'],
        ('rgb', 'depth'),
        data_prefix=dict(rgb='rgb', depth='depth'),
        test_mode=True,
        pipeline=[],
    )
    paths = [info['modality_paths'] for info in map(dataset.get_data_info, range(4))]
    assert [[name for name in path if path[name]] for path in paths] == [
        ['rgb'],
        ['rgb', 'depth'],
        ['depth'],
        ['rgb', 'depth'],
    ]


@pytest.mark.parametrize(
    ('removed', 'optional', 'error', 'message'),
    [
        (['depth/01.png'], (), FileNotFoundError, '1 are missing:\n .*depth/01.png'),
        (['label/01.png'], ('depth',), FileNotFoundError, 'missing:\n .*label/01.png'),
        (['depth/01.png', 'rgb/01.png'], ('rgb', 'depth'), FileNotFoundError, 'at least one of'),
        ([], ('thermal',), ValueError, "optional: expected names among .* got .'thermal',."),
        ([], 'depth', ValueError, "optional: expected names among .* got 'depth'"),
    ],
)
def test_errors(build, removed, optional, error, message):
    with pytest.raises(error, match=message):
        build(removed, optional)


@pytest.mark.parametrize('present', [(), ('rgb', 'thermal')])
def test_presence_that_cannot_be(build, rgbd_preprocessor_cfg, present):
    sample = build([])[0]
    sample['data_samples'].set_metainfo(dict(present=present))
    batch = dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']])
    with pytest.raises(ValueError, match='expected `present` to name at least one of the modal'):
        MODELS.build(rgbd_preprocessor_cfg)(batch)


def test_corruptions_leave_absent_modalities_alone(build):
    dataset = build()
    dataset.pipeline.transforms.insert(1, DeadModality('depth', fill=9))
    assert (dataset[0]['inputs'][3] == 9).all() and (dataset[1]['inputs'][3] == 0).all()
