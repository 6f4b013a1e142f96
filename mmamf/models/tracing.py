"""What holds where a tensor stands in for others: in graphs that are made, and in torch.func."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor
from torch.fx import Proxy


def is_eager(x: Tensor) -> bool:
    """Tell whether a tensor has values and a memory layout of its own, to be looked at."""
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
    return torch._C._functorch.is_functorch_wrapped_tensor(x)  # there is no public name for it


def is_exporting() -> bool:
    """Tell whether an ONNX graph is made. It asks every batch for its values when it runs."""
    return not torch.compiler.is_compiling() and torch.onnx.is_in_onnx_export()


def as_one_step(function: Callable) -> Callable:
    """Let ``torch.fx`` see a function as one step, as it sees torch's own.

    Args:
        function: A function of a tensor and numbers, defined in a module. It may check the tensor.
    """

    @functools.wraps(function)
    def wrapper(x: Tensor, *args: int) -> Tensor:
        if isinstance(x, Proxy):
            return x.tracer.create_proxy('call_function', wrapper, (x, *args), {})
        return function(x, *args)

    return wrapper
