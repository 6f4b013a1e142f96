import functools
import logging
from abc import ABCMeta, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..folded_batch import FoldedBatch, SharesBatch, in_backward, presence_of, with_presence
from ..modality_axis import fold_modalities, unfold_modalities


class FusionOperator(SharesBatch, BaseModule, metaclass=ABCMeta):
    """Contract of every operator that exchanges features between modalities.

    Inside a block, ``enter`` runs before a spatial convolution and ``leave`` after it; what
    ``leave`` needs to remember travels in ``carry``, so an operator keeps no features between
    calls. As an mmseg neck, the same operator enters and leaves on each level of a pyramid. Both
    take folded maps and return folded maps of the same shape, and both are the identity for one
    modality. Most operators have nothing to do in ``enter``.

    A sample may lack modalities. Then ``presence``, (N, M), says so: a backbone has read it from
    its input, a neck reads it from the pyramid. An absent modality neither gives nor receives:
    the others exchange as if there were no such modality, and a modality that is alone in its
    sample keeps its maps. What becomes of the maps of an absent modality means nothing. An operator
    that takes maps with :meth:`present_maps`, divides by :meth:`count_present` and returns
    :meth:`fold_received` does so.

    Three hooks do nothing unless an operator needs them:

    - ``attach_norm`` shows it the norm layer at its fusion point;
    - ``keep_loss`` keeps a loss of its own until :func:`fusion_losses` collects it;
    - ``reset_parameters`` gives its parameters their start, which the initialization of the network
      around it (all convolutions, say) does not change.

    Args:
        num_modalities: Number of modalities M.
        channels: Channels C of the maps, for operators that have parameters. A backbone passes it
            for every point where it builds an operator.

    Shape:
        - Maps: folded (N*M, C, H, W), input and output alike.

    Raises:
        ValueError: If ``num_modalities`` is less than 1, an operator with parameters gets no
            ``channels`` or maps with another number of them.
    """

    def __init__(self, num_modalities: int, channels: int | None = None) -> None:
        super().__init__()
        if num_modalities < 1:
            raise ValueError(f'num_modalities must be at least 1, got {num_modalities}')
        self.num_modalities = num_modalities
        self.channels = channels
        self.batch = FoldedBatch(num_modalities)  # until a network shares its own
        self._losses: dict[str, Tensor] = {}

    def enter(self, x: Tensor) -> tuple[Tensor, Any]:
        """Exchange before the spatial convolution; return the maps and what ``leave`` needs."""
        return x, None

    @abstractmethod
    def leave(self, x: Tensor, carry: Any) -> Tensor:
        """Exchange after the spatial convolution."""

    def attach_norm(self, norm: nn.Module) -> None:
        """Take note of the norm layer between the spatial convolution and ``leave``.

        Called once by a backbone, and never for a neck.
        """

    def reset_parameters(self) -> None:
        """Set the parameters to the values they start from."""

    def init_weights(self) -> None:
        """Undo what a network's own ``init_cfg`` did to the parameters."""
        self.reset_parameters()
        super().init_weights()

    def forward(self, pyramid: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Fuse every level of a pyramid of folded maps (the neck)."""
        fused, losses = [], []
        presence = presence_of(pyramid)
        with self.batch.knowing(presence):
            for level in pyramid:
                fused.append(self.leave(*self.enter(level)))
                losses.append(self.pop_losses())
        self._losses = sum_losses(losses)
        return with_presence(tuple(fused), presence)

    @property
    def has_losses(self) -> bool:
        """Whether a loss is of use: in training, with gradients."""
        return self.training and torch.is_grad_enabled()

    def keep_loss(self, name: str, loss: Tensor) -> None:
        """Keep a loss of this forward pass; the name must contain "loss" to be minimized.

        A loss that nobody collected gives way to that of the next pass, with a warning: it was not
        minimized.

        Where activations are checkpointed (``with_cp``), backward runs forward once more: what that
        computes is needed by autograd, but was collected before.
        """
        if in_backward():
            return
        if name in self._losses:
            _warn_not_collected(type(self).__name__, name)
        self._losses[name] = loss

    def pop_losses(self) -> dict[str, Tensor]:
        """Give the kept losses away."""
        losses, self._losses = self._losses, {}
        return losses

    def present_maps(self, x: Tensor) -> Tensor:
        """Give the modalities an axis, with zeros for those that are absent.

        Shape:
            - Input: (N*M, C, H, W).
            - Output: (N, M, C, H, W).
        """
        maps = unfold_modalities(x, self.num_modalities).unflatten(1, (self.num_modalities, -1))
        if self.presence is None:
            return maps
        return maps.masked_fill(~self.presence[:, :, None, None, None], 0)

    def count_present(self) -> Tensor | int:
        """Count the modalities that are present: M, or a tensor (N, 1, 1, 1, 1) of at least 1."""
        if self.presence is None:
            return self.num_modalities
        return self.presence.sum(1)[:, None, None, None, None]

    def fold_received(self, x: Tensor, fused: Tensor) -> Tensor:
        """Fold fused maps (N, M, C, H, W), but keep those of x where a modality has no other."""
        fused = fold_modalities(fused.flatten(1, 2), self.num_modalities)
        if self.presence is None:
            return fused
        receives = self.presence & (self.presence.sum(1, keepdim=True) > 1)
        return torch.where(receives.flatten()[:, None, None, None], fused, x)

    def _stacked_channels(self) -> int:
        """Count the channels that layers over all modalities have: M*C."""
        if self.channels is None:
            raise ValueError(
                f'{type(self).__name__} has parameters: expected the channels of the maps, got None'
            )
        return self.num_modalities * self.channels

    def _stack(self, x: Tensor) -> Tensor:
        """Unfold maps, (N*M, C, H, W) -> (N, M*C, H, W), for layers over all modalities.

        Those of absent modalities become zero.
        """
        if x.shape[1] != self.channels:
            raise ValueError(
                f'{type(self).__name__} was built for maps of {self.channels} channels, '
                f'got {x.shape[1]}; as a neck it needs as many on every level'
            )
        if self.presence is not None:
            return self.present_maps(x).flatten(1, 2)
        return unfold_modalities(x, self.num_modalities)


def sum_losses(parts: Iterable[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Add up losses of the same name."""
    total = {}
    for part in parts:
        for name, loss in part.items():
            total[name] = total[name] + loss if name in total else loss
    return total


def fusion_losses(model: nn.Module) -> dict[str, Tensor]:
    """Collect the losses that fusion operators kept in the last training forward, and clear them.

    MultimodalSegmentor and MultimodalPix2Pix add them to theirs. Reentrant checkpointing around an
    operator would hide its loss, as it computes no gradients in the first pass.

    Args:
        model: The network, or a part of it, with the operators inside.

    Returns:
        Sums over the fusion points, with keys such as ``fusion.loss_align``; empty if no operator
        has a loss.
    """
    operators = [module for module in model.modules() if isinstance(module, FusionOperator)]
    losses = sum_losses(operator.pop_losses() for operator in operators)
    return {f'fusion.{name}': loss for name, loss in losses.items()}


@functools.cache  # said once, not in every step of a training
def _warn_not_collected(operator: str, name: str) -> None:
    print_log(
        f'{operator}: {name} of a training forward was not collected, so it is not minimized. In a '
        'training, use MultimodalSegmentor instead of EncoderDecoder (or MultimodalPix2Pix), or '
        'add fusion_losses(model) to your losses',
        logger='current',
        level=logging.WARNING,
    )
