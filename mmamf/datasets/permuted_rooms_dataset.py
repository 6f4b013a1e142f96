import numpy as np
from mmengine.registry import DATASETS

from .rooms_dataset import RoomsDataset


@DATASETS.register_module()
class PermutedRoomsDataset(RoomsDataset):
    """The rooms with one modality shuffled between the samples: a control that should not help.

    Every sample keeps its other images and its label, and gets the permuted modality of another
    one, always the same; none keeps its own. The modality has the statistics of the real one and
    says nothing about the sample. What a fusion of the two "gains" over one alone is not due to the
    content of the modality.

    Args:
        permuted: The modality that is shuffled; not the first, which names the samples.
        permutation_seed: Another seed gives another assignment.
        **kwargs: Arguments of :class:`RoomsDataset`.

    Raises:
        ValueError: If ``permuted`` is the first modality or none, or there is one sample only.
    """

    def __init__(self, permuted: str = 'depth', permutation_seed: int = 0, **kwargs) -> None:
        self.permuted = permuted
        self.permutation_seed = permutation_seed
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """List the samples, then hand the modality's files around."""
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
        # each takes from the next in a random circle through all samples, so none from itself
        circle = np.random.default_rng(self.permutation_seed).permutation(len(infos))
        files = [info['modality_paths'][self.permuted] for info in infos]
        for taker, giver in zip(circle, np.roll(circle, -1), strict=True):
            infos[taker]['modality_paths'][self.permuted] = files[giver]
        return infos
