"""How the images that people name become samples."""

from pathlib import Path

import numpy as np
import pytest

from mmamf.apis import match_inputs

NAMES = ('rgb', 'depth')


@pytest.fixture
def touch(tmp_path, monkeypatch):
    """Maker of empty files in the current directory."""
    monkeypatch.chdir(tmp_path)

    def make(*paths: str) -> None:
        for path in map(Path, paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return make


@pytest.mark.parametrize(
    ('files', 'rgb', 'depth', 'expected'),
    [
        (  # other extensions; hidden files and what is no image do no harm
            'rgb/1.jpg rgb/.a.png rgb/notes.txt rgb/sub/2.JPG depth/1.png depth/sub/2.npy',
            'rgb',
            'depth/',
            {'1': 'rgb/1.jpg depth/1.png', 'sub/2': 'rgb/sub/2.JPG depth/sub/2.npy'},
        ),
        (  # the data set's suffix, beside other files
            'rgb/1_rgb.png rgb/1_preview.jpg depth/1_depth.png depth/1_confidence.png',
            'rgb',
            'depth',
            {'1': 'rgb/1_rgb.png depth/1_depth.png'},
        ),
        (
            'all/1_color.png all/1_z.png all/2_color.png all/2_z.png',
            './all/*_color.png',
            'all/*_z.png',
            {'1': 'all/1_color.png all/1_z.png', '2': 'all/2_color.png all/2_z.png'},
        ),
        (  # the suffix of the data set inside the wildcard
            'all/1_rgb.png all/1_depth.png',
            'all/*_r*.png',
            'all/1*th.png',
            None,
        ),
        (
            'all/1_rgb.png all/1_depth.png',
            'all/*rgb.png',
            'all/*_depth.*',
            {'1': 'all/1_rgb.png all/1_depth.png'},
        ),
        (
            'a/rgb/01.png b/rgb/02.png a/z/01.png b/z/02.png',
            '*/rgb/*',
            '[a-b]/z/0?.png',
            None,
        ),
        (
            'a/rgb/01.png b/rgb/02.png a/z/01.png b/z/02.png',
            '*/rgb/[!x]?.png',
            '[a-b]/z/??.png',
            {'a/01': 'a/rgb/01.png a/z/01.png', 'b/02': 'b/rgb/02.png b/z/02.png'},
        ),
        (
            'rgb/01.png rgb/x/y/02.png depth/01.png depth/x/y/02.png',
            'rgb/**/*.png',
            'depth',
            {'01': 'rgb/01.png depth/01.png', 'x/y/02': 'rgb/x/y/02.png depth/x/y/02.png'},
        ),
        (  # suffixes in any case, in folders and globs
            'rgb/1_RGB.png rgb/2_rgb.PNG rgb/3.JPG depth/1.PNG depth/2.png',
            'rgb',
            'depth/*.png',
            {'1': 'rgb/1_RGB.png depth/1.PNG', '2': 'rgb/2_rgb.PNG depth/2.png'},
        ),
        (
            'all/1_color.PNG all/1_z.Png',
            'all/*_color.png',
            'all/*_z.png',
            {'1': 'all/1_color.PNG all/1_z.Png'},
        ),
        ('left.png z[1].png', 'left.png', 'z[1].png', {'left': 'left.png z[1].png'}),
        (
            'a/1.png a/2.png b/1.png',
            ('a/1.png', Path('a/2.png')),
            ['b/1.png', 'b/1.png'],
            {'1': 'a/1.png b/1.png', '2': 'a/2.png b/1.png'},
        ),
        (  # names that come twice give way to numbers
            'a/1.png b/1.png z.png',
            ['a/1.png', 'b/1.png'],
            ['z.png', 'z.png'],
            {'000000': 'a/1.png z.png', '000001': 'b/1.png z.png'},
        ),
    ],
)
def test_samples(touch, files, rgb, depth, expected):
    touch(*files.split())
    inputs = dict(depth=depth, rgb=rgb)
    suffixes = dict(rgb='_rgb.png', depth='_depth.png')
    if expected is None:
        with pytest.raises(ValueError, match='expected a file of every name'):
            match_inputs(inputs, NAMES, suffixes)
        return
    found = match_inputs(inputs, NAMES, suffixes)
    assert {name: ' '.join(sample.values()) for name, sample in found.items()} == expected
    assert all(tuple(sample) == NAMES for sample in found.values())


def test_arrays_in_order(touch):
    touch('a.png', 'b.png')
    arrays = [np.zeros((2, 2)), np.ones((2, 2))]
    found = match_inputs(dict(rgb=arrays, depth=['a.png', 'b.png']), NAMES, {})
    assert list(found) == ['000000', '000001']
    assert found['000001']['rgb'] is arrays[1] and found['000001']['depth'] == 'b.png'
    found = match_inputs(dict(rgb=['a.png', 'b.png'], depth=arrays), NAMES, {})
    assert list(found) == ['a', 'b']
    assert list(match_inputs(dict(rgb=arrays[0], depth=arrays[1]), NAMES, {})) == ['000000']


def test_many_unmatched_names_are_named(touch):
    touch(*(f'rgb/{i:02d}.png' for i in range(15)), 'depth/03.png', 'depth/99.png')
    with pytest.raises(ValueError) as error:
        match_inputs(dict(rgb='rgb', depth='depth'), NAMES, {})
    lines = str(error.value).splitlines()
    assert '15 of 16 names lack some:' in lines[0]
    assert lines[1] == '  00: no depth for rgb/00.png'
    assert lines[-1] == '  and 5 more'


@pytest.mark.parametrize(
    ('rgb', 'depth', 'error', 'message'),
    [
        ('rgb', 'other', ValueError, '9: no rgb for other/9.png'),
        ('rgb', 'rgb/1.png', ValueError, r"folders or globs .* \['rgb'\] .* lists for \['depth'\]"),
        (
            'rgb/1.png',
            ['rgb/1.png'] * 2,
            ValueError,
            "of each modality, got {'rgb': 1, 'depth': 2}",
        ),
        ([], 'rgb/1.png', ValueError, "'rgb': expected at least one image, got an empty list"),
        ('twice', 'rgb', ValueError, "got twice/1.jpg and twice/1.png, both '1'"),
        ('no', 'rgb', FileNotFoundError, "'rgb': there is no file no"),
        ('rgb/*.jpg', 'rgb', FileNotFoundError, r"'rgb': there is no image in rgb/\*.jpg"),
        ('empty', 'rgb', FileNotFoundError, "'rgb': there is no image in empty"),
        (['rgb'], 'rgb/1.png', FileNotFoundError, "'rgb': there is no file rgb"),
        (None, 'rgb/1.png', TypeError, "'rgb': expected a str, Path or numpy array"),
        (['rgb/1.png', 2], 'rgb/1.png', TypeError, 'numpy array, got int'),
    ],
)
def test_bad_inputs(touch, rgb, depth, error, message):
    touch('rgb/1.png', 'other/9.png', 'other/1.png', 'twice/1.jpg', 'twice/1.png', 'empty/a.txt')
    with pytest.raises(error, match=message):
        match_inputs(dict(rgb=rgb, depth=depth), NAMES, {})


@pytest.mark.parametrize(
    ('inputs', 'got'),
    [({}, r'\(\)'), (dict(rgb='a', normal='b'), "'normal'"), ('a', 'str')],
)
def test_other_modalities(inputs, got):
    with pytest.raises(ValueError, match=rf"some or all of .*\('rgb', 'depth'\), got .*{got}"):
        match_inputs(inputs, NAMES, {})


def test_absent_modalities(touch):
    touch('rgb/1.png', 'rgb/2.png', 'depth/2.png', 'depth/3.png')
    lone = match_inputs(dict(depth='depth'), NAMES, {})
    assert lone['2'] == dict(rgb=None, depth='depth/2.png') and list(lone['2']) == [*NAMES]
    both = dict(rgb='rgb', depth='depth')
    found = match_inputs(both, NAMES, {}, NAMES)
    assert {name: [*images.values()] for name, images in found.items()} == {
        '1': ['rgb/1.png', None],
        '2': ['rgb/2.png', 'depth/2.png'],
        '3': [None, 'depth/3.png'],
    }
    with pytest.raises(ValueError, match='(?s)optional, 1 of 3 .*3: no rgb for depth/3.png'):
        match_inputs(both, NAMES, {}, ['depth'])


def test_absent_modalities_in_lists(touch):
    touch('a.png', 'b.png')
    array = np.ones((2, 2))
    inputs = dict(rgb=[None, 'a.png'], depth=[array, None])
    found = match_inputs(inputs, NAMES, {}, NAMES)
    assert found == {'000000': dict(rgb=None, depth=array), 'a': dict(rgb='a.png', depth=None)}
    for optional, lacking in ((['depth'], ['rgb']), ((), ['rgb'])):
        with pytest.raises(ValueError, match=rf'got None for \{lacking} in place 0'):
            match_inputs(inputs, NAMES, {}, optional)
    with pytest.raises(
        ValueError, match=r"at least one image.*, got None for \['rgb', 'depth'\] in place 1"
    ):
        match_inputs(dict(rgb=['a.png', None], depth=['b.png', None]), NAMES, {}, NAMES)
    with pytest.raises(ValueError, match=r"got None for \['rgb'\] in place 0 of the"):
        match_inputs(dict(rgb=[None]), NAMES, {}, NAMES)


@pytest.mark.parametrize('optional', [['thermal'], 'depth'])
def test_unknown_optional_modalities(optional):
    with pytest.raises(ValueError, match=r"optional: expected names among .*\('rgb', 'depth'\)"):
        match_inputs(dict(rgb='a', depth='b'), NAMES, {}, optional)


def test_says_what_is_used_and_what_not(touch, monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmamf.datasets.sample_files.print_log', lambda text, logger, level: said.append(text)
    )
    touch('rgb/1.png', 'rgb/2.PNG', 'rgb/3.jpg', 'rgb/notes.txt', 'depth/1.png', 'depth/2.png')
    for folder in ('rgb', 'depth'):
        Path(folder, '4.png').symlink_to('nowhere.png')
        Path(folder, 'back').symlink_to('.')
    found = match_inputs(dict(rgb='rgb', depth='depth/*'), NAMES, dict(rgb='.png', depth='.png'))
    assert list(found) == ['1', '2']
    back = 'rgb/back (a link that leads nowhere or back)'
    assert said == [
        "modality 'rgb': 2 images in rgb; 3 image files not used: rgb/3.jpg (not *.png), "
        f'rgb/4.png (a link that leads nowhere or back), {back}',
        "modality 'depth': 2 images in depth/*; 1 image files not used: "
        'depth/4.png (a link that leads nowhere)',
    ]
    with pytest.raises(FileNotFoundError, match=r'no file rgb/4.png \(a link that leads nowhere'):
        match_inputs(dict(rgb='rgb/4.png'), NAMES, {})


@pytest.mark.parametrize(
    ('rgb', 'out', 'expected'),
    [
        ('rgb', 'rgb/out', ['1', 'masks/2', 'sub/1']),
        ('rgb', 'rgb', ['1', 'out/masks/1', 'out/montage', 'sub/1']),
        ('rgb/**/*.png', 'rgb/out', ['1', 'masks/2', 'sub/1']),
        ('rgb/out', 'rgb/out/x', ['masks/1', 'montage']),
        ('rgb/out/masks', 'rgb/out', ['1']),  # named itself: whoever writes there refuses it
        ('rgb/out/masks/*.png', 'rgb/out', ['1']),
    ],
)
def test_earlier_results_are_no_images(touch, rgb, out, expected):
    touch('rgb/1.png', 'rgb/sub/1.png', 'rgb/masks/2.png', 'rgb/out/masks/1.png')
    touch('rgb/out/montage.png')
    results = [Path(out, name) for name in ('masks', 'montage.png')]
    assert sorted(match_inputs(dict(rgb=rgb), NAMES, {}, results=results)) == expected


def test_earlier_results_are_told(touch, monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmamf.datasets.sample_files.print_log', lambda text, logger, level: said.append(text)
    )
    touch('rgb/1.png', 'rgb/masks/2.png')
    match_inputs(dict(rgb='rgb'), NAMES, {}, results=['rgb/masks'])
    (text,) = said
    assert '1 image files not used: rgb/masks/2.png (an earlier result)' in text
