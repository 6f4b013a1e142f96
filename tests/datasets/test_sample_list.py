"""Lists of samples as people write them."""

import shutil

import pytest

from mmamf.datasets import MultimodalSegDataset
from mmamf.datasets.sample_list import read_list

PREFIX = dict(rgb='rgb', depth='depth', seg_map_path='label')


@pytest.fixture
def build(make_rgbd_dataset):
    """Builds a data set of four samples, the last in a sub-folder, from a list's content."""

    def make(content: str | bytes, **kwargs) -> MultimodalSegDataset:
        root = make_rgbd_dataset()
        for folder in PREFIX.values():
            (root / folder / 'a').mkdir()
            shutil.move(root / folder / '03.png', root / folder / 'a')
        if isinstance(content, str):
            content = content.replace('ROOT', str(root)).encode()
        (root / 'list.txt').write_bytes(content)
        kwargs = dict(metainfo=dict(classes=('a', 'b', 'c', 'd', 'e'))) | kwargs
        return MultimodalSegDataset(
            ['rgb', 'depth'], PREFIX, data_root=str(root), ann_file='list.txt', **kwargs
        )

    return make


@pytest.mark.parametrize(
    'content',
    [
        '01\r\na/03\r\n\r\n',
        '01\ra/03',
        b'\xef\xbb\xbf01\na/03\n',
        '01\na/03\n'.encode('utf-16'),
        b'\xfe\xff' + '01\na/03\n'.encode('utf-16-be'),
        ' 01.png \na/03.PNG\n',
        'ROOT/rgb/01\nROOT/depth/a/03.png\n',
        './01\na//03\n',
        'rgb/01.png\nrgbd/label/a/03.png',
        'rgb/01.png label/01.png\nrgb/a/03.png\tdepth/a/03.png\tlabel/a/03.png',
        'rgb/01.png,label/01.png\n"a/03"\n',
        '01\na\\03\n',
        '# my list\n01\n#02\na/03\n',
    ],
)
def test_each_is_read_right(build, content):
    dataset = build(content)
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert [info['sample_name'] for info in infos] == ['01', 'a/03']
    for info in infos:
        paths = [*info['modality_paths'].values(), info['seg_map_path']]
        ends = [path.split('/rgbd/')[1] for path in paths]
        assert ends == [f'{folder}/{info["sample_name"]}.png' for folder in PREFIX.values()]


@pytest.mark.parametrize(
    ('content', 'error', 'message'),
    [
        ('01\n./01\n', ValueError, r"list.txt: expected each sample once, got 1 .*: \['01'\]"),
        ('01 02', ValueError, r"one sample per line.*got \['01', '02'\] in the line '01 02'"),
        ('01\x00', ValueError, 'got zero bytes, as in UTF-16 without'),
        ('Stra\u00dfe'.encode('latin-1'), ValueError, 'expected a text in UTF-8, got other bytes'),
        ('01 7', FileNotFoundError, "without suffix, such as 'a/0001', got '01 7'"),
        ('00.tif', FileNotFoundError, "got '00.tif', for which there is no file; .* 3 are missing"),
        ('/else/00.png', FileNotFoundError, '3 are missing:\n  /else/00.png, which lies outside'),
        ('../rgb/00', FileNotFoundError, '3 are missing:\n  ../rgb/00, which lies outside'),
        ('# nothing', FileNotFoundError, 'expected at least one sample'),
    ],
)
def test_errors_name_what_is_wrong(build, content, error, message):
    with pytest.raises(error, match=f'(?s){message}'):
        build(content)


def test_what_is_outside_is_named_once(build):
    with pytest.raises(FileNotFoundError) as error:
        build('/else/00.png')
    assert str(error.value).count('/else/00.png, which') == 1


def test_a_name_that_begins_with_a_hash_is_no_comment(make_rgbd_dataset):
    root = make_rgbd_dataset()
    for folder in PREFIX.values():
        (root / folder / '01.png').rename(root / folder / '#01.png')
    (root / 'list.txt').write_text('#01\n00')
    dataset = MultimodalSegDataset(
        ['rgb'],
        PREFIX,
        data_root=str(root),
        ann_file='list.txt',
        metainfo=dict(classes=('a', 'b')),
    )
    assert dataset.get_data_info(0)['sample_name'] == '#01'


def test_a_list_that_is_no_file(tmp_path):
    (tmp_path / 'loop.txt').symlink_to(tmp_path / 'loop.txt')
    for name, reason in (('', r' \(a folder\)'), ('loop.txt', r' \(a link'), ('x/y', ' .there is')):
        with pytest.raises(FileNotFoundError, match=f'ann_file not found: .*{reason}'):
            read_list(str(tmp_path / name))
