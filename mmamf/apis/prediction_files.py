import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmamf.ensemble import ENSEMBLE
from mmamf.visualization.colors import overlay_labels
from mmamf.visualization.prediction_sheet import PredictionSheet

SHEET_ROWS = 8


class PredictionFiles:
    """Writes predictions for people into a folder, one by one.

    ``masks/NAME.png`` holds class indices, ``overlays/NAME.png`` shows them in color over the first
    modality that the sample has, and ``montage.png`` shows up to eight samples, evenly spaced, with
    every input and prediction and a legend. The sample ``a/0001`` goes into a sub-folder ``a``, as
    with ``tools/test.py --out``.

    Args:
        out_dir: The folder; it is made if need be.
        classes: Names of the classes.
        palette: RGB color of every class, 0-255.
        count: How many predictions are to come.

    Raises:
        ValueError: If the folder cannot be made or written, then or later.
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
        for folder in ('masks', 'overlays'):
            make_out_folder(self.out_dir / folder)
        self._sheet = PredictionSheet(classes, palette)
        chosen = np.linspace(0, count - 1, min(SHEET_ROWS, count)).round()
        self._chosen = set(chosen.astype(int))
        self._count = count
        self._written = 0

    def write(
        self, name: str, images: dict[str, np.ndarray | None], maps: dict[str, np.ndarray]
    ) -> None:
        """Write the mask and the overlay of a sample; after the last one, the montage.

        Args:
            name: Name of the sample.
            images: Modality -> what it looks like, RGB, uint8; None if the sample lacks it.
            maps: Label maps of the ensemble and perhaps of modalities.

        Shape:
            - images: (H, W, 3); maps: (H, W).
        """
        self._save('masks', name, maps[ENSEMBLE])
        first = next(image for image in images.values() if image is not None)
        self._save('overlays', name, overlay_labels(first, maps[ENSEMBLE], self.palette))
        if self._written in self._chosen:
            columns = {f'prediction: {source}': maps.get(source) for source in images}
            alone = len(images) == 1 and len(maps) == 1
            columns['prediction' if alone else ENSEMBLE] = maps[ENSEMBLE]
            self._sheet.add_row(name, images, columns)
        self._written += 1
        if self._written == self._count:
            self._sheet.save(self.out_dir / 'montage.png')

    def _save(self, folder: str, name: str, image: np.ndarray) -> None:
        path = self.out_dir / folder / f'{name}.png'
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
        except OSError as error:
            raise ValueError(f'{path}: the file cannot be written: {error.strerror}') from error


def make_out_folder(path: str | Path) -> Path:
    """Make a folder for results if need be, and find out that files can be written there.

    Args:
        path: The folder.

    Raises:
        ValueError: If that is not possible.
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
