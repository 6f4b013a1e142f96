import pytest
from mmengine.registry import DATASETS

from mmamf.datasets import MFNetDataset, MultimodalSegDataset
from mmamf.datasets.check_classes import check_classes

COLOR = [1, 2, 3]


@pytest.mark.parametrize(
    ('metainfo', 'message'),
    [
        (dict(classes='crack'), r"got the string 'crack'. A tuple .* has a comma: \('crack',\)"),
        (dict(classes=''), r"got the string ''"),
        (dict(classes=()), 'got no classes'),
        (dict(classes=3), 'names, which are strings, got 3'),
        (dict(classes=('a', 'b ')), r"without spaces around them, got \['b '\]"),
        (dict(classes=(0, 1)), r'names, which are strings, got \(0, 1\)'),
        (dict(classes=('a', '')), 'names, which are strings'),
        (dict(classes={'a', 'b'}), 'expected classes to be a tuple of names'),
        (dict(classes={0: 'a'}), 'expected classes to be a tuple of names'),
        (dict(classes=['a', 'b', 'a']), r"distinct names, got \['a'\]"),
        (dict(classes=['a', 'b'], palette=[COLOR]), 'each of the 2 classes, got 1 colors'),
        (dict(classes=['a'], palette=[COLOR] * 2), 'each of the 1 classes, got 2 colors'),
        (dict(classes=['a'], palette=[[1, 2]]), r'R, G, B. of 0 to 255, got \[1, 2\]'),
        (dict(classes=['a'], palette=[[0, 0, 256]]), r'of 0 to 255, got \[0, 0, 256\]'),
        (dict(classes=['a'], palette='#ff0000'), "a palette with a color .* got '#ff0000'"),
    ],
)
def test_refused(metainfo, message):
    with pytest.raises(ValueError, match=f'MultimodalSegDataset: .*{message}'):
        check_classes(MultimodalSegDataset, metainfo)


def test_allowed(tmp_path):
    check_classes(MultimodalSegDataset, dict(classes=('a', 'b'), palette=[COLOR, COLOR]))
    (tmp_path / 'classes.txt').write_text('a\nb\n')
    check_classes(MultimodalSegDataset, dict(classes=str(tmp_path / 'classes.txt')))
    check_classes(MFNetDataset, None)
    check_classes(MFNetDataset, dict(classes=['car', 'person']))
    check_classes(MFNetDataset, dict(classes=['car'], palette=MFNetDataset.METAINFO['palette']))


@pytest.mark.parametrize('content', [b'\xef\xbb\xbfa\r\n b \r\n\r\n', 'a\nb\n'.encode('utf-16')])
def test_a_file_of_classes_is_read_as_any_list(rgbd_dataset_cfg, make_rgbd_dataset, content):
    root = make_rgbd_dataset(count=1, classes=2)
    (root / 'classes.txt').write_bytes(content)
    cfg = rgbd_dataset_cfg(root=root)
    dataset = DATASETS.build(dict(cfg, metainfo=dict(classes=str(root / 'classes.txt'))))
    assert list(dataset.metainfo['classes']) == ['a', 'b']
