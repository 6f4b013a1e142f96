"""MFNet: a miniature of four-channel images, there and back."""

import struct
import zlib
from contextlib import suppress
from functools import partial

import cv2
import numpy as np
import pytest
from PIL import Image

from mmamf.datasets.mfnet_dataset import MFNetDataset


@pytest.fixture
def mfnet(load_converter):
    return load_converter('mfnet')


@pytest.fixture
def raw(tmp_path, write_mfnet):
    """Six samples: 00001D, 00002N, 00003D; validation 00004N, 00006N; test 00005D."""
    return write_mfnet(tmp_path / 'raw')


@pytest.fixture
def convert(mfnet, tmp_path):
    """Runner: ``convert(raw, *options)`` returns the exit status and the folder written."""

    def run(raw, *options):
        out = tmp_path / 'out'
        return mfnet.main([str(raw), str(out), '--partial', '--workers', '2', *options]), out

    return run


def test_every_pixel(convert, raw):
    status, out = convert(raw)
    assert status == 0
    written = []
    for split in ('train', 'val', 'test'):
        assert (out / f'{split}.txt').read_text() == (raw / f'{split}.txt').read_text()
        written += (out / f'{split}.txt').read_text().split()
    assert len(set(written)) == 6
    for name in written:
        rgbt = np.array(Image.open(raw / 'images' / f'{name}.png'))
        rgb = np.array(Image.open(out / 'rgb' / f'{name}.png'))
        np.testing.assert_array_equal(rgb, rgbt[:, :, :3], strict=True)
        thermal = np.array(Image.open(out / 'thermal' / f'{name}.png'))
        np.testing.assert_array_equal(thermal, rgbt[:, :, 3], strict=True)
        label = np.array(Image.open(raw / 'labels' / f'{name}.png'))
        mask = np.array(Image.open(out / 'masks' / f'{name}.png'))
        np.testing.assert_array_equal(mask, label, strict=True)


def test_the_data_set_reads_it(convert, raw):
    _, out = convert(raw)
    for split, length in dict(train=3, val=2, test=1).items():
        assert len(MFNetDataset(data_root=str(out), ann_file=f'{split}.txt')) == length


def test_labels_with_a_palette(convert, raw):
    path = raw / 'labels' / '00002N.png'
    label = np.array(Image.open(path))
    with_palette = Image.fromarray(label)
    with_palette.putpalette([255 - i for i in range(3 * 9)])
    with_palette.save(path)
    assert Image.open(path).mode == 'P'
    status, out = convert(raw)
    assert status == 0
    np.testing.assert_array_equal(cv2.imread(str(out / 'masks' / '00002N.png'), -1), label)


def test_mirrored_copies_are_left_out(convert, raw, capsys):
    names = (raw / 'train.txt').read_text().split()
    doubled = [copy for name in names for copy in (name, f'{name}_flip')]
    (raw / 'train.txt').write_text('\n'.join(doubled))
    status, out = convert(raw)
    assert status == 0
    assert 'train.txt: left out 3 mirrored copies' in capsys.readouterr().out
    assert (out / 'train.txt').read_text().split() == names


def test_a_mirrored_copy_without_its_original(convert, raw):
    (raw / 'train.txt').write_text('00001D\n00004N_flip\n')
    with pytest.raises(ValueError, match=r"train.txt: .* got no \['00004N'\]"):
        convert(raw)


def test_official_counts(mfnet, raw, tmp_path, monkeypatch):
    arguments = [str(raw), str(tmp_path / 'out')]
    assert sum(mfnet.SPLITS.values()) == 1569
    with pytest.raises(ValueError, match='train.txt: expected 784, got 3; --partial converts'):
        mfnet.main(arguments)
    monkeypatch.setattr(mfnet, 'SPLITS', dict(train=3, val=2, test=1))
    assert mfnet.main(arguments) == 0


def test_too_few_images(mfnet, raw, tmp_path, monkeypatch):
    monkeypatch.setattr(mfnet, 'SPLITS', dict(train=3, val=2, test=1))
    (raw / 'images' / '00002N.png').unlink()
    (raw / 'labels' / '00005D.png').unlink()
    with pytest.raises(FileNotFoundError, match='2 missing') as refusal:
        mfnet.main([str(raw), str(tmp_path / 'out')])
    assert 'images/00002N.png' in str(refusal.value)
    assert 'labels/00005D.png' in str(refusal.value)
    assert not (tmp_path / 'out').exists()


def test_a_part(convert, raw, capsys):
    (raw / 'images' / '00002N.png').unlink()
    status, out = convert(raw)
    assert status == 0
    assert (out / 'train.txt').read_text() == '00001D\n00003D\n'
    assert 'left out 1 incomplete of 6' in capsys.readouterr().out


@pytest.mark.parametrize('name', ['images', 'labels', 'train.txt', 'val.txt', 'test.txt'])
def test_a_missing_folder_or_list(convert, raw, name):
    (raw / name).rename(raw / 'elsewhere')
    with pytest.raises(FileNotFoundError, match=f'1 missing:\n  {name}'):
        convert(raw)


def test_an_empty_list(convert, raw):
    (raw / 'val.txt').write_text('\n')
    with pytest.raises(ValueError, match='val.txt: expected 392, got 0'):
        convert(raw)


def test_a_sample_in_two_lists(convert, raw):
    (raw / 'test.txt').write_text('00001D\n')
    with pytest.raises(ValueError, match="got '00001D' from train.txt and from test.txt"):
        convert(raw)


def three_channels(raw):
    Image.open(raw / 'images' / '00002N.png').convert('RGB').save(raw / 'images' / '00002N.png')


def cut_image(raw):
    path = raw / 'images' / '00002N.png'
    path.write_bytes(path.read_bytes()[:2000])


def flipped_byte(folder, raw):
    """Flip one bit in the middle of a file, so that Pillow reads wrong values without a word."""
    rng, shape = np.random.default_rng(0), (6, 8, 4) if folder == 'images' else (6, 8)
    blocks = rng.integers(0, 5, shape).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    path = raw / folder / '00002N.png'
    Image.fromarray(blocks).save(path)
    content = path.read_bytes()
    for at in range(len(content) // 2, len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :])
        with suppress(OSError, SyntaxError):
            if not np.array_equal(np.array(Image.open(path)), blocks):
                return
    raise AssertionError('no such byte')


def no_image(raw):
    (raw / 'labels' / '00002N.png').write_text('<html>')


def colored_label(raw):
    Image.open(raw / 'labels' / '00002N.png').convert('RGB').save(raw / 'labels' / '00002N.png')


def label_of_another_size(raw):
    Image.fromarray(np.zeros((47, 64), np.uint8)).save(raw / 'labels' / '00002N.png')


def lossy_label(raw):
    Image.open(raw / 'labels' / '00002N.png').save(raw / 'labels' / '00002N.png', format='JPEG')


def error_of_pillow(path, raw):
    """A chunk of a color profile that ends in its name: IndexError within Pillow."""
    content = (raw / path).read_bytes()
    chunk = b'iCCP' + b'x'
    chunk = struct.pack('>I', 1) + chunk + struct.pack('>I', zlib.crc32(chunk))
    (raw / path).write_bytes(content[:33] + chunk + content[33:])


def unknown_class(raw):
    Image.fromarray(np.full((48, 64), 9, np.uint8)).save(raw / 'labels' / '00002N.png')


@pytest.mark.parametrize(
    'damage, message',
    [
        (three_channels, 'images/00002N.png: expected four channels of uint8'),
        (cut_image, 'images/00002N.png is corrupt or truncated'),
        (partial(flipped_byte, 'images'), 'images/00002N.png is corrupt, truncated or not'),
        (partial(flipped_byte, 'labels'), 'labels/00002N.png is corrupt or truncated'),
        (no_image, 'labels/00002N.png is corrupt, truncated or not an image'),
        (colored_label, 'labels/00002N.png: expected one channel of class indices, got RGB'),
        (lossy_label, 'labels/00002N.png: expected a lossless format, got JPEG'),
        (
            partial(error_of_pillow, 'labels/00002N.png'),
            'labels/00002N.png is corrupt or truncated',
        ),
        (label_of_another_size, "expected images of one size (H, W), got {'rgb': (48, 64), "),
        (unknown_class, 'label values outside the mapping: expected 0..8 or 255, got [9]'),
    ],
)
def test_one_bad_sample(convert, raw, tmp_path, write_mfnet, capsys, damage, message):
    damage(raw)
    status, out = convert(raw)
    assert status == 1
    said = capsys.readouterr().err
    assert '1 of 6 samples failed' in said
    assert message in said
    assert (out / 'train.txt').read_text() == '00001D\n00003D\n'
    assert len([*(out / 'thermal').iterdir()]) == 5

    assert convert(write_mfnet(tmp_path / 'raw'))[0] == 0  # mended
    assert (out / 'train.txt').read_text() == '00001D\n00002N\n00003D\n'


def test_damage_outside_the_pixels_of_an_image_does_no_harm(convert, raw):
    error_of_pillow('images/00002N.png', raw)
    before = cv2.imread(str(raw / 'images' / '00002N.png'), -1)
    status, out = convert(raw)
    assert status == 0
    np.testing.assert_array_equal(cv2.imread(str(out / 'rgb' / '00002N.png')), before[..., :3])


def test_resume(convert, raw, tree):
    _, out = convert(raw)
    before = tree(out)
    assert convert(raw)[0] == 0
    after = tree(out)
    assert {n: f for n, f in after.items() if n.endswith('.png')} == {
        n: f for n, f in before.items() if n.endswith('.png')
    }
    assert {n: content for n, (_, content) in after.items()} == {
        n: content for n, (_, content) in before.items()
    }


def test_a_lost_mask_comes_back(convert, raw):
    _, out = convert(raw)
    mask = out / 'masks' / '00002N.png'
    content = mask.read_bytes()
    mask.unlink()
    assert convert(raw)[0] == 0
    assert mask.read_bytes() == content


def write_png(path, header, rows):
    """Write a PNG of any header: width, height, bits, kind of color."""
    chunks = (
        (b'IHDR', struct.pack('>IIBBBBB', *header, 0, 0, 0)),
        (b'IDAT', zlib.compress(rows)),
        (b'IEND', b''),
    )
    path.write_bytes(
        b'\x89PNG\r\n\x1a\n'
        + b''.join(
            struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )


def test_a_header_that_claims_a_huge_image_stops_no_other(convert, raw, capsys):
    write_png(raw / 'labels' / '00001D.png', (60_000, 60_000, 8, 0), b'\0')
    status, out = convert(raw)
    said = capsys.readouterr().err
    assert status == 1 and '1 of 6 samples failed' in said
    assert 'label map ' in said and 'labels/00001D.png: expected at most ' in said
    assert len(list((out / 'masks').glob('*.png'))) == 5


def test_another_archive_in_the_same_folder(convert, raw, tmp_path, write_mfnet, tree):
    _, out = convert(raw)
    before = tree(out)
    other = write_mfnet(tmp_path / 'other')
    with pytest.raises(ValueError, match='converted with .*/other.*, got a folder .*/raw'):
        convert(other)
    assert tree(out) == before


def test_out_is_raw(mfnet, raw, tmp_path, tree):
    before = tree(raw)
    for out in (raw, tmp_path / 'elsewhere' / '..' / 'raw'):
        with pytest.raises(ValueError, match='OUT to be another folder than RAW, got .*raw'):
            mfnet.main([str(raw), str(out), '--partial'])
    assert tree(raw) == before


def test_the_folder_of_another_data_set(convert, raw, tmp_path, write_nyudv2, load_converter):
    _, out = convert(raw)
    other = write_nyudv2(tmp_path / 'other')
    with pytest.raises(ValueError, match="converted with .*'nyudv2'.*, got a folder .*'mfnet'"):
        load_converter('nyudv2').main([str(other), str(out), '--partial'])


@pytest.mark.parametrize(
    'content',
    [
        b'\xef\xbb\xbf00001D\r\n00002N\r\n00003D\r\n',
        '00001D\n00002N\n00003D\n'.encode('utf-16'),
        b'00001D.png\nimages/00002N.png\n./00003D\n00002N_flip.png\n',
        b'{raw}/images/00001D.png\n{raw}/labels/00002N.png\n00003D\n',
    ],
)
def test_spellings_of_a_list(convert, raw, content):
    (raw / 'train.txt').write_bytes(content.replace(b'{raw}', str(raw).encode()))
    status, out = convert(raw)
    assert status == 0
    assert (out / 'train.txt').read_text() == '00001D\n00002N\n00003D\n'


def test_what_a_part_leaves_out_is_named(convert, raw, capsys):
    (raw / 'train.txt').write_text('00001D\n/etc/passwd\n00009D\n')
    status, out = convert(raw)
    assert status == 0 and (out / 'train.txt').read_text() == '00001D\n'
    said = capsys.readouterr().out
    assert 'left out 2 incomplete of 6 frames: there is no images//etc/passwd.png, images/0' in said


@pytest.mark.parametrize('dtype', ['uint16', 'bool', '4 bits'])
def test_labels_of_other_types(convert, raw, dtype):
    path = raw / 'labels' / '00002N.png'
    label = np.array(Image.open(path))
    if dtype == '4 bits':
        rows = np.packbits(np.unpackbits(label[..., None], axis=2)[..., 4:].reshape(48, -1), axis=1)
        write_png(path, (64, 48, 4, 0), b''.join(b'\0' + row.tobytes() for row in rows))
    else:
        label = label.astype(dtype)
        Image.fromarray(label).save(path)
    status, out = convert(raw)
    assert status == 0
    found = cv2.imread(str(out / 'masks' / '00002N.png'), -1)
    np.testing.assert_array_equal(found, label.astype(np.uint8))
