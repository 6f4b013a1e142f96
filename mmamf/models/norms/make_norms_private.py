import copy

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.instancenorm import _InstanceNorm

from ..modality_specific_layer import ModalitySpecificLayer
from .modality_specific_bn import ModalitySpecificBN
from .modality_specific_copies import ModalitySpecificCopies
from .modality_specific_gn import ModalitySpecificGN
from .modality_specific_in import ModalitySpecificIN
from .modality_specific_ln import ModalitySpecificLN

_NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm)


def make_norms_private(model: nn.Module, num_modalities: int) -> None:
    """Replace every norm layer of a network by a private one that starts from its values.

    A norm layer is one of torch's, one that inherits from it, or a layer with parameters or buffers
    of its own and with "norm" in the name of its class. Those that have neither, such as instance
    normalization without affine parameters, treat every map alike and stay; batch normalization
    has its batch in any case. What is private already stays, too. State dicts keep their keys.

    Args:
        model: The network, changed in place.
        num_modalities: Number of modalities M.

    Raises:
        ValueError: If a norm layer has a parameter that is a single number.
    """
    made: dict[nn.Module, nn.Module] = {}  # a layer in two places stays one
    for name, parent in list(model.named_modules()):
        if isinstance(parent, ModalitySpecificLayer):
            continue
        for key, child in list(parent._modules.items()):
            if child is None or not _is_norm(child):
                continue
            if child not in made:
                made[child] = _make_private(f'{name}.{key}'.lstrip('.'), child, num_modalities)
            setattr(parent, key, made[child])


def _is_norm(module: nn.Module) -> bool:
    if isinstance(module, _BatchNorm):
        return True
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    named = (
        'norm' in type(module).__name__.lower()
        and len(own) == len([*module.parameters(), *module.buffers()])
        # layers with normalized weights, and what normalizes these
        and not isinstance(module, nn.Linear | _ConvNd)
        and not type(module).__module__.startswith('torch.nn.utils.')
    )
    return bool(own) and (isinstance(module, _NORMS) or named)


def _make_private(name: str, norm: nn.Module, num_modalities: int) -> nn.Module:
    if isinstance(norm, _BatchNorm):
        private = ModalitySpecificBN(norm.num_features, num_modalities)
    elif isinstance(norm, _InstanceNorm):
        private = ModalitySpecificIN(norm.num_features, num_modalities)
    elif isinstance(norm, nn.GroupNorm):
        private = ModalitySpecificGN(norm.num_channels, num_modalities, num_groups=norm.num_groups)
    elif type(norm) is nn.LayerNorm and len(norm.normalized_shape) == 1:
        private = ModalitySpecificLN(norm.normalized_shape[0], num_modalities)
    else:
        return ModalitySpecificCopies(_widen(name, norm, num_modalities), num_modalities)
    wide = _widen(name, norm, num_modalities)
    for size in ('num_features', 'num_groups', 'num_channels', 'normalized_shape'):
        if hasattr(private.norm, size):
            setattr(wide, size, getattr(private.norm, size))
    private.norm = wide  # of the class that it had: SyncBN, one with an activation inside
    return private


def _widen(name: str, norm: nn.Module, num_modalities: int) -> nn.Module:
    """Copy a layer with its parameters and buffers repeated M times along the first axis."""
    wide = copy.deepcopy(norm)
    for module in wide.modules():
        for key, value in module.named_parameters(recurse=False):
            if not value.ndim:
                raise ValueError(
                    f'{name}: {type(norm).__name__} cannot be private to a modality: expected '
                    f'parameters with an axis, got the single number {key!r}'
                )
            repeated = value.detach().repeat(num_modalities, *(1,) * (value.ndim - 1))
            setattr(module, key, nn.Parameter(repeated, value.requires_grad))
        for key, value in module.named_buffers(recurse=False):
            if value.ndim:
                setattr(module, key, value.repeat(num_modalities, *(1,) * (value.ndim - 1)))
    return wide
