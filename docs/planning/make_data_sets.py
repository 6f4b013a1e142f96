"""Makes three small data sets of other domains, to try the planner on data it has not seen.

tiles: 120 tiles of five float bands with nodata at the borders; half of them have a thermal image.
parts: 30 photographs of two kinds of parts with depth; masks are gray, 0, 127 and 255.
video: 600 frames of a drive, color and thermal, in one folder with suffixes.

Usage: python docs/planning/make_data_sets.py OUT
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import tifffile


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], cell: int) -> np.ndarray:
    """Make noise between -1 and 1 whose details are about ``cell`` pixels large."""
    height, width = size
    coarse = rng.uniform(-1, 1, (height // cell + 3, width // cell + 3)).astype(np.float32)
    large = cv2.resize(coarse, (width + 2 * cell, height + 2 * cell), interpolation=cv2.INTER_CUBIC)
    return large[cell : cell + height, cell : cell + width]


def make_tiles(out: Path, count: int = 120, side: int = 160) -> None:
    """Make fields, forest, water, roads and roofs as a satellite sees them.

    Roofs look like fields in the five bands, and are warm in the thermal image.
    """
    rng = np.random.default_rng(1)
    # reflectance of field, forest, water, road, roof in five bands
    spectra = np.float32(
        [
            [0.10, 0.14, 0.16, 0.32, 0.30],
            [0.04, 0.08, 0.05, 0.38, 0.20],
            [0.08, 0.06, 0.03, 0.02, 0.01],
            [0.18, 0.19, 0.20, 0.22, 0.26],
            [0.12, 0.14, 0.17, 0.30, 0.31],
        ]
    )
    warmth = np.float32([295, 291, 288, 301, 309])  # kelvin
    for name in ('bands', 'thermal', 'annotation'):
        (out / name).mkdir(parents=True, exist_ok=True)
    for index in range(count):
        ground = smooth_noise(rng, (side, side), 40)
        label = np.where(ground > 0.25, 1, np.where(ground < -0.45, 2, 0)).astype(np.uint8)
        for _ in range(rng.integers(1, 3)):
            ends = rng.integers(0, side, 4).tolist()
            points = [(0, ends[0]), (side // 2, ends[1]), (side, ends[2])]
            for a, b in zip(points, points[1:]):
                cv2.line(label, a, b, 3, 3)
        for _ in range(rng.integers(0, 4)):
            x, y = rng.integers(5, side - 20, 2).tolist()
            w, h = rng.integers(6, 14, 2).tolist()
            cv2.rectangle(label, (x, y), (x + w, y + h), 4, -1)
        light = 1 + 0.25 * rng.uniform(-1, 1) + 0.1 * smooth_noise(rng, (side, side), 20)
        bands = spectra[label] * light[..., None]
        bands *= 1 + 0.15 * rng.standard_normal(bands.shape, np.float32)
        thermal = warmth[label] + 3 * rng.uniform(-1, 1) + 1.5 * rng.standard_normal(label.shape)
        corner = rng.integers(0, side // 4)
        hole = np.add.outer(np.arange(side), np.arange(side)) < corner
        bands[hole] = -9999
        tag = [(42113, 's', 0, '-9999', True)]  # GDAL's nodata
        name = f'tile_{index:03d}'
        tifffile.imwrite(
            out / 'bands' / f'{name}.tif',
            bands.astype(np.float32),
            planarconfig='contig',
            extratags=tag,
        )
        if index % 2:
            stored = (thermal * 100).astype(np.uint16)  # kelvin x 100, as thermal cameras write
            cv2.imwrite(str(out / 'thermal' / f'{name}.png'), stored)
        cv2.imwrite(str(out / 'annotation' / f'{name}.png'), label)


def make_parts(out: Path, count: int = 30, size: tuple[int, int] = (240, 320)) -> None:
    """Make washers and bars on a bench; the masks are 0, 127 (washer) and 255 (bar)."""
    rng = np.random.default_rng(2)
    height, width = size
    for name in ('Image', 'Depth', 'Mask'):
        (out / name).mkdir(parents=True, exist_ok=True)
    for index in range(count):
        bench = 120 + 40 * smooth_noise(rng, size, 60) + 20 * smooth_noise(rng, size, 6)
        image = np.dstack([bench * f for f in rng.uniform(0.7, 1.0, 3)]).astype(np.float32)
        depth = 900 + 30 * smooth_noise(rng, size, 100)
        mask = np.zeros(size, np.uint8)
        for _ in range(rng.integers(2, 6)):
            x, y = int(rng.integers(20, width - 20)), int(rng.integers(20, height - 20))
            shape = np.zeros(size, np.uint8)
            if rng.random() < 0.5:
                radius = int(rng.integers(10, 20))
                cv2.circle(shape, (x, y), radius, 1, -1)
                cv2.circle(shape, (x, y), radius // 2, 0, -1)
                value, rise, color = 127, 8, rng.uniform(60, 200, 3)
            else:
                box = ((x, y), (int(rng.integers(40, 70)), int(rng.integers(8, 14))),
                       float(rng.uniform(0, 180)))  # fmt: skip
                cv2.fillPoly(shape, [cv2.boxPoints(box).astype(np.int32)], 1)
                value, rise, color = 255, 20, rng.uniform(60, 200, 3)
            inside = shape == 1
            mask[inside], depth[inside] = value, depth[inside] - rise
            image[inside] = 0.5 * image[inside] + 0.5 * color
        image += 8 * rng.standard_normal(image.shape)
        depth += 1.5 * rng.standard_normal(size)
        depth[rng.random(size) < 0.03] = 0
        cv2.imwrite(str(out / 'Image' / f'{index:04d}.JPG'), image.clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(out / 'Depth' / f'{index:04d}.png'), depth.clip(0).astype(np.uint16))
        cv2.imwrite(str(out / 'Mask' / f'{index:04d}.png'), mask)


def make_video(out: Path, count: int = 600, size: tuple[int, int] = (120, 160)) -> None:
    """Make a drive along a street: road, plants, houses, sky, and persons, who are warm."""
    rng = np.random.default_rng(3)
    height, width = size
    length = width + 3 * count
    label = np.zeros((height + 20, length), np.uint8)  # 0: road
    skyline = (45 + 20 * smooth_noise(rng, (1, length), 50)[0]).astype(int)
    curb = (88 + 8 * smooth_noise(rng, (1, length), 80)[0]).astype(int)
    plants = smooth_noise(rng, (height + 20, length), 35) > 0.1
    rows = np.arange(height + 20)[:, None]
    label[rows < curb] = 2  # house
    label[(rows < curb) & plants] = 1
    label[rows < skyline] = 3  # sky
    for x in rng.integers(10, length - 10, length // 60).tolist():
        foot = int(curb[x]) + int(rng.integers(2, 16))
        cv2.ellipse(label, (x, foot - 9), (3, 9), 0, 0, 360, 4, -1)
    colors = np.float32(
        [[95, 95, 100], [60, 110, 60], [130, 120, 140], [190, 170, 150], [90, 80, 95]]
    )
    shade = smooth_noise(rng, label.shape, 12)
    image = (
        colors[label] + 22 * shade[..., None] + 12 * smooth_noise(rng, label.shape, 3)[..., None]
    )
    warm = np.float32([70, 60, 85, 20, 200])[label] + 10 * smooth_noise(rng, label.shape, 15)
    out.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        x, y = 3 * index, int(10 + 6 * np.sin(index / 9))
        view = np.s_[y : y + height, x : x + width]
        light = 1 + 0.2 * np.sin(index / 70)
        frame = image[view] * light + 10 * rng.standard_normal((*size, 3))
        heat = warm[view] + 6 * rng.standard_normal(size)
        name = f'frame_{index + 1:06d}'
        cv2.imwrite(str(out / f'{name}_rgb.jpg'), frame.clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(out / f'{name}_thermal.png'), heat.clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(out / f'{name}_label.png'), label[view])


def main(argv: list[str] | None = None) -> None:
    """Make the three."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('target', type=Path, help='folder to write')
    target = parser.parse_args(argv).target
    make_tiles(target / 'tiles')
    make_parts(target / 'parts')
    make_video(target / 'video')


if __name__ == '__main__':
    main()
