import copy

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.conv import _ConvNd

from ..modality_specific_layer import ModalitySpecificLayer
from .private_class import private_class
from .shared_bn import SharedBN

_NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm)


def make_norms_private(model: nn.Module, num_modalities: int) -> None:
    """Replace every norm layer of a network by a private one that starts from its values.

    A norm layer is one of torch's, a subclass of one, or a layer with its own parameters or buffers
    and with "norm" in the name of its class. A norm without parameters or buffers, such as instance
    normalization without affine parameters, treats every map alike and stays. Batch norm is always
    replaced, because its statistics would mix modalities. Layers that are private already stay,
    and so does :class:`SharedBN`. State dicts keep their keys.

    Args:
        model: The network, changed in place.
        num_modalities: Number of modalities M.

    Raises:
        ValueError: If a norm layer has a parameter without an axis (a single number).
    """
    made: dict[nn.Module, nn.Module] = {}  # a layer used in two places stays one
    for name, parent in list(model.named_modules()):
        for key, child in list(parent._modules.items()):
            if child is None or not _is_norm(child):
                continue
            if child not in made:
                made[child] = _make_private(f'{name}.{key}'.lstrip('.'), child, num_modalities)
            setattr(parent, key, made[child])


def _is_norm(module: nn.Module) -> bool:
    if isinstance(module, _BatchNorm | ModalitySpecificLayer):
        return not isinstance(module, ModalitySpecificLayer | SharedBN)
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    named = (
        'norm' in type(module).__name__.lower()
        and len(own) == len([*module.parameters(), *module.buffers()])
        # except layers with normalized weights, and the parts that normalize them
        and not isinstance(module, nn.Linear | _ConvNd)
        and not type(module).__module__.startswith('torch.nn.utils.')
    )
    return bool(own) and (isinstance(module, _NORMS) or named)


def _make_private(name: str, norm: nn.Module, num_modalities: int) -> nn.Module:
    private = _widen(name, norm, num_modalities)
    is_flat = type(norm) is nn.LayerNorm and len(norm.normalized_shape) == 1
    if isinstance(norm, _NormBase):
        private.num_features *= num_modalities
    elif isinstance(norm, nn.GroupNorm):
        private.num_groups *= num_modalities
        private.num_channels *= num_modalities
    elif is_flat:
        private.normalized_shape = (num_modalities * norm.normalized_shape[0],)
    copies = not isinstance(norm, _NormBase | nn.GroupNorm) and not is_flat
    private.__class__ = private_class(type(norm), copies)
    private.num_modalities = num_modalities
    private.private_entries = tuple(key for key, v in norm.state_dict().items() if v.ndim)
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
