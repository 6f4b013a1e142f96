import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mmamf.ensemble import ENSEMBLE
from mmamf.visualization.colors import overlay_labels
from mmamf.visualization.prediction_sheet import PredictionSheet
from mmamf.visualization.save_picture import check_apart, save_picture

SHEET_ROWS = 8
MASKS, OVERLAYS, MONTAGE = WRITTEN = ('masks', 'overlays', 'montage.png')


class PredictionFiles:
    """Writes predictions as pictures into a folder, one by one.

    ``masks/NAME.png`` holds class indices. ``overlays/NAME.png`` shows them in color over the first
    modality that the sample has. ``montage.png`` shows up to eight evenly spaced samples, with all
    inputs and predictions and a legend. The sample ``a/0001`` goes into a sub-folder ``a``, as with
    ``tools/test.py --out``.

    Args:
        out_dir: The folder; it is created if necessary.
        classes: Names of the classes.
        palette: RGB color of every class, 0-255.
        count: Total number of predictions.

    Raises:
        ValueError: If the folder cannot be created or written, now or later.
    """

    def __init__(
        self,
        out_dir: str | Path,
        classes: Sequence[str],
        palette: Sequence[Sequence[int]],
        count: int,
    ) -> None:
        self.out_dir = make_out_folder(out_dir)
        self.palette = palette
        for folder in (MASKS, OVERLAYS):
            make_out_folder(self.out_dir / folder)
        self._sheet = PredictionSheet(classes, palette)
        chosen = np.linspace(0, count - 1, min(SHEET_ROWS, count)).round()
        self._chosen = set(chosen.astype(int))
        self._count = count
        self._written = 0

    def check_inputs(self, samples: Mapping[str, Mapping[str, str | np.ndarray | None]]) -> None:
        """Refuse samples if a result would overwrite one of their images.

        Args:
            samples: Name of each sample -> its images, files or arrays.

        Raises:
            ValueError: If a result would overwrite an image.
        """
        names = [f'{folder}/{name}.png' for folder in (MASKS, OVERLAYS) for name in samples]
        images = [image for named in samples.values() for image in named.values()]
        check_apart(
            [self.out_dir / name for name in [*names, MONTAGE]],
            [image for image in images if isinstance(image, str)],
        )

    def write(
        self, name: str, images: dict[str, np.ndarray | None], maps: dict[str, np.ndarray]
    ) -> None:
        """Write the mask and the overlay of a sample; after the last one, the montage.

        Args:
            name: Name of the sample.
            images: Modality -> its picture, RGB, uint8; None if the sample lacks it.
            maps: Label maps of the ensemble, and of modalities if there are any.

        Shape:
            - images: (H, W, 3); maps: (H, W).
        """
        save_picture(self.out_dir / MASKS / f'{name}.png', maps[ENSEMBLE])
        first = next(image for image in images.values() if image is not None)
        overlay = overlay_labels(first, maps[ENSEMBLE], self.palette)
        save_picture(self.out_dir / OVERLAYS / f'{name}.png', overlay)
        if self._written in self._chosen:
            columns = {f'prediction: {source}': maps.get(source) for source in images}
            alone = len(images) == 1 and maps.keys().isdisjoint(images)
            columns['prediction' if alone else ENSEMBLE] = maps[ENSEMBLE]
            self._sheet.add_row(name, images, columns)
        self._written += 1
        if self._written == self._count:
            self._sheet.save(self.out_dir / MONTAGE)


def make_out_folder(path: str | Path) -> Path:
    """Create a folder for results if necessary, and check that files can be written there.

    Args:
        path: The folder.

    Raises:
        ValueError: If the folder cannot be created or written.
    """
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        reason = 'it is a file' if Path(path).is_file() else error.strerror
        raise ValueError(
            f'{path}: expected a folder for the results that can be written: {reason}'
        ) from error
    return Path(path)
