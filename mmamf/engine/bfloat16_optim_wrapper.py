from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from mmengine.runner import autocast
from torch import nn


@OPTIM_WRAPPERS.register_module()
class Bfloat16OptimWrapper(OptimWrapper):
    """Runs the forward pass under bfloat16 autocast, on any device.

    mmengine's `AmpOptimWrapper` cannot be built without a GPU. bfloat16 has the exponent range of
    float32, so no loss scaling is needed. Checkpoints hold the same entries as with the stock
    wrapper.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Enable autocast, and block gradient synchronization while gradients accumulate."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
