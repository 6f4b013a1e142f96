from bisect import bisect_right
from collections.abc import Sequence

from mmengine.optim import BaseOptimWrapper, _ParamScheduler
from mmengine.registry import PARAM_SCHEDULERS
from torch.optim import Optimizer


@PARAM_SCHEDULERS.register_module()
class StagedLR(_ParamScheduler):
    """Sets the exact learning rate of each stage of training, for each parameter group.

    mmengine's schedulers multiply the rates of all groups by the same factor. Here a group may have
    its own ``stage_lrs``. The stock constructor gives them to a part of the model with
    ``paramwise_cfg=dict(custom_keys=dict(backbone=dict(stage_lrs=[...])))``. All other groups, and
    the base rate that mmengine logs, follow the scheduler's ``stage_lrs``. The rates are absolute:
    the optimizer's ``lr``, ``lr_mult`` and ``auto_scale_lr`` do not change them. Only ``lr_mult=0``
    freezes a group, as with every scheduler. A resumed training keeps the rates and milestones of
    its checkpoint, as with mmengine's schedulers, unless ScheduleHook finds others in the config.

    Args:
        optimizer: Optimizer, or its wrapper.
        stage_lrs: Learning rate of each stage.
        milestones: Epochs, or iterations without ``by_epoch``, after which the next stage begins.
        **kwargs: Further arguments of mmengine's schedulers: ``begin``, ``end``, ``last_step``,
            ``by_epoch``, ``verbose``. Milestones are counted from ``begin``.

    Raises:
        ValueError: If the milestones are not positive and increasing, or the number of rates is not
            the number of stages.
    """

    def __init__(
        self,
        optimizer: Optimizer | BaseOptimWrapper,
        stage_lrs: Sequence[float],
        milestones: Sequence[int],
        **kwargs,
    ) -> None:
        self.stage_lrs = list(stage_lrs)
        self.milestones = list(milestones)
        if any(b <= a for a, b in zip([0, *milestones], milestones)):
            raise ValueError(f'StagedLR: expected milestones 0 < a < b < ..., got {milestones}')
        for group in (dict(stage_lrs=stage_lrs), *optimizer.param_groups):
            rates = group.get('stage_lrs', stage_lrs)
            if len(rates) != len(milestones) + 1:
                raise ValueError(
                    f'StagedLR: expected {len(milestones) + 1} learning rates for the milestones '
                    f'{milestones}, got {rates}'
                )
        super().__init__(optimizer, 'lr', **kwargs)

    def _get_value(self) -> list[float]:
        """Look up every group's learning rate in the current stage."""
        stage = bisect_right(self.milestones, self.last_step)
        groups = self.optimizer.param_groups
        return [group.get('stage_lrs', self.stage_lrs)[stage] for group in groups]
