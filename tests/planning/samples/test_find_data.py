"""Any layout becomes the same samples."""

import random
import re

import pytest

from mmamf.planning.samples.find_data import find_data

NUMBERS = ['0001', '0002', '0003', '0004']


def cross(*patterns: str, numbers=NUMBERS) -> list[str]:
    return [pattern.replace('#', number) for pattern in patterns for number in numbers]


def names(data) -> list[str]:
    return [sample.name for sample in data.samples]


def counts(data) -> dict[str, int]:
    return {column: data.count(column) for column in data.columns}


@pytest.fixture
def make(tmp_path):
    """Makes empty files: finding opens none."""

    def write(paths, texts=None, seed=0):
        root = tmp_path / 'data'
        paths = sorted(paths)
        random.Random(seed).shuffle(paths)
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
        for path, text in (texts or {}).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text.replace('ROOT', str(root)))
        return root

    return write


ALL = ['rgb', 'depth', 'labels']
LAYOUTS = {
    'a folder per modality': (cross('rgb/#.jpg', 'depth/#.png', 'label/#.png'), ALL),
    'NYU': (cross('RGB/#.png', 'Depth/#.png', 'Labels/#.png', numbers='1 2 10 11'.split()), ALL),
    'letters with marks': (cross('bild/#.jpg', 'tiefe/#.png', 'wärme/#.png', 'masken/#.png'),
                           ['bild', 'tiefe', 'warme', 'labels']),
    'French': (cross('profondeur_#.png', 'rgb_#.png', 'étiquettes_#.png'),
               ['rgb', 'profondeur', 'labels']),
    'decomposed letters': (cross('rgb/#.jpg', 'profondita\u0300/#.png', 'masque/#.png'),
                           ['rgb', 'profondita', 'labels']),
    'suffixes': (cross('#_rgb.jpg', '#_depth.png', '#_mask.png'), ALL),
    'prefixes': (cross('rgb_#.png', 'depth_#.png', 'label_#.png'), ALL),
    'prefixes without separator': (cross('rgb#.png', 'depth#.png', 'mask#.png'), ALL),
    'dots': (cross('frame-#.color.png', 'frame-#.depth.png', 'frame-#.label.png'),
             ['color', 'depth', 'labels']),
    'names repeat the folder': (cross('img/img_#.png', 'depth/depth_#.png', 'gt/gt_#.png'),
                                ['img', 'depth', 'labels']),
    'name as the folder of another': (cross('image/image_#.png', 'mask/image_#.png'),
                                      ['image', 'labels']),
    'other words in names': (cross('left/#_L.png', 'right/#_R.png', 'seg/#_S.png'),
                             ['left', 'right', 'labels']),
    'a word in one folder only': (cross('rgb/#.png', 'depth/raw/#_d.png', 'gt/#_gt.png'), ALL),
    'no word for images': (cross('#.jpg', '#_mask.png'), ['image', 'labels']),
    'only the suffix differs': (cross('#.jpg', '#.png'), ['jpg', 'labels']),
    'split above': (cross('train/rgb/1#.png', 'train/depth/1#.png', 'train/masks/1#.png',
                          'val/rgb/2#.png', 'val/depth/2#.png', 'val/masks/2#.png'), ALL),
    'split below': (cross('images/training/#.jpg', 'images/validation/2#.jpg',
                          'annotations/training/#.png', 'annotations/validation/2#.png'),
                    ['images', 'labels']),
    'split above, same numbers': (cross('train/rgb/#.png', 'train/mask/#.png', 'test/rgb/#.png',
                                        'test/mask/#.png'), ['rgb', 'labels']),
    'split in the folder': (cross('train_images/#.png', 'train_masks/#.png'),
                            ['images', 'labels']),
    'split of images only': (cross('rgb/train/#.png', 'rgb/val/2#.png', 'label/#.png',
                                   'label/2#.png'), ['rgb', 'labels']),
    'sequences below': (cross('rgb/seq1/#.png', 'rgb/seq2/#.png', 'depth/seq1/#.png',
                              'depth/seq2/#.png', 'label/seq1/#.png', 'label/seq2/#.png'), ALL),
    'sequences above': (cross('seq1/rgb/#.png', 'seq1/depth/#.png', 'seq1/label/#.png',
                              'seq2/rgb/#.png', 'seq2/depth/#.png', 'seq2/label/#.png'), ALL),
    'mixed case and suffix': (['RGB/a1.JPG', 'RGB/B2.png', 'Depth/A1.PNG', 'Depth/b2.tif',
                               'Mask/a1.png', 'Mask/b2.png'], ALL),
    'MRI': (cross('t1/patient07_z#.png', 't1/patient09_z#.png', 'flair/patient07_z#.png',
                  'flair/patient09_z#.png', 'label/patient07_z#.png', 'label/patient09_z#.png'),
            ['flair', 't1', 'labels']),
    'Cityscapes': (cross(*(f'{a}/{s}/{c}/{c}_000000_#_{b}.png' for s, c in
                           (('train', 'aachen'), ('train', 'bochum'), ('val', 'lindau'))
                           for a, b in (('leftImg8bit', 'leftImg8bit'),
                                        ('gtFine', 'gtFine_labelIds'), ('gtFine', 'gtFine_color'),
                                        ('gtFine', 'gtFine_instanceIds')))),
                   ['leftimg8bit', 'labels']),
    'unknown words': (cross('alpha/#.png', 'beta/#.png', 'labels/#.png'),
                      ['alpha', 'beta', 'labels']),
    'unknown words and sequences': (cross('alpha/seq1/#.png', 'beta/seq1/#.png',
                                          'alpha/seq2/#.png', 'beta/seq2/#.png',
                                          'label/seq1/#.png', 'label/seq2/#.png'),
                                    ['alpha', 'beta', 'labels']),
    'names without numbers': (cross('rgb/#.png', 'nir/#.png', 'mask/#.png',
                                    numbers=['lena', 'baboon', 'peppers']),
                              ['rgb', 'nir', 'labels']),
    'five': (cross('rgb/#.png', 'nir/#.png', 'thermal/#.png', 'depth/#.png', 'hha/#.png',
                   'masks/#.png'), ['rgb', 'depth', 'hha', 'nir', 'thermal', 'labels']),
    'two of one word': (cross('rgb/#.png', 'depth_raw/#.png', 'depth_filled/#.png', 'gt/#.png'),
                        ['rgb', 'depth_filled', 'depth_raw', 'labels']),
    'numbers written differently': (['rgb/1.png', 'rgb/2.png', 'gt/0001.png', 'gt/0002.png'],
                                    ['rgb', 'labels']),
    'numbered cameras': (cross('image_02/#.png', 'image_03/#.png', 'semantic/#.png'),
                         ['image_02', 'image_03', 'labels']),
    'bands': (cross('tile_#_B02.tif', 'tile_#_B03.tif', 'tile_#_mask.tif',
                    numbers=['0010', '0011']), ['b02', 'b03', 'labels']),
    'PST900': (cross('train/rgb/#.png', 'train/thermal/#.png', 'train/thermal_raw/#.png',
                     'train/thermal_raw_aligned/#.png', 'train/labels/#.png'),
               ['rgb', 'thermal', 'thermal_raw', 'thermal_raw_aligned', 'labels']),
    'Freiburg': (cross('rgb/b1_#_Clipped.jpg', 'nir_gray/b1_#.png', 'GT_color/b1_#_mask.png',
                       'rgb/b2_#_Clipped.jpg', 'nir_gray/b2_#.png', 'GT_color/b2_#_mask.png'),
                 ['rgb', 'nir_gray', 'labels']),
    'a folder per sample': (cross('scene#/rgb.png', 'scene#/depth.png', 'scene#/mask.png'), ALL),
    'one modality': (cross('images/#.png', 'masks/#.png'), ['images', 'labels']),
    'VOC': (cross('JPEGImages/2007_#.jpg', 'SegmentationClass/2007_#.png',
                  'SegmentationObject/2007_#.png'), ['jpegimages', 'labels']),
    'German': (cross('Bilder/#.png', 'Tiefe/#.png', 'Masken/#.png'),
               ['bilder', 'tiefe', 'labels']),
    'without labels': (cross('rgb/#.png', 'depth/#.png'), ['rgb', 'depth']),
}  # fmt: skip


@pytest.mark.parametrize('seed', [0, 1])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_layouts(make, layout, seed):
    paths, columns = LAYOUTS[layout]
    data = find_data(make(paths, seed=seed))
    others = ('gtFine_color', 'instance', 'SegmentationObject')
    wrong = {file for file in paths if any(part in file for part in others)}
    assert [*data.columns] == columns
    assert counts(data) == dict.fromkeys(columns, (len(paths) - len(wrong)) // len(columns))
    assert {*data.unused} == wrong
    used = [file for sample in data.samples for file in sample.files.values()]
    assert sorted(used) == sorted({*paths} - wrong)
    assert len(set(names(data))) == len(data.samples) and names(data) == sorted(names(data))
    for sample in data.samples:  # all files of a sample show the same number
        found = ({int(n) for n in re.findall(r'\d{4}|\b\d\b', f)} for f in sample.files.values())
        assert len({frozenset(one) for one in found}) == 1


@pytest.mark.parametrize(
    ('layout', 'sides'),
    [
        ('split above', {'train': 4, 'val': 4}),
        ('split below', {'train': 4, 'val': 4}),
        ('split above, same numbers', {'train': 4, 'test': 4}),
        ('split in the folder', {'train': 4}),
        ('split of images only', {'train': 4, 'val': 4}),
        ('Cityscapes', {'train': 8, 'val': 4}),
        ('sequences above', {None: 8}),
    ],
)
def test_sides_of_folders(make, layout, sides):
    data = find_data(make(LAYOUTS[layout][0]))
    assert {side: len(data.of_split(side)) for side in {s.split for s in data.samples}} == sides
    assert all(s.split is None for s in find_data(data.root, split='none').samples)


@pytest.mark.parametrize(
    ('layout', 'groups'),
    [
        ('sequences below', {'seq1', 'seq2'}),
        ('sequences above', {'seq1', 'seq2'}),
        ('MRI', {'patient07', 'patient09'}),
        ('Cityscapes', {'aachen', 'bochum', 'lindau'}),
        ('a folder per modality', {''}),
        ('names without numbers', {''}),
    ],
)
def test_groups(make, layout, groups):
    assert {s.group for s in find_data(make(LAYOUTS[layout][0])).samples} == groups


def test_names_of_samples(make):
    data = find_data(make(LAYOUTS['sequences above'][0]))
    assert names(data)[:2] == ['seq1/0001', 'seq1/0002']
    sample = data.samples[0]
    assert [*sample.files.items()] == [
        ('rgb', 'seq1/rgb/0001.png'),
        ('depth', 'seq1/depth/0001.png'),
        ('labels', 'seq1/label/0001.png'),
    ]


def test_modalities_of_part_of_the_samples(make):
    numbers = [f'{i:04}' for i in range(40)]
    paths = cross('rgb/#.png', 'mask/#.png', numbers=numbers)
    paths += cross('depth/#.png', numbers=numbers[:30]) + cross('nir/#.png', numbers=numbers[:1])
    data = find_data(make(paths))
    assert counts(data) == dict(rgb=40, depth=30, labels=40)
    assert data.unused == {'nir/0000.png': (
        'no partner: only 1 such file beside 40 samples; --modality NAME=DIR makes them a modality'
    )}  # fmt: skip
    given = find_data(data.root, dict(nir='nir'))
    assert counts(given) == dict(rgb=40, depth=30, nir=1, labels=40)


def test_everything_else_is_named(make):
    paths = cross('rgb/#.png', 'depth/#.png', 'mask/#.png')
    more = {
        'rgb/0005.png': 'no partner: an image without label map',
        'mask/0006.png': 'no partner: a label map without image',
        'rgb/0001.jpg': 'the same sample and modality as rgb/0001.png, which is used',
        'depth/0001.dcm': '*.dcm cannot be read',
        'overview/0001.png': "an overview: its path says 'overview'",
        'README.png': 'no partner: an image without label map',
    }
    root = make([*paths, *more, 'rgb/notes.md'])
    (root / 'rgb/0007.png').symlink_to(root / 'nowhere.png')
    more['rgb/0007.png'] = 'a link that leads nowhere or back'
    data = find_data(root)
    assert counts(data) == dict(rgb=4, depth=4, labels=4)
    assert data.unused == more


FOLDERS = cross('rgb/#.png', 'depth/#.png', 'mask/#.png')
SIDES = dict(zip(NUMBERS, ['train', 'train', 'val', 'test']))


@pytest.mark.parametrize(
    'texts',
    [
        {'train.txt': '0001\n0002', 'val.txt': '0003', 'test.txt': '0004'},
        {'splits/train.txt': '0001.png\r\n0002.png', 'splits/val.txt': '\ufeff0003.png',
         'splits/test.txt': '# all\n0004.png'},
        {'train.csv': 'rgb,mask\nrgb/0001.png,mask/0001.png\nrgb/0002.png,mask/0002.png',
         'val.csv': 'rgb,mask\nrgb/0003.png,mask/0003.png',
         'test.csv': 'rgb/0004.png,mask/0004.png'},
        {'train.txt': 'ROOT/rgb/0001.png ROOT/mask/0001.png\n/home/me/data/rgb/0002.png',
         'val.txt': 'rgb\\0003.png\tmask\\0003.png', 'test.txt': './depth/0004.png'},
        {'lists/split.json': '{"train": ["0001", "0002"], "val": ["0003"], "testing": ["0004"]}'},
        {'data.json': '[{"image": "rgb/0001.png", "split": "train"}, {"image": "rgb/0002.png", '
                      '"split": "train"}, {"image": "0003", "split": "val"}, '
                      '{"image": "0004.png", "split": "test"}]'},
        {'meta.csv': 'name,split\n0001,train\n0002,train\n0003,val\n0004,test\n'},
        {'train.csv': 'sample,rgb,depth,labels\n0001,rgb/0001.png,,mask/0001.png\n0002,,,\n',
         'val.csv': 'sample,rgb\n0003,rgb/0003.png\n', 'test.csv': 'sample;rgb\n0004;rgb/0004.png'},
    ],
)  # fmt: skip
def test_lists(make, texts):
    data = find_data(make(FOLDERS, texts))
    assert {sample.name: sample.split for sample in data.samples} == SIDES
    assert counts(data) == dict(rgb=4, depth=4, labels=4)


def test_what_lists_leave_out_is_named(make):
    data = find_data(make(FOLDERS, {'train.txt': '0001\n0002\nnothing', 'val.txt': '\t0003'}))
    assert names(data) == NUMBERS[:3]
    assert set(data.unused.values()) == {'in none of the lists of samples'}
    assert data.remarks == {
        'train.txt': "1 of 3 lines names no sample, such as 'nothing'",
        'val.txt': 'separates columns by tabs',
    }


def test_without_a_list_of_train_all_others_are_open(make):
    data = find_data(make(FOLDERS, {'test.txt': '0004'}))
    assert [sample.split for sample in data.samples] == [None, None, None, 'test']


def test_several_splits(make):
    texts = {
        'fold0/train.txt': '0001\n0002\n0003',
        'fold0/val.txt': '0004',
        'fold1/train.txt': '0004\n0002\n0003',
        'fold1/val.txt': '0001',
    }
    data = find_data(make(FOLDERS, texts))
    assert [sample.split for sample in data.samples] == ['train', 'train', 'train', 'val']
    assert data.remarks[''] == (
        'The split is that of fold0/train.txt, not that of fold1/train.txt: --split FILE... takes '
        'another'
    )
    data = find_data(data.root, split=['fold1/train.txt', data.root / 'fold1/val.txt'])
    assert [sample.split for sample in data.samples] == ['val', 'train', 'train', 'train']


def test_lists_match_files_whose_names_do_not(make):
    rows = [('1.52', '1.49', 'a'), ('2.51', '2.48', 'b'), ('3.53', '3.50', 'c')]
    lines = '\n'.join(f'{r} rgb/{r}.png {d} depth/{d}.png labels/{m}.png' for r, d, m in rows)
    files = [f for r, d, m in rows for f in (f'rgb/{r}.png', f'depth/{d}.png', f'labels/{m}.png')]
    data = find_data(make(files, {'associations.txt': lines}))
    assert counts(data) == dict(rgb=3, depth=3, labels=3)
    assert [list(sample.files.values()) for sample in data.samples] == [
        [f'rgb/{r}.png', f'depth/{d}.png', f'labels/{m}.png'] for r, d, m in rows
    ]


@pytest.mark.parametrize(
    ('modalities', 'labels', 'columns'),
    [
        (dict(height='depth'), None, ['rgb', 'height', 'labels']),
        (dict(depth='none'), None, ['rgb', 'labels']),
        (None, 'none', ['rgb', 'depth']),
        (dict(depth='other/*_x.png'), None, ['rgb', 'depth', 'labels']),
        (dict(x='rgb', y='depth'), 'other', ['x', 'y', 'labels']),
        (None, 'other/*_x.png', ['rgb', 'depth', 'labels']),
    ],
)
def test_arguments_overrule(make, modalities, labels, columns):
    root = make([*FOLDERS, *cross('other/#_x.png')])
    data = find_data(root, modalities, labels)
    found = [column for column in data.columns if column not in ('other', 'other_x')]
    assert found == columns and {data.count(column) for column in columns} == {4}
    place = (modalities or {}).get('depth', '')
    if place.startswith('other'):
        assert data.samples[0].files['depth'] == 'other/0001_x.png'
        assert all('names other files' in data.unused[f'depth/{n}.png'] for n in NUMBERS)
    if labels and labels.startswith('other'):
        assert data.samples[0].files['labels'] == 'other/0001_x.png'


@pytest.mark.parametrize(
    ('file', 'text', 'classes'),
    [
        ('classes.txt', 'sky\nroad\n', ('sky', 'road')),
        ('labels.txt', '0 sky\n1 road\n', ('sky', 'road')),
        ('labels.txt', '1: road\n0: sky\n', ('sky', 'road')),
        ('class_dict.csv', 'name,r,g,b\nsky,0,0,0\nroad,1,2,3\n', ('sky', 'road')),
        ('label_colors.txt', 'sky 0 0 0\nroad 64 128 0\n', ('sky', 'road')),
        ('dataset.json', '{"labels": {"sky": 0, "road": 1}}', ('sky', 'road')),
        ('classes.json', '{"0": "sky", "1": "road"}', ('sky', 'road')),
        ('meta.json', '{"categories": [{"id": 0, "name": "sky"}, {"id": 1, "name": "road"}]}',
         ('sky', 'road')),
        ('labels.txt', '0001\n0002\n', ()),
        ('train/_classes.csv', 'Pixel Value, Class\n0, sky\n1, road\n', ('sky', 'road')),
        ('labels.txt', 'mask/0001.png\n', ()),
        ('notes.txt', 'sky\nroad\n', ()),
    ],
)  # fmt: skip
def test_classes(make, file, text, classes):
    data = find_data(make(FOLDERS, {file: text}))
    assert data.classes == classes and data.classes_file == (file if classes else '')
    assert len(data.samples) == 4
    given = find_data(data.root, classes=['a', 'b'])
    assert given.classes == ('a', 'b') and given.classes_file == ''
    if classes:
        named = find_data(data.root, classes=data.root / file)
        assert named.classes == classes and named.classes_file == str(data.root / file)


def test_void_of_cityscapes_is_no_class(make):
    data = find_data(make([*FOLDERS[:8], *cross('gt/#_labelIds.png', 'gt/#_labelTrainIds.png')]))
    assert data.samples[0].files['labels'] == 'gt/0001_labelTrainIds.png'


@pytest.mark.parametrize('plan', ['', 'configs/data/'])
def test_a_plan_in_the_folder_is_no_list(make, plan):
    root = make([*FOLDERS, f'{plan}fingerprint.sqlite', f'{plan}report.html'])
    (root / plan / 'train.csv').write_text('sample,rgb\n0001,rgb/0001.png\n')
    (root / plan / 'val.csv').write_text('sample,rgb\n0002,rgb/0002.png\n')
    data = find_data(root)
    assert [sample.split for sample in data.samples] == [None] * 4


def test_folders_of_systems_are_no_modalities(make):
    data = find_data(make([*FOLDERS, *cross('__MACOSX/rgb/#.png', '@eaDir/mask/#.png')]))
    assert counts(data) == dict(rgb=4, depth=4, labels=4) and not data.unused


def test_two_sets_of_labels(make):
    data = find_data(make([*FOLDERS, *cross('mask_color/#.png')]))
    assert data.samples[0].files['labels'] == 'mask/0001.png'
    assert len(data.unused) == 4
    assert all('--labels DIR takes others' in reason for reason in data.unused.values())


@pytest.mark.parametrize(
    ('paths', 'kwargs', 'message'),
    [
        ([], {}, r'expected images \(\*.png, .*found no file at all'),
        (['a.txt', 'b/c.dcm'], {}, r'found 2 files in \. \(1\), b \(1\)\n  b/c.dcm: \*.dcm cannot'),
        (FOLDERS, dict(modalities=dict(nir='ir')), "image files in 'ir', the folder or glob of"),
        (FOLDERS, dict(labels='ir/*.png'), "image files in 'ir/\\*.png', the folder or"),
        (FOLDERS, dict(modalities=dict(a='rgb', b='*/*.png')), "one modality of each file, got"),
    ],
)  # fmt: skip
def test_errors(make, paths, kwargs, message):
    root = make(paths)
    root.mkdir(exist_ok=True)
    with pytest.raises(ValueError, match=message):
        find_data(root, **kwargs)


def test_missing_folder_and_lists(make, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere: expected the folder of the data'):
        find_data(tmp_path / 'nowhere')
    root = make(FOLDERS, {'list.txt': '0001', 'train_x.txt': 'what'})
    with pytest.raises(FileNotFoundError, match='--split: expected a list of samples, no file'):
        find_data(root, split='no.txt')
    with pytest.raises(ValueError, match='list.txt: expected a list whose name says train'):
        find_data(root, split=['list.txt'])
    with pytest.raises(ValueError, match="train_x.txt: expected names or files .* got 'what'"):
        find_data(root, split=['train_x.txt'])


def test_the_root_is_one_path_however_it_is_given(make, monkeypatch):
    root = make(FOLDERS)
    monkeypatch.chdir(root / 'rgb')
    assert find_data('../').root == find_data('../../data').root == root
