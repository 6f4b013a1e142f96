"""Draws slices of every patient that was left out: sequences, truth and predictions.

Usage: python docs/mri/draw.py METHOD ... (after compare.py) writes docs/mri/predictions.jpg
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from compare import DATA, PATIENTS, SEQUENCES, WORK_DIRS
from matplotlib.figure import Figure

OUT = Path(__file__).with_name('predictions.jpg')
RIGHT, MISSED, FALSE = (0.0, 0.62, 0.45), (0.0, 0.45, 0.9), (0.9, 0.25, 0.1)


def read(folder: Path, name: str) -> np.ndarray:
    """Read the PNG of a slice."""
    return cv2.imread(str(folder / f'{name}.png'), cv2.IMREAD_UNCHANGED)


def find_brain(image: np.ndarray) -> tuple[slice, slice]:
    """Find the box around the brain: its rows and its columns."""
    return tuple(slice(places.min(), places.max() + 1) for places in np.nonzero(image))


def gray(image: np.ndarray) -> np.ndarray:
    """Show intensities up to the brightest percent of the brain as white, (H, W, 3)."""
    top = np.percentile(image[image > 0], 99)
    return np.repeat(np.clip(image / top, 0, 1)[..., None], 3, axis=2)


def paint(image: np.ndarray, truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Color lesions: found, missed, and pixels that are none."""
    image = image * 0.8
    for color, where in ((RIGHT, truth & found), (MISSED, truth & ~found), (FALSE, ~truth & found)):
        image[where] = color
    return image


def main() -> None:
    """Draw the slice with the median number of lesion pixels of each patient."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('methods', nargs='+', help='methods of compare.py')
    methods = parser.parse_args().methods
    columns = [*SEQUENCES, 'lesions', *(f'prediction:\n{method}' for method in methods)]
    figure = Figure(figsize=(1.6 * len(columns), 6.6), dpi=110, layout='constrained')
    grid = figure.subplots(len(PATIENTS), len(columns), squeeze=False)
    for axes, patient in zip(grid, PATIENTS):
        names = (DATA / f'{patient}.txt').read_text().split()
        labels = {name: read(DATA / 'labels', name) > 0 for name in names}
        sizes = sorted((label.sum(), name) for name, label in labels.items() if label.any())
        name = sizes[len(sizes) // 2][1]
        truth, flair = labels[name], gray(read(DATA / 'flair', name))
        pictures = [gray(read(DATA / sequence, name)) for sequence in SEQUENCES]
        pictures.append(paint(flair, truth, truth))
        for method in methods:
            found = read(WORK_DIRS / f'{method}-{patient}' / 'masks', name) > 0
            pictures.append(paint(flair, truth, found))
        brain = find_brain(read(DATA / 'flair', name))
        for panel, picture, column in zip(axes, pictures, columns, strict=True):
            panel.imshow(picture[brain])
            panel.set(xticks=[], yticks=[], title=column if patient == PATIENTS[0] else None)
            panel.spines[:].set_visible(False)
        axes[0].set_ylabel(name)
    figure.supxlabel('green: found; blue: missed; red: not a lesion', fontsize='medium')
    figure.savefig(OUT, pil_kwargs=dict(quality=88))


if __name__ == '__main__':
    main()
