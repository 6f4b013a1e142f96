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
    """Bring learning rates to where they would be if the schedulers had been there from the start.

    mmengine's schedulers are recursive: the rate of an iteration follows from the last one. So they
    go through all of them again, in the order of mmengine's ParamSchedulerHook.

    Args:
        optimizer: Wrapper of the optimizer, whose groups have an ``initial_lr``.
        schedulers: Schedulers of its learning rate.
        iterations: Iterations done.
        epochs: Epochs done, if training counts them. One whose last iteration is done may not be
            among them yet.
        epoch_length: Iterations in an epoch.
    """
    for group in optimizer.param_groups:
        group['lr'] = group['initial_lr']
    with warnings.catch_warnings():
        # that no optimizer stepped meanwhile
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
