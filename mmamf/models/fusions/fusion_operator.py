import functools
import logging
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..folded_batch import FoldedBatch, in_backward
from ..host_copy import on_host, send
from ..modality_axis import fold_modalities, unfold_modalities
from ..presence import presence_of, with_presence
from ..share_batch import SharesBatch


class FusionOperator(SharesBatch, BaseModule, metaclass=ABCMeta):
    """Base class of all operators that exchange features between modalities.

    Inside a block, ``enter`` runs before a spatial convolution and ``leave`` after it. ``carry``
    takes what ``leave`` needs from ``enter``, so an operator keeps no features between calls. As an
    mmseg neck, the operator enters and leaves on each level of a pyramid. Both methods take folded
    maps and return folded maps of the same shape; for one modality both are the identity. In most
    operators, ``enter`` does nothing.

    A sample may lack modalities; then ``presence``, (N, M), is their mask. A backbone reads it from
    its input, a neck from the pyramid. An absent modality neither gives nor receives: the others
    exchange as if it did not exist, and a modality that is alone in its sample keeps its maps. The
    maps of an absent modality have no meaning. An operator meets these rules if it takes maps with
    :meth:`present_maps`, divides by :meth:`count_present` and returns :meth:`fold_received`.

    An operator may override three methods, which do nothing by default:

    - ``attach_norm`` gets the norm layer at its fusion point;
    - ``keep_loss`` keeps a loss of the operator until :func:`fusion_losses` collects it;
    - ``reset_parameters`` sets its parameters to their start. The initialization of the surrounding
      network, of all convolutions for example, does not change them.

    Args:
        num_modalities: Number of modalities M.
        channels: Channels C of the maps, for operators that have parameters. A backbone passes it
            for each operator that it builds.

    Shape:
        - Maps: folded (N*M, C, H, W), for input and output.

    Raises:
        ValueError: If ``num_modalities`` is less than 1, or an operator with parameters gets no
            ``channels``, or gets maps with another number of them.
    """

    keeps_losses = False  # True for an operator that calls keep_loss

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

    def around(self, convolution: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """Enter, run what lies between, and leave.

        The maps of absent modalities are zeros for the operator. While modalities exchange within
        parts only, the operator runs once for each part, as if all others were absent; its losses
        are averaged over the parts.

        Args:
            convolution: What runs between ``enter`` and ``leave``.
            x: Folded maps of the modalities that are present.
        """
        batch = self.batch
        learns = self.keeps_losses or self._parameters or self._modules
        if batch.is_apart and not (learns and self.has_losses):
            return convolution(x)
        if batch.kept is None and batch.parts is None:
            x, carry = self.enter(x)
            return self.leave(convolution(x), carry)
        return self._around_in_parts(convolution, x)

    def _around_in_parts(self, convolution: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        batch = self.batch
        before = entered = batch.widen(x)
        masks, carries, losses = self._list_masks(before), [], []
        for mask in masks:
            with batch.only(mask):
                maps, carry = self.enter(before)
            carries.append(carry)
            entered = _put(mask, maps, entered)
        after = left = batch.widen(convolution(batch.narrow(entered)))
        for mask, carry in zip(masks, carries):
            with batch.only(mask):
                left = _put(mask, self.leave(after, carry), left)
            losses.append(self.pop_losses())
        self._losses = {k: loss / len(masks) for k, loss in sum_losses(losses).items()}
        return batch.narrow(left)

    def _list_masks(self, x: Tensor) -> list[Tensor]:
        """List the masks of the present modalities of each part, (N, M); none is empty."""
        m, presence = self.num_modalities, self.presence
        if self.batch.parts is None:
            return [presence]
        masks = []
        for part in self.batch.parts:
            mask = torch.zeros(len(x) // m, m, dtype=torch.bool)
            mask[:, part] = True if presence is None else on_host(presence)[:, part]
            if presence is None or mask.any():
                masks.append(send(mask, x.device))
        return masks

    def attach_norm(self, norm: nn.Module) -> None:
        """Get access to the norm layer between the spatial convolution and ``leave``.

        A backbone calls it once; a neck never calls it.
        """

    def reset_parameters(self) -> None:
        """Set the parameters to the values they start from."""

    def init_weights(self) -> None:
        """Restore the parameters after a network's own ``init_cfg`` has changed them."""
        self.reset_parameters()
        super().init_weights()

    def forward(self, pyramid: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Fuse every level of a pyramid of folded maps (the neck)."""
        fused, losses = [], []
        presence = presence_of(pyramid)
        with self.batch.use_presence(presence):
            for level in pyramid:
                fused.append(self.around(nn.Identity(), level))
                losses.append(self.pop_losses())
        self._losses = sum_losses(losses)
        return with_presence(tuple(fused), presence)

    @property
    def has_losses(self) -> bool:
        """Whether this pass can train with a loss: in training mode, with gradients."""
        return self.training and torch.is_grad_enabled()

    def keep_loss(self, name: str, loss: Tensor) -> None:
        """Keep a loss of this forward pass; the name must contain "loss" to be minimized.

        If nobody collects a loss, the next pass replaces it and warns that it was not minimized.

        With activation checkpointing (``with_cp``), backward runs forward again. Autograd needs
        this second pass, but its loss was collected in the first.
        """
        if in_backward():
            return
        if name in self._losses:
            _warn_not_collected(type(self).__name__, name)
        self._losses[name] = loss

    def pop_losses(self) -> dict[str, Tensor]:
        """Return the kept losses, and forget them."""
        losses, self._losses = self._losses, {}
        return losses

    def present_maps(self, x: Tensor) -> Tensor:
        """Unfold the modalities into an axis, with zeros for absent ones.

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
        return self.presence.sum(1).clamp(min=1)[:, None, None, None, None]

    def fold_received(self, x: Tensor, fused: Tensor) -> Tensor:
        """Fold fused maps (N, M, C, H, W); a modality that is absent or alone keeps its maps x."""
        fused = fold_modalities(fused.flatten(1, 2), self.num_modalities)
        if self.presence is None:
            return fused
        receives = self.presence & (self.presence.sum(1, keepdim=True) > 1)
        return torch.where(receives.flatten()[:, None, None, None], fused, x)

    def _stacked_channels(self) -> int:
        """Return the number of channels of all modalities together, M*C."""
        if self.channels is None:
            raise ValueError(
                f'{type(self).__name__}: expected the channels of the maps as channels (in '
                'SharedMultimodalBackbone: fusion_stages={output: channels}), got None'
            )
        return self.num_modalities * self.channels

    def _stack(self, x: Tensor) -> Tensor:
        """Unfold maps, (N*M, C, H, W) -> (N, M*C, H, W), for layers over all modalities.

        Maps of absent modalities become zero.
        """
        if x.shape[1] != self.channels:
            raise ValueError(
                f'{type(self).__name__}: expected maps of {self.channels} channels (as a neck, on '
                f'every level), got {x.shape[1]}'
            )
        if self.presence is not None:
            return self.present_maps(x).flatten(1, 2)
        return unfold_modalities(x, self.num_modalities)


def _put(mask: Tensor, maps: Tensor, into: Tensor) -> Tensor:
    """Replace the maps of the modalities in a mask, (N, M)."""
    return torch.where(mask.flatten()[:, None, None, None], maps, into)


def sum_losses(parts: Iterable[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Add up losses of the same name."""
    total = {}
    for part in parts:
        for name, loss in part.items():
            total[name] = total[name] + loss if name in total else loss
    return total


@functools.cache  # so that a training warns only once
def _warn_not_collected(operator: str, name: str) -> None:
    print_log(
        f'{operator}: {name} of a training forward was not collected, so it is not minimized. '
        'Train with MultimodalSegmentor (not EncoderDecoder) or MultimodalPix2Pix, or add '
        'fusion_losses(model) to your losses',
        logger='current',
        level=logging.WARNING,
    )
