"""A clean data set of color, depth and labels, and faults to plant into it."""

from pathlib import Path

import cv2
import numpy as np

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
