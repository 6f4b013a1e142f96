"""Which modalities the samples of a batch have, from the input of a network to its output.

Outside a network the planes of an absent modality are NaN: so presence travels inside the one
tensor, through whatever crops, pads, stacks or moves it. A backbone reads it there, puts zeros in
the place of NaN, tells the layers that mix samples or modalities, and hands it on with its output.

Where all modalities are present there is no mask, and nothing differs. Traced and compiled graphs
do not look: they are for samples that have all modalities. ONNX graphs compute the mask anew for
every batch: while they are exported nothing may depend on its values, and no layer skips maps.

The mask of one forward pass is no part of a network: every thread has its own.
"""

import threading
from collections.abc import Iterable, Sequence
from weakref import WeakSet

import torch
from torch import Tensor, nn

from .modality_axis import fold_modalities
from .pass_value import PassValue


class Pyramid(tuple):
    """The maps that a backbone returns, with the mask of what is present, (N, M).

    Args:
        maps: Folded maps, (N*M, C_i, H_i, W_i).
        presence: The mask.
    """

    presence: Tensor

    def __new__(cls, maps: Iterable[Tensor], presence: Tensor) -> 'Pyramid':
        """Make a tuple that knows the mask."""
        pyramid = super().__new__(cls, maps)
        pyramid.presence = presence
        return pyramid


def with_presence(outputs: Sequence[Tensor], presence: Tensor | None) -> Sequence[Tensor]:
    """Attach a mask to maps; without one, return them as they are."""
    return outputs if presence is None else Pyramid(outputs, presence)


def presence_of(pyramid: Sequence[Tensor]) -> Tensor | None:
    """Read the mask of maps, None if all modalities are present."""
    return getattr(pyramid, 'presence', None)


def take_presence(x: Tensor, network: nn.Module) -> tuple[Tensor, Tensor | None]:
    """Read which modalities are present, and tell every layer of a network that has to know.

    The layers keep the mask until the next batch of this thread, for checkpointed activations to be
    computed again.

    Args:
        x: The input; NaN where a modality is absent.
        network: The network, with ``num_modalities``; the layers are those of its modules that have
            an attribute ``presence``.

    Returns:
        The input with zeros instead of NaN, and the mask, or None if all are present.

    Shape:
        - Input: (N, M*C, H, W).
        - Mask: (N, M), bool.

    Raises:
        ValueError: If a sample has no modality.
    """
    presence = None
    if torch.compiler.is_compiling():
        return x, None
    if not torch.jit.is_tracing() or is_exporting():
        x, presence = _read(x, network.num_modalities)
    # traced graphs, too, have to forget the last batch
    if presence is not None or network in _TOLD.networks:
        (_TOLD.networks.discard if presence is None else _TOLD.networks.add)(network)
        tell_presence(network, presence)
    return x, presence


def layer_presence() -> property:
    """Make the attribute "presence" of a layer: the mask of this thread's forward pass.

    None means that all are present, as in a compiled graph.
    """

    def read(layer: nn.Module) -> Tensor | None:
        if torch.compiler.is_compiling() or '_presence' not in layer.__dict__:
            return None
        return layer.__dict__['_presence'].get()

    def tell(layer: nn.Module, presence: Tensor | None) -> None:
        if not torch.compiler.is_compiling():
            layer.__dict__.setdefault('_presence', PassValue()).set(presence)

    return property(read, tell)


class _Told(threading.local):
    """Networks whose layers hold a mask of this thread."""

    def __init__(self) -> None:
        self.networks: WeakSet[nn.Module] = WeakSet()


_TOLD = _Told()


def is_exporting() -> bool:
    """Tell whether an ONNX graph is made, so that no value of a mask is known."""
    return not torch.compiler.is_compiling() and torch.onnx.is_in_onnx_export()


def tell_presence(network: nn.Module, presence: Tensor | None) -> None:
    """Tell a mask to every layer of a network that has to know it."""
    for layer in network.modules():
        if hasattr(layer, 'presence'):
            layer.presence = presence


def _read(x: Tensor, num_modalities: int) -> tuple[Tensor, Tensor | None]:
    # a network for one modality has nothing to look for, a meta tensor nothing to look at, and
    # a wrong number of channels is refused where they are folded
    if num_modalities == 1 or x.is_meta or x.shape[1] % num_modalities:
        return x, None
    # the first pixel tells: what lies right of and below an image may be padding
    absent = fold_modalities(x[:, :, :1, :1], num_modalities)[:, 0, 0, 0].isnan()
    absent = absent.view(-1, num_modalities)
    if not is_exporting():
        if not absent.any():
            return x, None
        if absent.all(1).any():
            raise ValueError(
                'expected at least one modality in each sample, got none (NaN in all planes) in '
                f'the samples {absent.all(1).nonzero().flatten().tolist()} of the batch'
            )
    zeros = absent.repeat_interleave(x.shape[1] // num_modalities, dim=1)[:, :, None, None]
    return x.masked_fill(zeros, 0), ~absent
