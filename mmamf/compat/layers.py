"""Conversion of layers."""

from collections.abc import Callable
from typing import Any

import torch

from .wrap import wrap


def convert_layers_as_they_say() -> None:
    """Keep private batch norms private when torch or mmengine convert batch norms.

    torch/nn/modules/batchnorm.py:926 (SyncBatchNorm.convert_sync_batchnorm) and
    mmengine/model/utils.py:177 (revert_sync_batchnorm) replace every batch norm, also of a
    subclass, by a plain layer of their own class. A layer with a method `turn_into` gets the new
    layer as argument and returns the layer to use.
    """
    from mmengine import model
    from mmengine._strategy import single_device
    from mmengine.runner import runner

    def ask(convert: Callable, *args: Any) -> torch.nn.Module:
        converted = convert(*args)
        layer = next(arg for arg in args if isinstance(arg, torch.nn.Module))
        is_new = converted is not layer and hasattr(layer, 'turn_into')
        return layer.turn_into(converted) if is_new else converted

    wrap(torch.nn.SyncBatchNorm, 'convert_sync_batchnorm', ask)
    for module in (model, model.utils, runner, single_device):
        wrap(module, 'revert_sync_batchnorm', ask)
