from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.runner import set_random_seed
from onnxruntime.quantization import CalibrationDataReader


class CalibrationImages(CalibrationDataReader):
    """Images of a training set, for a quantizer that looks at the values inside a network.

    They are spread evenly over the data set, and come through its training pipeline with a fixed
    seed. Samples that lack a modality are left out, because their maps have no meaning.

    Args:
        dataset: The training set.
        names: The modalities that the file takes.
        count: Number of images; a smaller data set gives all of its own.

    Raises:
        ValueError: If no sample has all modalities.
    """

    def __init__(self, dataset: Any, names: Sequence[str], count: int) -> None:
        set_random_seed(0)
        places = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int)
        samples = (dataset[place] for place in places.tolist())
        self._feeds = [
            {name: planes_of(sample)[name][None] for name in names}
            for sample in samples
            if set(names) <= set(sample['data_samples'].present)
        ]
        if not self._feeds:
            raise ValueError(
                f'train_dataloader.dataset: expected samples with all of {tuple(names)} to '
                f'calibrate with, got none among {len(places)}'
            )
        self._rest = iter(self._feeds)

    def __len__(self) -> int:
        return len(self._feeds)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the inputs of the next image by name, (1, C, H, W); None after the last."""
        return next(self._rest, None)


def planes_of(packed: dict) -> dict[str, np.ndarray]:
    """Split a sample of :class:`PackMultimodalSegInputs` into its modalities.

    Shape:
        - Output: (C, H, W) for each modality, float32, in the units of the files.
    """
    about = packed['data_samples'].metainfo
    inputs = packed['inputs'].to(torch.float32).numpy()
    planes = np.split(inputs, np.cumsum(about['modality_channels'])[:-1])
    return dict(zip(about['modalities'], planes, strict=True))
