import copy
import functools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..modality_axis import separate_modalities
from ..module_names import find_modules
from .modality_specific_conv import ModalitySpecificConv


def make_convs_private(network: nn.Module, patterns: Sequence[str], num_modalities: int) -> None:
    """Replace the convolutions in parts of a network by private ones that start from their values.

    `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020) shares all convolutions. The first stages of
    a network have few of its parameters, and see what differs most between modalities. State dicts
    keep their keys, and a plain checkpoint is loaded into every modality.

    Args:
        network: The network, changed in place.
        patterns: Names or patterns of modules, as :func:`find_modules` takes them. Of each, all
            convolutions become private.
        num_modalities: Number of modalities M.

    Raises:
        ValueError: If a pattern fits no module, or a module has no two-dimensional convolution.
    """
    for name in find_modules(network, patterns, 'private_at'):
        part = network.get_submodule(name)
        convs = {key: m for key, m in part.named_modules(prefix=name) if isinstance(m, nn.Conv2d)}
        if not convs:
            raise ValueError(
                f'private_at: expected modules with convolutions, got {name!r}, a '
                f'{type(part).__name__} without one'
            )
        for key, conv in convs.items():
            if num_modalities > 1 and not isinstance(conv, ModalitySpecificConv):
                parent, _, last = key.rpartition('.')
                setattr(network.get_submodule(parent), last, _make_private(conv, num_modalities))


class ModalitySpecificConvCopies(ModalitySpecificConv):
    """Mixin for convolutions of other libraries, which may do more than torch's: M calls in turn.

    Shape:
        - Input: folded maps (N*M, C, H, W).
        - Output: folded maps (N*M, C', H', W').
    """

    def apply_private(self, x: Tensor) -> Tensor:
        """Call the layer for every modality, with that modality's kernel."""
        maps = separate_modalities(x, self.num_modalities)  # (N, M, C, H, W)
        out = [self._call_copy(index, own) for index, own in enumerate(maps.unbind(1))]
        return torch.stack(out, dim=1).flatten(0, 1)

    def _call_copy(self, index: int, x: Tensor) -> Tensor:
        own = {
            key: value if value is None else value.chunk(self.num_modalities)[index]
            for key, value in self._parameters.items()
        }
        layer = object.__new__(self.plain_class)
        layer.__dict__ = {**self.__dict__, '_parameters': own}
        return self.plain_class.forward(layer, x)


def _make_private(conv: nn.Conv2d, num_modalities: int) -> ModalitySpecificConv:
    private = copy.deepcopy(conv)
    for key, value in conv.named_parameters():
        repeated = value.detach().repeat(num_modalities, *(1,) * (value.ndim - 1))
        setattr(private, key, nn.Parameter(repeated, value.requires_grad))
    private.__class__ = _private_class(type(conv))
    private.num_modalities = num_modalities
    return private


@functools.cache
def _private_class(plain: type) -> type:
    if plain is nn.Conv2d:
        return ModalitySpecificConv
    bases = (ModalitySpecificConvCopies, plain)
    # pickle could not find such a class by its name
    return type(f'ModalitySpecific{plain.__name__}', bases, {'__reduce__': _reduce})


def _reduce(conv: ModalitySpecificConv) -> tuple:
    return _new, (conv.plain_class,), conv.__dict__


def _new(plain: type) -> nn.Module:
    return object.__new__(_private_class(plain))
