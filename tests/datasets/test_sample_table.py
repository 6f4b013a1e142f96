"""A table names the files of each sample."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import ClassBalancedDataset
from mmengine.registry import DATASETS

from mmamf.analysis.browse_dataset import browse
from mmamf.configuration.select_modalities import select_modalities
from mmamf.datasets import MultimodalSegDataset

META = dict(classes=('a', 'b', 'c', 'd', 'e'))
RGB = dict(name='rgb', channels=3, dtype='uint8')
DEPTH = dict(name='depth', channels=1, dtype='uint16', missing=0)
OPTIONAL = dict(DEPTH, optional=True)
TABLE = """sample,rgb,depth,labels
a/first,x/one.JPG,depth/00.png,label/00.png
second,rgb/01.png,,label/01.png
"""


@pytest.fixture
def build(make_rgbd_dataset):
    """Builds a data set from a table."""

    def make(table=TABLE, modalities=(RGB, OPTIONAL), **kwargs) -> MultimodalSegDataset:
        root = make_rgbd_dataset()
        (root / 'x').mkdir(exist_ok=True)
        cv2.imwrite(str(root / 'x/one.JPG'), cv2.imread(str(root / 'rgb/00.png')))
        content = table if isinstance(table, bytes) else table.encode()
        (root / 'train.csv').write_bytes(content)
        kwargs = dict(
            ann_file='train.csv',
            data_root=str(root),
            metainfo=META,
            pipeline=[
                dict(type='LoadMultimodalImages'),
                *([] if kwargs.get('test_mode') else [dict(type='LoadLabelMap')]),
                dict(type='PackMultimodalSegInputs'),
            ],
            **kwargs,
        )
        return DATASETS.build(
            dict(type='MultimodalSegDataset', modalities=list(modalities), **kwargs)
        )

    return make


def test_paths_and_names(build, tmp_path):
    dataset = build()
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    root = tmp_path / 'rgbd'
    assert [info['sample_name'] for info in infos] == ['a/first', 'second']
    assert infos[0]['modality_paths'] == dict(rgb=f'{root}/x/one.JPG', depth=f'{root}/depth/00.png')
    assert infos[1]['modality_paths'] == dict(rgb=f'{root}/rgb/01.png', depth=None)
    assert [info['seg_map_path'] for info in infos] == [f'{root}/label/0{i}.png' for i in range(2)]
    samples = [dataset[i]['data_samples'] for i in range(2)]
    assert [sample.present for sample in samples] == [('rgb', 'depth'), ('rgb',)]
    assert ClassBalancedDataset(dataset, 1e-3).repeat_indices


def test_folders_and_suffixes_play_no_role(build):
    modalities = [dict(RGB, folder='none', suffix='.tif'), OPTIONAL]
    dataset = build(modalities=modalities, data_prefix=dict(seg_map_path='nowhere'))
    assert len(dataset) == 2 and dataset[0]['inputs'].shape == (4, 48, 64)


@pytest.mark.parametrize(
    'table',
    [
        TABLE.replace(',', ';'),
        TABLE.replace(',', '\t'),
        TABLE.replace('\n', '\r\n'),
        '\ufeff' + TABLE,
        TABLE.encode('utf-16'),
        TABLE.replace('\n', '\n\n').replace(',', ' , '),
        TABLE.replace('x/one.JPG', '"x/one.JPG"'),
        'labels,extra,sample,depth,rgb\n' + 'label/00.png,?,a/first,depth/00.png,x/one.JPG\n' * 1,
    ],
)
def test_spellings_of_tables(build, table):
    dataset = build(table)
    info = dataset.get_data_info(0)
    assert info['sample_name'] == 'a/first' and list(info['modality_paths']) == ['rgb', 'depth']
    assert info['modality_paths']['rgb'].endswith('/x/one.JPG')


def test_a_plan_with_more_modalities_trains_with_fewer(build):
    dataset = build(modalities=[RGB])
    assert [list(dataset.get_data_info(i)['modality_paths']) for i in range(2)] == [['rgb']] * 2


def test_labels_need_not_be_there_in_tests(build):
    table = 'sample,rgb\na,rgb/00.png\n'
    assert 'seg_map_path' not in build(table, [RGB], test_mode=True).get_data_info(0)
    table = 'sample,rgb,labels\na,rgb/00.png,\nb,rgb/01.png,label/01.png\n'
    dataset = build(table, [RGB], test_mode=True)
    assert ['seg_map_path' in dataset.get_data_info(i) for i in range(2)] == [False, True]


def test_absolute_paths(build, make_rgbd_dataset):
    root = make_rgbd_dataset()
    dataset = build(f'sample,rgb,labels\na,{root}/rgb/00.png,{root}/label/00.png\n', [RGB])
    assert dataset.get_data_info(0)['img_path'] == f'{root}/rgb/00.png'


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('second,rgb/01.png', 'second,', "line 3: expected a file of 'rgb' .*'second', got an emp"),
        ('label/01.png', '', "line 3: expected a file of 'labels' for the sample 'second', got an"),
        ('second', 'a/first', "each sample once, got 'a/first' in line 2 and line 3"),
        ('sample,', 'name,', r"names the columns sample, rgb, depth, labels.*got no \['sample'\]"),
        (',labels', '', r"got no \['labels'\] in"),
        ('depth,labels', 'rgb,labels', r"got no \['depth'\] in"),
        ('depth,labels', 'depth,labels,rgb', r"got \['rgb'\] more often"),
        ('depth/00.png,', '', 'line 2: expected 4 cells, as in the first row, got 3'),
        ('label/00.png', 'label/00.png,', 'line 2: expected 4 cells, as in the first row, got 5'),
        ('second', '', "line 3: expected the name of a sample.*got ''"),
        ('second', '../b', "expected the name of a sample.*got '../b'"),
        ('second', '"second', 'line 3: expected cells, with quotes in pairs'),
    ],
)
def test_wrong_tables_are_refused_in_words(build, old, new, message):
    with pytest.raises(ValueError, match=f'train.csv.*{message}'):
        build(TABLE.replace(old, new, 1))


def test_an_absent_file_needs_an_optional_modality(build):
    message = "line 3: .* of 'depth' .* 'second', got an empty cell; if samples may lack it, say op"
    with pytest.raises(ValueError, match=message):
        build(modalities=[RGB, DEPTH])


def test_missing_files_are_listed(build):
    rows = ''.join(f's{i},rgb/no{i}.png,label/00.png\n' for i in range(12))
    message = (
        r'train.csv: expected 24 files of 12 samples, 12 are missing:\n'
        r'  .*rgb/no0.png \(line 2\)\n(  .*\n){9}  and 2 more$'
    )
    with pytest.raises(FileNotFoundError, match=message):
        build('sample,rgb,labels\n' + rows, [RGB])


@pytest.mark.parametrize(('table', 'message'), [('sample,rgb,labels\n', 'at least one sample')])
def test_an_empty_table(build, table, message):
    with pytest.raises(FileNotFoundError, match=message):
        build(table, [RGB])


def test_a_sample_without_any_image_is_named(build):
    optional = dict(RGB, optional=True)
    with pytest.raises(FileNotFoundError, match='got none for sample 1 of .*train.csv.*label/01'):
        build(TABLE.replace('rgb/01.png', ''), [optional, OPTIONAL])


def test_browsing_and_choosing_modalities(build, rgbd_preprocessor_cfg):
    dataset = dict(
        type='MultimodalSegDataset',
        modalities=[RGB, OPTIONAL],
        ann_file='train.csv',
        data_root=build().data_root,
        metainfo=META,
        pipeline=[
            dict(type='LoadMultimodalImages'),
            dict(type='LoadLabelMap'),
            dict(type='PackMultimodalSegInputs'),
        ],
    )
    model = dict(data_preprocessor=rgbd_preprocessor_cfg)
    config = Config(dict(model=model, train_dataloader=dict(dataset=dataset)))
    sheet, values = browse(config, 'train', 2)
    assert [*values] == ['rgb', 'depth'] and len(values['rgb']) == 2 * 3 * 64 * 64  # padded
    select_modalities(config, ['rgb'])
    assert [*browse(config, 'train', 2)[1]] == ['rgb']


@pytest.mark.parametrize('names', [False, True])
def test_color_files_of_two_orders_are_refused(build, make_rgbd_dataset, names):
    root = make_rgbd_dataset()
    np.save(root / 'one.npy', cv2.imread(str(root / 'rgb/00.png')))
    table = 'sample,rgb,labels\na,one.npy,label/00.png\nb,rgb/01.png,label/01.png\n'
    with pytest.raises(ValueError, match="'rgb': expected pictures.*got an array: .*/one.npy;"):
        build(table, [RGB])
    both = build(table, [dict(RGB, channels=[0, 1, 2])])
    assert both[0]['inputs'].shape == (3, 48, 64)
    arrays = build(table.replace('rgb/01.png', 'one.npy'), [dict(RGB, suffix='.npy')])
    assert len(arrays) == 2
    if names:  # the loading transform describes the files
        with pytest.raises(ValueError, match='expected pictures.*got an array'):
            DATASETS.build(
                dict(
                    type='MultimodalSegDataset',
                    modalities=['rgb'],
                    ann_file='train.csv',
                    data_root=str(root),
                    metainfo=META,
                    pipeline=[
                        dict(
                            type='LoadMultimodalImages',
                            modalities=dict(rgb=dict(channels=3, dtype='uint8')),
                        )
                    ],
                )
            )
