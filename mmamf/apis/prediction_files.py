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
        for folder in (MASKS, OVERLAYS):
            make_out_folder(self.out_dir / folder)
        self._sheet = PredictionSheet(classes, palette)
        chosen = np.linspace(0, count - 1, min(SHEET_ROWS, count)).round()
        self._chosen = set(chosen.astype(int))
        self._count = count
        self._written = 0

    def check_inputs(self, samples: Mapping[str, Mapping[str, str | np.ndarray | None]]) -> None:
        """Refuse samples whose results would overwrite an image of one of them.

        Args:
            samples: Name of each -> its images, of which some may be files.

        Raises:
            ValueError: If so.
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
            images: Modality -> what it looks like, RGB, uint8; None if the sample lacks it.
            maps: Label maps of the ensemble and perhaps of modalities.

        Shape:
            - images: (H, W, 3); maps: (H, W).
        """
        save_picture(self.out_dir / MASKS / f'{name}.png', maps[ENSEMBLE])
        first = next(image for image in images.values() if image is not None)
        overlay = overlay_labels(first, maps[ENSEMBLE], self.palette)
        save_picture(self.out_dir / OVERLAYS / f'{name}.png', overlay)
        if self._written in self._chosen:
            columns = {f'prediction: {source}': maps.get(source) for source in images}
            alone = len(images) == 1 and len(maps) == 1
            columns['prediction' if alone else ENSEMBLE] = maps[ENSEMBLE]
            self._sheet.add_row(name, images, columns)
        self._written += 1
        if self._written == self._count:
            self._sheet.save(self.out_dir / MONTAGE)


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
