"""Makes mmseg's layer-wise learning rates work in a SharedMultimodalBackbone.

mmseg/engine/optimizers/layer_decay_optimizer_constructor.py finds the layers by the class of
``model.backbone`` and by names that start with ``backbone.``. For unknown backbones it raises a
NotImplementedError without text.
"""

import functools
from collections.abc import Callable, Iterator
from types import SimpleNamespace

from mmseg.engine.optimizers import LearningRateDecayOptimizerConstructor
from torch import nn

from mmamf.models import SharedMultimodalBackbone

_INSIDE = 'backbone.backbone.'


def decay_layers_of_shared_backbones() -> None:
    """Let mmseg's optimizer constructors see the backbone inside a SharedMultimodalBackbone."""
    original = LearningRateDecayOptimizerConstructor.add_params
    if not hasattr(original, '__wrapped__'):
        LearningRateDecayOptimizerConstructor.add_params = _wrap(original)


def _wrap(add_params: Callable) -> Callable:
    @functools.wraps(add_params)
    def wrapped(self, params: list[dict], module: nn.Module, **kwargs) -> None:
        config = self.paramwise_cfg or {}
        missing = [key for key in ('num_layers', 'decay_rate') if config.get(key) is None]
        if missing:
            raise ValueError(
                f'optim_wrapper.paramwise_cfg: expected {" and ".join(missing)} for '
                f'{type(self).__name__}, got {dict(config)}'
            )
        seen = module
        if isinstance(module.backbone, SharedMultimodalBackbone):
            seen = SimpleNamespace(
                backbone=module.backbone.backbone, named_parameters=lambda: _plain_names(module)
            )
        try:
            add_params(self, params, seen, **kwargs)
        except NotImplementedError as error:
            raise ValueError(
                f'optim_wrapper.constructor: {type(self).__name__} knows the layers of ConvNeXt, '
                f'BEiT and MAE (stage_wise: of ConvNeXt), got {type(seen.backbone).__name__}. '
                "Without the constructor, paramwise_cfg=dict(custom_keys={'backbone': "
                'dict(lr_mult=0.1)}) gives a backbone a rate of its own'
            ) from error

    return wrapped


def _plain_names(module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    for name, parameter in module.named_parameters():
        is_inside = name.startswith(_INSIDE)
        yield f'backbone.{name[len(_INSIDE) :]}' if is_inside else name, parameter


decay_layers_of_shared_backbones()
