import math
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import nn

from mmamf.engine.bare_model import bare_model
from mmamf.engine.check_optimizer import wrappers_of

PATIENCE = 20  # the loss scale starts at 2^16; after 16 halvings it is not the cause
ADVICE = (
    'Lower the learning rate, clip gradients (optim_wrapper.clip_grad), or look for inputs and '
    'labels with wrong values'
)


@HOOKS.register_module()
class FiniteTrainingHook(Hook):
    """Stops a diverged training before its checkpoint replaces a good one.

    After every iteration, it checks the logged losses, for which the host waits anyway. With loss
    scaling (float16 mixed precision), an iteration whose loss is not finite changes no weight, so
    training stops only after 20 of them in a row. Before training and before each checkpoint,
    including the best one, it checks the weights.

    Raises:
        ValueError: If a loss or a weight is NaN or infinite.
    """

    priority = 'LOW'  # after logging and weight averaging, before checkpoints

    def __init__(self) -> None:
        self._skipped = 0  # successive iterations with a loss that is not finite

    def before_train(self, runner: Runner) -> None:
        """Check the weights that training starts from."""
        names = _non_finite(bare_model(runner.model), bare_model(runner.model).state_dict())
        if names:
            source = runner._load_from or 'the pretrained weights'
            raise ValueError(
                f'Training would start from weights that are not finite: {_list(names)}. Expected '
                f'numbers, got NaN or infinity; choose another checkpoint than {source}'
            )

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Mapping | None = None,
    ) -> None:
        """Check the losses."""
        logged, losses = runner.message_hub.log_scalars, {}
        for key in outputs if isinstance(outputs, Mapping) else ():
            if 'loss' in key:
                scalar = logged.get(f'train/{key}')
                losses[key] = float(outputs[key] if scalar is None else scalar.current())
        if all(map(math.isfinite, losses.values())):
            self._skipped = 0
            return
        self._skipped += 1
        # with loss scaling, the optimizer skips its step if a gradient is not finite
        scales = all(hasattr(wrapper, 'loss_scaler') for _, wrapper in wrappers_of(runner))
        if scales and self._skipped < PATIENCE:
            return
        raise ValueError(
            f'Training diverged at iteration {runner.iter + 1}: expected finite losses, got '
            + ', '.join(f'{key} {value:.4g}' for key, value in losses.items())
            + f'. {ADVICE}; earlier checkpoints in {runner.work_dir} stay'
        )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the weights that will be saved, including averaged ones (EMA)."""
        model = bare_model(runner.model)
        names = _non_finite(model, checkpoint['state_dict'])
        names += _non_finite(model, checkpoint.get('ema_state_dict', {}))
        if names:
            raise ValueError(
                f'Training diverged by iteration {checkpoint["meta"]["iter"]}: expected finite '
                f'weights, got NaN or infinity in {_list(names)}. This checkpoint is not saved. '
                f'{ADVICE}; earlier checkpoints in {runner.work_dir} stay'
            )


def _non_finite(model: nn.Module, state: Mapping) -> list[str]:
    """List the entries with NaN or infinity. Buffers, such as masks, may hold minus infinity."""
    buffers, found = dict(model.named_buffers()), []
    for name, value in state.items():
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            wrong = ~value.isfinite()
            if name.removeprefix('module.') in buffers:
                wrong &= value != -math.inf
            if wrong.any():
                found.append(name)
    return found


def _list(names: list[str]) -> str:
    more = f' and {len(names) - 3} more' if len(names) > 3 else ''
    return ', '.join(names[:3]) + more
