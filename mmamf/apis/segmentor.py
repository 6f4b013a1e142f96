from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from mmamf.structures.modality import Modality


class Segmentor(Protocol):
    """What :class:`CheckpointSegmentor` and :class:`OnnxSegmentor` have in common.

    Attributes:
        modalities: Names of the modalities that a sample may have.
        descriptions: Modality -> its description.
        classes: Names of the classes.
        palette: RGB color of every class.
        pipeline: Turns the paths of a sample into what the methods take.
        threshold: The probability above which a pixel has the second class, if the network has one
            output for two classes; else None.
        is_guarded: Whether sensors that look broken are left out.
    """

    modalities: tuple[str, ...]
    descriptions: Mapping[str, Modality]
    classes: tuple[str, ...]
    palette: Sequence[Sequence[int]]
    pipeline: Callable[[dict], dict]
    threshold: float | None
    is_guarded: bool

    def predict(self, data: Sequence[dict], return_probabilities: bool = False) -> list[dict]:
        """Predict label maps of each sample, for the ensemble and for every modality it has."""

    def predict_scores(self, data: Sequence[dict]) -> list[np.ndarray]:
        """Predict the scores of the classes of each sample, (K, H, W), for the ensemble."""
