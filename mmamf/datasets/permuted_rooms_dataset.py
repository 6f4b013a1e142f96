import numpy as np
from mmengine.registry import DATASETS

from .rooms_dataset import RoomsDataset


@DATASETS.register_module()
class PermutedRoomsDataset(RoomsDataset):
    """The rooms with one modality shuffled between the samples: a control that should not help.

    Each sample keeps its other images and its label. Its permuted modality always comes from the
    same other sample. So this modality has the usual statistics, but says nothing about the sample.
    If a fusion with it still gains over the other modalities alone, the content of the modality is
    not the reason.

    Args:
        permuted: The modality that is shuffled. It cannot be the first, which names the samples.
        permutation_seed: Seed of the assignment.
        **kwargs: Arguments of :class:`RoomsDataset`.

    Raises:
        ValueError: If ``permuted`` is the first modality or unknown, or there is only one sample.
    """

    def __init__(self, permuted: str = 'depth', permutation_seed: int = 0, **kwargs) -> None:
        self.permuted = permuted
        self.permutation_seed = permutation_seed
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """List the samples, then exchange the modality's files between them."""
        infos = super().load_data_list()
        further = self.modalities[1:]
        if self.permuted not in further:
            raise ValueError(
                f'PermutedRoomsDataset: expected `permuted` among the modalities after the first, '
                f'{further}, got {self.permuted!r}'
            )
        if len(infos) < 2:
            raise ValueError(
                f'PermutedRoomsDataset: expected at least two samples in {self.data_root}, got '
                f'{len(infos)}'
            )
        # In a random circle of all samples, each takes the next one's file and none keeps its own.
        circle = np.random.default_rng(self.permutation_seed).permutation(len(infos))
        files = [info['modality_paths'][self.permuted] for info in infos]
        for taker, giver in zip(circle, np.roll(circle, -1), strict=True):
            infos[taker]['modality_paths'][self.permuted] = files[giver]
        return infos
