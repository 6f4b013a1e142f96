from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmamf.engine.fileio import AtomicLocalBackend


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """Saves checkpoints so that a process which dies at any moment keeps the last good one.

    It differs from mmengine's hook, whose arguments it takes, in three ways. Local files,
    `last_checkpoint` among them, are replaced as a whole or not at all. A checkpoint that is to go
    (`max_keep_ckpts`, `save_best`) is removed only after the new one is complete and
    `last_checkpoint` names it. And a validation that was due right after the checkpoint is run when
    training is resumed from it: mmengine would skip it, and with it the choice of the best
    checkpoint.

    Args:
        backend_args: Where checkpoints go; an `out_dir` that is not local needs its own.
        kwargs: Further arguments of mmengine's `CheckpointHook`.
    """

    def __init__(self, *args: Any, backend_args: dict | None = None, **kwargs: Any) -> None:
        if backend_args is None and '://' not in str(kwargs.get('out_dir') or ''):
            backend_args = dict(backend='atomic_local')
        super().__init__(*args, backend_args=backend_args, **kwargs)

    def before_train(self, runner: Runner) -> None:
        """Prepare the directory, and make up for a validation that was interrupted.

        Args:
            runner: The runner of the training process.
        """
        super().before_train(runner)
        if runner.iter > 0 and self._validation_is_due(runner):
            runner.logger.info('Running the validation that was due after the checkpoint.')
            runner.val_loop.run()

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Save the best checkpoint, and note that this iteration has been validated.

        Args:
            runner: The runner of the training process.
            metrics: Results of the validation.
        """
        runner.message_hub.update_info('last_val_iter', runner.iter)
        super().after_val_epoch(runner, metrics)

    def _validation_is_due(self, runner: Runner) -> bool:
        loop = runner.train_loop
        if runner.val_loop is None or runner.message_hub.get_info('last_val_iter') == runner.iter:
            return False
        done, last = runner.iter, runner.max_iters
        if isinstance(loop, EpochBasedTrainLoop):
            if runner.iter != runner.epoch * len(loop.dataloader):
                return False  # in the middle of an epoch
            done, last = runner.epoch, runner.max_epochs
        loop._decide_current_val_interval()
        return done >= loop.val_begin and (done % loop.val_interval == 0 or done == last)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        # In place of mmengine's, which ends by writing `last_checkpoint` with `open(..., 'w')`:
        # whatever is done around it, a process that dies there leaves the file empty.
        outdated = []
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                outdated.append(self.filename_tmpl.format(self.keep_ckpt_ids.popleft()))
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        filename = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, filename)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            filename,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            AtomicLocalBackend().put_text(self.last_ckpt, Path(runner.work_dir) / 'last_checkpoint')
            for name in outdated:
                path = self.file_backend.join_path(self.out_dir, name)
                if self.file_backend.isfile(path):
                    self.file_backend.remove(path)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        with self._removal_deferred() as removed:
            super()._save_best_checkpoint(runner, metrics)
        if removed:
            best = (
                [self.best_ckpt_path]
                if len(self.key_indicators) == 1
                else self.best_ckpt_path_dict.values()
            )
            for path in set(removed) - set(best):
                self.file_backend.remove(path)

    @contextmanager
    def _removal_deferred(self) -> Iterator[list[str]]:
        backend, removed = self.file_backend, []
        self.file_backend = copy(backend)
        self.file_backend.remove = removed.append
        try:
            yield removed
        finally:
            self.file_backend = backend
