"""A clean data set of color, depth and labels, and faults to plant into it."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

COUNT, SIZE = 24, (120, 160)  # (H, W)
CLASSES = ('ground', 'box', 'ball')


def write(path: Path, image: np.ndarray) -> None:
    """Write an image in RGB order, or an array."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == '.npy':
        np.save(path, image)
    else:
        cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)


def read(path: Path) -> np.ndarray:
    """Read an image in RGB order."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return image[..., ::-1] if image.ndim == 3 else image


def make_clean_set(root: Path, count: int = COUNT) -> Path:
    """Write scenes of boxes and balls, six sequences, in a folder per kind of file."""
    rng = np.random.default_rng(0)
    height, width = SIZE
    for index in range(count):
        name = f'seq{index // (count // 6)}_{index:03d}.png'
        label = np.zeros(SIZE, np.uint8)
        for kind in (1, 2) * 6:
            x, y = int(rng.integers(8, width - 20)), int(rng.integers(8, height - 20))
            if kind == 1:
                label[y : y + int(rng.integers(8, 20)), x : x + int(rng.integers(8, 20))] = 1
            else:
                cv2.circle(label, (x + 5, y + 5), int(rng.integers(5, 10)), 2, -1)
        tint = np.float32([[150, 120, 70], [190, 90, 60], [120, 110, 80]])
        rgb = tint[label] + 10 * rng.standard_normal((*SIZE, 1)) * [1, 0.9, 1.1]
        depth = 3000 - 700 * (label > 0) + 8 * np.arange(height)[:, None]
        depth = depth + 10 * rng.standard_normal(SIZE)
        write(root / 'rgb' / name, rgb.clip(1, 254).astype(np.uint8))
        write(root / 'depth' / name, depth.astype(np.uint16))
        write(root / 'labels' / name, label)
    (root / 'classes.txt').write_text('\n'.join(CLASSES))
    return root


def change(folder: Path, function, count: int | None = None) -> None:
    """Replace images of a folder by what a function makes of them; the first ones, or all."""
    for path in sorted(folder.iterdir())[:count]:
        write(path, function(read(path)))


def names(root: Path, folder: str) -> list[Path]:
    return sorted((root / folder).iterdir())


def to_suffix(root: Path, folder: str, suffix: str, save=write) -> None:
    for path in names(root, folder):
        save(path.with_suffix(suffix), read(path))
        path.unlink()


def color_labels(root):
    colors = np.uint8([[0, 0, 0], [200, 30, 30], [30, 30, 200]])
    change(root / 'labels', lambda label: colors[label])


def shuffled_palettes(root):
    palette = [10, 10, 10, 200, 30, 30, 30, 30, 200]
    for index, path in enumerate(names(root, 'labels')):
        label = read(path)
        other = index % 3 == 2
        image = Image.fromarray(np.uint8([0, 2, 1])[label] if other else label, mode='P')
        image.putpalette(palette[:3] + palette[6:] + palette[3:6] if other else palette)
        image.save(path)


def jpeg_labels(root):
    change(root / 'labels', lambda label: label * 100)
    to_suffix(root, 'labels', '.jpg')


def float_labels(root):
    to_suffix(root, 'labels', '.npy', lambda path, label: np.save(path, label + np.float32(0.25)))


def nan_labels(root):
    def save(path, label):
        label = label.astype(np.float32)
        label[:5] = np.nan
        np.save(path, label)

    to_suffix(root, 'labels', '.npy', save)


def no_third_class(root):
    change(root / 'labels', lambda label: np.where(label == 2, 0, label))


def third_class_in_val_only(root):
    lists = {'train': names(root, 'rgb')[:18], 'val': names(root, 'rgb')[18:]}
    for side, paths in lists.items():
        (root / f'{side}.txt').write_text('\n'.join(path.stem for path in paths))
    change(root / 'labels', lambda label: np.where(label == 2, 0, label), 18)


def one_text_of_classes(root):
    (root / 'classes.txt').write_text('ground, box, ball')


def depth_in_meters(root):
    for path in names(root, 'depth'):
        np.save(path.with_suffix('.npy'), read(path).astype(np.float32))
        path.unlink()
    for path in names(root, 'depth')[:5]:
        np.save(path, np.load(path) / 1000)


def holes_as(value):
    def plant(root):
        def save(path, depth):
            depth = depth.astype(np.float32)
            depth[:20] = value
            np.save(path, depth)

        to_suffix(root, 'depth', '.npy', save)

    return plant


def zeros(root):
    def punch(depth):
        depth = depth.copy()
        depth[:15] = 0
        return depth

    change(root / 'depth', punch)


def saturated_thermal(root):
    shutil.move(root / 'depth', root / 'thermal')

    def burn(depth):
        image = (depth / 20).clip(0, 254).astype(np.uint8)
        image[:30] = 255
        return image

    change(root / 'thermal', burn)


def planar_tiles(root):
    def save(path, image):
        bands = np.concatenate([image.transpose(2, 0, 1), image[None, ..., 0] // 2]).copy()
        tifffile.imwrite(path, bands, planarconfig='separate', photometric='minisblack')

    to_suffix(root, 'rgb', '.tif', save)


def constant_band(root):
    def save(path, image):
        bands = np.dstack([image, np.full(image.shape[:2], 7, np.uint8)])
        np.save(path, bands)

    to_suffix(root, 'rgb', '.npy', save)


def turned(root):
    for path in names(root, 'rgb')[:4]:
        exif = Image.Exif()
        exif[274] = 3
        Image.fromarray(read(path)).save(path, exif=exif)


def one_row_less(root):
    change(root / 'depth', lambda depth: depth[:-1])


def shifted_depth(root):
    change(root / 'depth', lambda depth: np.roll(depth, (6, -8), (0, 1)))


def dead_link(root):
    path = names(root, 'depth')[3]
    path.unlink()
    path.symlink_to('nowhere.png')


def cut_file(root):
    path = names(root, 'rgb')[3]
    path.write_bytes(path.read_bytes()[:500])


def copies_in_val(root):
    paths = names(root, 'rgb')
    for folder in ('rgb', 'depth', 'labels'):
        files = names(root, folder)
        for source, target in zip(files[:3], files[-3:]):
            shutil.copy(source, target)
    (root / 'train.txt').write_text('\n'.join(path.stem for path in paths[:18]))
    (root / 'val.txt').write_text('\n'.join(path.stem for path in paths[18:]))


def strange_list(root):
    stems = [path.stem for path in names(root, 'rgb')]
    (root / 'train.txt').write_bytes(b'\xef\xbb\xbf' + '\n'.join(stems[:18]).encode())
    rows = (f'rgb/{stem}.png\tlabels/{stem}.png' for stem in stems[18:])
    (root / 'val.txt').write_text('\n'.join(rows))


def other_suffix(root):
    for index in range(3):
        (root / 'rgb' / f'raw_{index}.cr2').write_bytes(b'II*\0')
        write(root / 'rgb' / f'extra_{index}.bmp', np.zeros((8, 8, 3), np.uint8))


def depth_in_train_only(root):
    third_class_in_val_only(root)  # which writes lists
    for path in names(root, 'depth')[18:]:
        path.unlink()


def few(root):
    for folder in ('rgb', 'depth', 'labels'):
        for path in names(root, folder)[10:]:
            path.unlink()


def huge(root):
    path = names(root, 'rgb')[0]
    for folder in ('rgb', 'depth', 'labels'):
        image = np.zeros((11000, 9200), np.uint8)
        cv2.imwrite(str(root / folder / path.name), image)


PLANTS = {
    'labels-0-255': lambda root: change(root / 'labels', lambda x: np.uint8(255) * (x > 0)),
    'labels-colored': color_labels,
    'palette-differs': shuffled_palettes,
    'labels-lossy': jpeg_labels,
    'labels-float': float_labels,
    'labels-nan': nan_labels,
    'labels-off-by-one': lambda root: change(
        root / 'labels', lambda x: np.where(np.arange(160) < 3, 0, x + 1).astype(np.uint8)
    ),
    'class-nowhere': no_third_class,
    'class-val-only': third_class_in_val_only,
    'classes-string': one_text_of_classes,
    'color-order': lambda root: change(root / 'rgb', lambda x: x[..., ::-1], 4),
    'depth-units': depth_in_meters,
    'depth-8-bit': lambda root: change(root / 'depth', lambda x: (x / 20).astype(np.uint8)),
    'holes': zeros,
    'empty-frame': lambda root: change(root / 'depth', lambda x: x * 0, 2),
    'saturated': saturated_thermal,
    'planar-tiff': planar_tiles,
    'band-constant': constant_band,
    'orientation': turned,
    'sizes-differ': one_row_less,
    'shifted': shifted_depth,
    'unpaired': lambda root: names(root, 'depth')[2].unlink(),
    'unreadable': cut_file,
    'broken-links': dead_link,
    'val-repeats-train': copies_in_val,
    'modality-one-side': depth_in_train_only,
    'list': strange_list,
    'skipped': other_suffix,
    'few-samples': few,
    'huge-image': huge,
    'mixed-files': lambda root: change(root / 'depth', lambda x: (x / 20).astype(np.uint8), 4),
}  # fmt: skip
