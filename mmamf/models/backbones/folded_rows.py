from functools import partial

import torch.nn as nn
from torch import Tensor

from ..modality_specific_layer import ModalitySpecificLayer
from ..pass_value import PassValue


class FoldedRows:
    """Tells the private layers inside a network which rows of their input are whose.

    A network that gets N*M maps may fold more than them into a batch: windows of a map, or its
    tokens. Then a layer inside sees N*M*k rows, still sample by sample and, within a sample,
    modality by modality, so that row r belongs to modality (r // k) mod M. Private layers take it
    for one of modality r mod M; this class reorders the rows on their way in and back on their way
    out, where k > 1.

    It relies on the network for the order: folding windows in front of samples, (k, N*M, ...), or
    tokens in front of the batch, (L, N*M, C), would be taken for another thing where the number of
    rows happens to fit.

    Args:
        network: The network. Its input must be folded, (N*M, C, H, W).
        num_modalities: Number of modalities M.

    Raises:
        ValueError: When a private layer sees a number of rows that is no multiple of N*M, or the
            network a number that is no multiple of M.
    """

    def __init__(self, network: nn.Module, num_modalities: int) -> None:
        self.num_modalities = num_modalities
        self._num_maps = PassValue(num_modalities)  # N*M
        network.register_forward_pre_hook(self._count)
        for name, layer in network.named_modules():
            if isinstance(layer, ModalitySpecificLayer):
                layer.register_forward_pre_hook(partial(self._reorder, name))
                layer.register_forward_hook(self._restore)

    @property
    def num_maps(self) -> int:
        """Number of maps, N*M, in the batch of this forward pass."""
        return self._num_maps.get()

    def _count(self, network: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        # It stays until the next batch, for checkpointed activations to be computed again.
        num_maps = inputs[0].shape[0]
        self._num_maps.set(num_maps)
        if num_maps % self.num_modalities:
            raise ValueError(
                f'a folded batch of {num_maps} maps does not hold {self.num_modalities} '
                'modalities per sample'
            )

    def _reorder(
        self, name: str, layer: nn.Module, inputs: tuple[Tensor, ...]
    ) -> tuple[Tensor] | None:
        (x,) = inputs
        rows = x.shape[0]
        if rows == self.num_maps:
            return None
        if rows % self.num_maps:
            m = self.num_modalities
            raise ValueError(
                f'{name}: {type(layer).__name__} cannot know the modality of its rows: expected '
                f'{self.num_maps} ({self.num_maps // m} samples x {m} modalities) or a multiple, '
                f'got an input of shape {tuple(x.shape)}'
            )
        return (self._swap(x, self.num_modalities, rows // self.num_maps),)

    def _restore(
        self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor
    ) -> Tensor | None:
        rows = output.shape[0]
        if rows == self.num_maps:
            return None
        return self._swap(output, rows // self.num_maps, self.num_modalities)

    def _swap(self, x: Tensor, first: int, second: int) -> Tensor:
        """Exchange the two inner axes of the rows, (N * first * second, ...)."""
        samples = self.num_maps // self.num_modalities
        return x.unflatten(0, (samples, first, second)).transpose(1, 2).flatten(0, 2)
