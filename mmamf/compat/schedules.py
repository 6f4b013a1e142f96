"""Schedules of learning rates."""

from collections.abc import Callable
from typing import Any

from .wrap import wrap


def keep_frozen_groups_frozen() -> None:
    """Keep the learning rate of parameter groups at 0 if it starts at 0 (`lr_mult=0`).

    mmengine/optim/scheduler/param_scheduler.py:886 (PolyLR) and :683 (CosineAnnealingLR,
    CosineRestartLR) move every group to `eta_min`, and :1020 (OneCycleLR) to `eta_max`. So they
    would train groups that should be frozen.
    """
    from mmengine.optim.scheduler import param_scheduler

    def step(original_step: Callable, self: Any, *args: Any, **kwargs: Any) -> None:
        original_step(self, *args, **kwargs)
        if self.param_name == 'lr' and 0 in self.base_values:
            for group, base in zip(self.optimizer.param_groups, self.base_values):
                if base == 0:
                    group['lr'] = 0.0
            self._last_value = [group['lr'] for group in self.optimizer.param_groups]

    def format_param(
        original_format: Callable, self: Any, name: str, optimizer: Any, param: Any
    ) -> list[float]:
        values = original_format(self, name, optimizer, param)
        return [v if group['lr'] else 0.0 for v, group in zip(values, optimizer.param_groups)]

    wrap(param_scheduler._ParamScheduler, 'step', step)
    wrap(param_scheduler.OneCycleParamScheduler, '_format_param', format_param)
