import cv2
import pytest

from mmamf.datasets import NYUDv2Dataset
from mmamf.datasets.sunrgbd_dataset import SUNRGBDDataset


@pytest.fixture
def root(make_rgbd_dataset):
    """Two samples with JPEG color."""
    root = make_rgbd_dataset(count=2)
    (root / 'label').rename(root / 'masks')
    for path in (root / 'rgb').iterdir():
        cv2.imwrite(str(path.with_suffix('.jpg')), cv2.imread(str(path)))
        path.unlink()
    return root


def test_37_classes_with_distinct_colors():
    meta = SUNRGBDDataset.METAINFO
    assert len(set(meta['classes'])) == len({tuple(color) for color in meta['palette']}) == 37


def test_classes_have_the_places_of_nyudv2_and_the_toolboxs_colors():
    meta, nyu = SUNRGBDDataset.METAINFO, NYUDv2Dataset.METAINFO
    other_words = dict(fridge='refridgerator', tv='television')
    names = [other_words.get(name, name).replace('_', ' ') for name in meta['classes']]
    assert tuple(names) == nyu['classes'][:37]
    colors = dict(zip(meta['classes'], meta['palette']))
    assert colors['wall'] == [119, 119, 119] and colors['person'] == [170, 0, 59]


def test_default_folders_and_suffixes(root):
    dataset = SUNRGBDDataset(data_root=str(root))
    assert len(dataset) == 2
    info = dataset.get_data_info(1)
    expected = dict(rgb=str(root / 'rgb' / '01.jpg'), depth=str(root / 'depth' / '01.png'))
    assert info['modality_paths'] == expected
    assert info['seg_map_path'] == str(root / 'masks' / '01.png')


def test_other_modalities_are_png(root):
    (root / 'depth').rename(root / 'hha')
    prefix = dict(rgb='rgb', hha='hha', seg_map_path='masks')
    dataset = SUNRGBDDataset(['hha', 'rgb'], prefix, data_root=str(root))
    paths = dataset.get_data_info(0)['modality_paths']
    assert list(paths) == ['hha', 'rgb'] and paths['hha'].endswith('.png')


def test_suffix_can_be_chosen(root):
    with pytest.raises(FileNotFoundError, match=r'no file \*\.png in .*rgb'):
        SUNRGBDDataset(data_root=str(root), img_suffix='.png')
