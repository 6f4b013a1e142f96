from mmseg.datasets import CityscapesDataset

from mmamf.datasets.cityscapes_depth_dataset import CityscapesDepthDataset


def test_classes_and_palette_are_those_of_mmseg():
    assert CityscapesDepthDataset.METAINFO == CityscapesDataset.METAINFO
    assert len(CityscapesDepthDataset.METAINFO['classes']) == 19


def test_default_folders(make_rgbd_dataset):
    root = make_rgbd_dataset(count=2)
    (root / 'label').rename(root / 'masks')
    dataset = CityscapesDepthDataset(data_root=str(root))
    assert len(dataset) == 2
    assert dataset.get_data_info(0)['modality_paths'] == {
        name: str(root / name / '00.png') for name in ('rgb', 'depth')
    }
    assert dataset.get_data_info(0)['seg_map_path'] == str(root / 'masks' / '00.png')


def test_folders_of_cities(make_rgbd_dataset):
    root = make_rgbd_dataset(count=2)
    for folder, name in (('rgb', 'rgb'), ('depth', 'depth'), ('label', 'masks')):
        (root / folder).rename(root / 'city')
        (root / name).mkdir()
        (root / 'city').rename(root / name / 'aachen')
    (root / 'train.txt').write_text('aachen/01\n')
    dataset = CityscapesDepthDataset(['depth'], data_root=str(root), ann_file='train.txt')
    assert [info['img_path'] for info in map(dataset.get_data_info, range(len(dataset)))] == [
        str(root / 'depth' / 'aachen' / '01.png')
    ]
