from bisect import bisect_right
from collections.abc import Sequence

from mmengine.optim import BaseOptimWrapper, _ParamScheduler
from mmengine.registry import PARAM_SCHEDULERS
from torch.optim import Optimizer


@PARAM_SCHEDULERS.register_module()
class StagedLR(_ParamScheduler):
    """Sets the learning rates of training's stages, exactly as written, for each parameter group.

    mmengine's schedulers multiply the rates of all groups alike. Here a group follows its own
    ``stage_lrs`` where it has them; the stock constructor hands them to a part of the model with
    ``paramwise_cfg=dict(custom_keys=dict(backbone=dict(stage_lrs=[...])))``. Every other group, and
    the base rate that mmengine logs, follows the scheduler's. The rates are absolute: neither the
    optimizer's ``lr`` nor ``lr_mult`` nor ``auto_scale_lr`` changes them, except that ``lr_mult=0``
    freezes a group, as under every scheduler. A resumed training keeps the rates and milestones of
    its checkpoint, as with mmengine's schedulers, unless ScheduleHook finds others in the config.

    Args:
        optimizer: Optimizer, or its wrapper.
        stage_lrs: Learning rate of each stage.
        milestones: Epochs (iterations, if not ``by_epoch``) at whose end the next stage begins.
        **kwargs: Further arguments of mmengine's schedulers: ``begin``, ``end``, ``last_step``,
            ``by_epoch``, ``verbose``. Milestones are counted from ``begin``.

    Raises:
        ValueError: If the milestones are not positive and increasing, or if there is not one rate
            for every stage.
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
