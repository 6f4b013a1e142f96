"""A module of any network, with a fusion operator around it."""

import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmseg.models.utils import nchw_to_nlc, nlc_to_nchw
from torch import Tensor, nn
from torch.fx import Proxy
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from ..folded_batch import FoldedBatch
from ..fusions import FusionOperator
from ..norms import ModalitySpecificCopies


class MisfitError(ValueError):
    """A module cannot have an operator around it.

    Args:
        module: The module.
        reason: What was expected, and what came.
    """

    def __init__(self, module: nn.Module, reason: str) -> None:
        super().__init__(f'{type(module).__name__}: {reason}')
        self.module, self.reason = module, reason


class FusedPlace:
    """Mixin that lets a fusion operator enter before a module and leave after it.

    From `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020). The paper fuses around the 3 x 3
    convolutions of a ResNet; here it is any module of any network that keeps the shape of its
    input. The module stays where it is, and only its class changes (:func:`fuse`), so the network
    finds it and a state dict keeps its keys.

    The operator is no child of the module, because containers run all their children, and backbones
    initialize all layers inside them. Who calls :func:`fuse` has to keep it.

    A module whose forward has an argument ``hw_shape``, as in mmseg's transformers, takes tokens.
    They become maps for the operator, and tokens again for the module. All further arguments are
    passed on.

    Shape:
        - Maps: folded (N*M, C, H, W), for input and output.
        - Tokens: folded (N*M, H*W, C), for input and output.

    Raises:
        MisfitError: If the input is neither maps nor tokens, or does not have one row for every
            folded map, the output has another shape, or the module changes its input. Traced
            graphs are not checked.
    """

    _fusion: tuple[FusionOperator]  # in a tuple: not a submodule

    def forward(self, x: Any = None, *args, **kwargs) -> Tensor:
        """Enter, run the module, and leave."""
        plain, (fusion,) = super().forward, self._fusion
        hw_shape = find_hw_shape(self, args, kwargs)
        is_traced = isinstance(x, Proxy) or torch.jit.is_tracing()
        if not is_traced:
            check_input(self, fusion.batch, x, hw_shape)

        def run(maps: Tensor) -> Tensor:
            rows = maps if hw_shape is None else nchw_to_nlc(maps)
            version = None if is_traced or rows.is_inference() else rows._version
            out = plain(rows, *args, **kwargs)
            if not is_traced:
                check_output(self, rows, out)
            if version is not None and rows._version != version:  # the operator may still read it
                raise MisfitError(self, 'expected a module that does not change its input')
            return out if hw_shape is None else nlc_to_nchw(out, hw_shape)

        if hw_shape is None:
            return fusion.around(run, x)
        return nchw_to_nlc(fusion.around(run, nlc_to_nchw(x, hw_shape)))

    def __reduce__(self) -> tuple:
        # pickle could not find such a class by its name
        return _new, (_plain_class(self),), self.__dict__


def fuse(module: nn.Module, operator: FusionOperator) -> None:
    """Put an operator around a module, which is changed in place.

    Args:
        module: The module.
        operator: The operator.
    """
    module.__class__ = _fused_class(type(module))
    module._fusion = (operator,)


def separate(module: FusedPlace) -> None:
    """Undo :func:`fuse`."""
    module.__class__ = _plain_class(module)
    del module._fusion


def find_hw_shape(module: nn.Module, args: Sequence, kwargs: Mapping) -> Sequence[int] | None:
    """Find the height and width of tokens among the arguments after the first.

    Args:
        module: The module that gets them, with an operator or without.
        args: The arguments given by position.
        kwargs: The arguments given by name.
    """
    if 'hw_shape' in kwargs:
        return kwargs['hw_shape']
    kind = type(module) if isinstance(module, FusedPlace) else _fused_class(type(module))
    given = () if kind._hw_at is None else args[kind._hw_at :]
    return given[0] if given else None


def read_channels(module: nn.Module) -> tuple[int, int] | None:
    """Tell which axis of its input holds the channels, and how many, by its first known layer.

    Returns:
        (1, C) for maps, (-1, C) where the channels come last; None if no layer tells.
    """
    for layer in module.modules():
        m = 1 if isinstance(layer, ModalitySpecificCopies) else getattr(layer, 'num_modalities', 1)
        if isinstance(layer, _ConvNd):
            return 1, layer.in_channels
        if isinstance(layer, _NormBase):
            return 1, layer.num_features // m
        if isinstance(layer, nn.GroupNorm):
            return 1, layer.num_channels // m
        if isinstance(layer, nn.LayerNorm):
            return -1, layer.normalized_shape[-1] // m
        if isinstance(layer, nn.Linear):
            return -1, layer.in_features
    return None


def check_input(module: nn.Module, batch: FoldedBatch, x: Any, hw_shape: Any) -> None:
    """Check that a module takes maps, or tokens of known height and width, one row for each map.

    Raises:
        MisfitError: If it does not.
    """
    if not isinstance(x, Tensor):
        raise MisfitError(module, f'expected a tensor as first argument, got {type(x).__name__}')
    shape = tuple(x.shape)
    axis, channels = read_channels(module) or (None, None)
    if hw_shape is not None:
        height, width = hw_shape
        if x.dim() != 3 or x.shape[1] != height * width:
            raise MisfitError(
                module,
                f'expected tokens (rows, {height} * {width}, C), as hw_shape says, got {shape}',
            )
    elif x.dim() != 4:
        raise MisfitError(
            module,
            'expected maps (rows, C, H, W), or tokens (rows, H*W, C) and an argument hw_shape in '
            f'its forward, got {shape}',
        )
    elif axis != 1 or x.shape[1] != channels:
        reads = f'C = {channels}' if axis == 1 else 'a convolution or batch norm as first layer'
        raise MisfitError(
            module, f'expected maps (rows, C, H, W) with {reads}, which tells the axis, got {shape}'
        )
    rows = batch.rows_per_map(module, x)
    if rows > 1:
        raise MisfitError(
            module, f'expected one row for each map, got {rows} rows (windows or tokens) for each'
        )


def check_output(module: nn.Module, x: Tensor, out: Any) -> None:
    """Check that a module keeps the shape of its input.

    Raises:
        MisfitError: If it does not.
    """
    if not isinstance(out, Tensor) or out.shape != x.shape:
        got = tuple(out.shape) if isinstance(out, Tensor) else f'a {type(out).__name__}'
        raise MisfitError(
            module, f'expected an output of the shape of its input, {tuple(x.shape)}, got {got}'
        )


@functools.cache
def _fused_class(plain: type) -> type:
    # The base classes of the plain class are direct ones here, too: initializers look at them.
    bases = (FusedPlace, plain, *plain.__bases__)
    arguments = [*inspect.signature(plain.forward).parameters][2:]  # after self and the first
    at = arguments.index('hw_shape') if 'hw_shape' in arguments else None
    return type(f'Fused{plain.__name__}', bases, {'_hw_at': at})


def _plain_class(module: FusedPlace) -> type:
    return type(module).__bases__[1]


def _new(plain: type) -> FusedPlace:
    return object.__new__(_fused_class(plain))
