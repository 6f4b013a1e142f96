from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor


class FusionOperator(BaseModule, metaclass=ABCMeta):
    """Contract of every operator that exchanges features between modalities.

    Inside a block, ``enter`` runs before a spatial convolution and ``leave`` after it; what
    ``leave`` needs to remember travels in ``carry``, so an operator keeps no state between calls.
    As an mmseg neck, the same operator enters and leaves on each level of a pyramid. Both take
    folded maps and return folded maps of the same shape, and both are the identity for one
    modality.

    Args:
        num_modalities: Number of modalities M.
        channels: Channels C of the maps, for operators that have parameters. A backbone passes it
            for every point where it builds an operator.

    Shape:
        - Maps: folded (N*M, C, H, W), input and output alike.

    Raises:
        ValueError: If ``num_modalities`` is less than 1.
    """

    def __init__(self, num_modalities: int, channels: int | None = None) -> None:
        super().__init__()
        if num_modalities < 1:
            raise ValueError(f'num_modalities must be at least 1, got {num_modalities}')
        self.num_modalities = num_modalities
        self.channels = channels

    @abstractmethod
    def enter(self, x: Tensor) -> tuple[Tensor, Any]:
        """Exchange before the spatial convolution; return the maps and what ``leave`` needs."""

    @abstractmethod
    def leave(self, x: Tensor, carry: Any) -> Tensor:
        """Exchange after the spatial convolution."""

    def forward(self, pyramid: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Fuse every level of a pyramid of folded maps (the neck)."""
        return tuple(self.leave(*self.enter(level)) for level in pyramid)
