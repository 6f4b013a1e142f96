import warnings
from collections.abc import Sequence

from mmengine.optim import BaseOptimWrapper, _ParamScheduler


def replay(
    optimizer: BaseOptimWrapper,
    schedulers: Sequence[_ParamScheduler],
    iterations: int,
    epochs: int = 0,
    epoch_length: int = 1,
) -> None:
    """Set learning rates as if the schedulers had run from the start of training.

    mmengine's schedulers are recursive: each rate follows from the last one. So all iterations are
    replayed, in the order of mmengine's ParamSchedulerHook.

    Args:
        optimizer: Wrapper of the optimizer. Its groups have an ``initial_lr``.
        schedulers: Schedulers of its learning rate.
        iterations: Number of iterations done.
        epochs: Number of epochs done, if training counts them. An epoch whose last iteration is
            done may not be counted yet.
        epoch_length: Number of iterations in an epoch.
    """
    for group in optimizer.param_groups:
        group['lr'] = group['initial_lr']
    with warnings.catch_warnings():
        # torch warns that no optimizer stepped in between
        warnings.filterwarnings('ignore', '.*(scheduler|optimizer).step', UserWarning)
        for scheduler in schedulers:
            scheduler.base_values = [group['initial_lr'] for group in optimizer.param_groups]
            scheduler.last_step = scheduler._global_step = -1
            scheduler.step()
        for i in range(1, iterations + 1):
            for scheduler in schedulers:
                if not scheduler.by_epoch:
                    scheduler.step()
            if i % epoch_length == 0 and i // epoch_length <= epochs:
                for scheduler in schedulers:
                    if scheduler.by_epoch:
                        scheduler.step()
