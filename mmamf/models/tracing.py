"""Tests for tensors without values or memory of their own: in traced graphs and torch.func."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor
from torch.fx import Proxy


def is_eager(x: Tensor) -> bool:
    """Tell whether a tensor has its own values and memory layout, which code may read."""
    return not (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()
        or isinstance(x, Proxy)
        or in_torch_func(x)
    )


def in_torch_func(x: Tensor) -> bool:
    """Tell whether a tensor is inside a transform of torch.func, such as vmap."""
    if torch.compiler.is_compiling():
        return False
    return torch._C._functorch.is_functorch_wrapped_tensor(x)  # it has no public name


def is_exporting() -> bool:
    """Tell whether an ONNX graph is being made, which reads values of every batch when it runs."""
    return not torch.compiler.is_compiling() and torch.onnx.is_in_onnx_export()


def as_one_step(function: Callable) -> Callable:
    """Make a function one step for ``torch.fx``, like torch's own functions.

    Args:
        function: A function of a tensor and numbers, at the top level of a module. It may read the
            tensor.
    """

    @functools.wraps(function)
    def wrapper(x: Tensor, *args: int) -> Tensor:
        if isinstance(x, Proxy):
            return x.tracer.create_proxy('call_function', wrapper, (x, *args), {})
        return function(x, *args)

    return wrapper
