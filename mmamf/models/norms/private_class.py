import functools

from torch import nn

from .modality_specific_norm import ModalitySpecificNorm
from .modality_specific_norms import (
    ModalitySpecificBN,
    ModalitySpecificCopies,
    ModalitySpecificGN,
    ModalitySpecificIN,
    ModalitySpecificLN,
    ModalitySpecificSyncBN,
)

_CLASSES = {
    nn.BatchNorm2d: ModalitySpecificBN,
    nn.SyncBatchNorm: ModalitySpecificSyncBN,
    nn.InstanceNorm2d: ModalitySpecificIN,
    nn.GroupNorm: ModalitySpecificGN,
    nn.LayerNorm: ModalitySpecificLN,
}


@functools.cache
def private_class(plain: type, copies: bool = False) -> type:
    """Return the private class of a norm layer: one of the package, or a new one.

    Args:
        plain: The class of the layer.
        copies: Whether M of these layers have to be called in turn.
    """
    if plain in _CLASSES and not copies:
        return _CLASSES[plain]
    mixin = ModalitySpecificCopies if copies else ModalitySpecificNorm
    bases = (mixin, plain, *plain.__bases__)
    # pickle could not find such a class by its name.
    return type(f'ModalitySpecific{plain.__name__}', bases, {'__reduce__': _reduce})


def _reduce(norm: ModalitySpecificNorm) -> tuple:
    return _new, (norm.plain_class, isinstance(norm, ModalitySpecificCopies)), norm.__dict__


def _new(plain: type, copies: bool) -> nn.Module:
    return object.__new__(private_class(plain, copies))
