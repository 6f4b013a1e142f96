import math
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from mmamf.ensemble import ENSEMBLE
from mmamf.visualization.save_picture import check_apart, save_picture

from .prediction_files import make_out_folder

PROBABILITY, ENTROPY, DISAGREEMENT = UNCERTAINTY = ('probability', 'entropy', 'disagreement')
FULL = 65535  # the pixel value that means 1


class UncertaintyFiles:
    """Writes maps that say how sure a prediction is, as 16-bit PNG, in which 65535 means 1.

    ``probability/NAME.png`` is the ensemble's largest probability of a class,
    ``entropy/NAME.png`` its :func:`entropy`, and ``disagreement/NAME.png`` the
    :func:`disagreement` of the modalities.

    Args:
        out_dir: The folder; it is created if necessary.

    Raises:
        ValueError: If the folder cannot be created or written, now or later.
    """

    def __init__(self, out_dir: str | Path) -> None:
        self.out_dir = Path(out_dir)
        for folder in UNCERTAINTY:
            make_out_folder(self.out_dir / folder)

    def check_inputs(self, samples: Mapping[str, Mapping[str, str | np.ndarray | None]]) -> None:
        """Refuse samples if a map would overwrite one of their images.

        Args:
            samples: Name of each sample -> its images, files or arrays.

        Raises:
            ValueError: If a map would overwrite an image.
        """
        images = [image for named in samples.values() for image in named.values()]
        check_apart(
            [self._path(folder, name) for folder in UNCERTAINTY for name in samples],
            [image for image in images if isinstance(image, str)],
        )

    def write(self, name: str, probabilities: Mapping[str, np.ndarray]) -> None:
        """Write the maps of a sample.

        Args:
            name: Name of the sample.
            probabilities: Of the classes, for the ensemble and for every modality it has.

        Shape:
            - probabilities: (K, H, W).
        """
        members = [part for source, part in probabilities.items() if source != ENSEMBLE]
        whole = probabilities[ENSEMBLE]
        maps = (whole.max(0), entropy(whole), disagreement(members or [whole]))
        for folder, values in zip(UNCERTAINTY, maps, strict=True):
            pixels = (values.clip(0, 1) * FULL).round().astype(np.uint16)
            save_picture(self._path(folder, name), pixels)

    def _path(self, folder: str, name: str) -> Path:
        return self.out_dir / folder / f'{name}.png'


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Compute the entropy of each pixel, divided by its largest value, log K.

    Shape:
        - Input: (K, H, W).
        - Output: (H, W), from 0 to 1.
    """
    return _entropy(probabilities) / math.log(len(probabilities))


def disagreement(members: Collection[np.ndarray]) -> np.ndarray:
    """Compute the Jensen-Shannon divergence of predictions, divided by its largest value, log M.

    It is the entropy of the mean prediction minus the mean entropy: 0 if all predict the same, 1 if
    each is sure of another class. A single prediction has none, so it is 0.

    Args:
        members: What each modality predicts.

    Shape:
        - members: (K, H, W) each.
        - Output: (H, W), from 0 to 1.
    """
    if len(members) == 1:
        return np.zeros(next(iter(members)).shape[1:], np.float32)
    inside = sum(map(_entropy, members)) / len(members)
    return (_entropy(sum(members) / len(members)) - inside) / math.log(len(members))


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    tiny = np.finfo(np.float32).tiny
    return -(probabilities * np.log(np.maximum(probabilities, tiny))).sum(0)
