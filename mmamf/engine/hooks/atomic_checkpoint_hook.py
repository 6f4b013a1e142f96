import os
from copy import copy
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmamf.engine.atomic_local_backend import AtomicLocalBackend


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """Saves checkpoints so that the last good one survives if the process dies at any moment.

    It takes the arguments of mmengine's CheckpointHook and differs from it in four ways:

    - Local files, including `last_checkpoint`, are written completely or not at all.
    - An outdated checkpoint (`max_keep_ckpts`, `save_best`) is removed only after the new one is
      complete and `last_checkpoint` names it. If the process dies before that, the resumed training
      removes it.
    - If a validation was due directly after a checkpoint, a training resumed from it runs this
      validation. mmengine would skip it, and also the choice of the best checkpoint.
    - It changes only files in its own folder. Checkpoints and `last_checkpoint` hold file names
      without a folder, and the folder in a path of an older checkpoint is ignored. If training is
      resumed from a checkpoint in another folder, that folder stays as it is.

    Args:
        backend_args: Arguments of the file backend for checkpoints. An `out_dir` that is not local
            needs its own.
        kwargs: Further arguments of mmengine's `CheckpointHook`.
    """

    def __init__(self, *args: Any, backend_args: dict | None = None, **kwargs: Any) -> None:
        local = '://' not in str(kwargs.get('out_dir') or '')
        if backend_args is None and kwargs.get('file_client_args') is None and local:
            backend_args = dict(backend='atomic_local')
        super().__init__(*args, backend_args=backend_args, **kwargs)
        self._deferred: list[str] = []  # paths to remove later

    def before_train(self, runner: Runner) -> None:
        """Prepare the directory, and run a validation that was interrupted."""
        hub, foreign = runner.message_hub, self._resumed_from_elsewhere(runner)
        outdated = hub.runtime_info.pop('outdated_ckpts', [])
        if foreign:
            hub.runtime_info.pop('keep_ckpt_ids', None)
            outdated = []
        super().before_train(runner)
        for key in [key for key in hub.runtime_info if key.startswith('best_ckpt')]:
            path = None if foreign else self._own_path(hub.get_info(key))
            if path is None:
                runner.logger.info(
                    f'The best checkpoint so far, {os.path.basename(hub.pop_info(key) or "")}, is '
                    f'not in {self.out_dir}; one that is better will be saved there.'
                )
            if key == 'best_ckpt':
                self.best_ckpt_path = path
            elif hasattr(self, 'best_ckpt_path_dict'):  # there are several metrics
                self.best_ckpt_path_dict[key.removeprefix('best_ckpt_')] = path
        if is_main_process():
            for path in filter(None, map(self._own_path, outdated)):
                self.file_backend.remove(path)
                runner.logger.info(f'Removed {path}, which an interrupted run left behind.')
        if runner.iter > 0 and self._validation_is_due(runner):
            runner.logger.info('Running the validation that was due after the checkpoint.')
            runner.val_loop.run()

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Save the best checkpoint, and record that this iteration has been validated."""
        runner.message_hub.update_info('last_val_iter', runner.iter)
        super().after_val_epoch(runner, metrics)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Remove the folders from the paths in the checkpoint."""
        info = checkpoint['message_hub']['runtime_info']
        for key, value in info.items():
            if value and (key == 'last_ckpt' or key.startswith('best_ckpt')):
                info[key] = os.path.basename(value)

    def _resumed_from_elsewhere(self, runner: Runner) -> bool:
        """Tell whether training is resumed from a checkpoint in another folder than this hook's."""
        if not (runner._resume and runner._load_from):
            return False
        folder = runner.work_dir
        if self.out_dir is not None:  # mmengine uses this sub-folder of it
            folder = os.path.join(self.out_dir, os.path.basename(folder.rstrip(os.sep)))
        return os.path.realpath(os.path.dirname(runner._load_from)) != os.path.realpath(folder)

    def _own_path(self, path: str | None) -> str | None:
        """Return the path with the file's name in this hook's folder; None if there is no file."""
        path = path and self.file_backend.join_path(self.out_dir, os.path.basename(path))
        return path if path and self.file_backend.isfile(path) else None

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
        # Replaces mmengine's method, which writes `last_checkpoint` with `open(..., 'w')`. A
        # process that dies there leaves the file empty.
        outdated = []
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                outdated.append(self.filename_tmpl.format(self.keep_ckpt_ids.popleft()))
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        # Files to remove after this checkpoint is written. If the run dies before, the resumed run
        # removes them.
        journal = [*outdated, *map(os.path.basename, self._deferred)]
        runner.message_hub.update_info('outdated_ckpts', journal)
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
            last = self.last_ckpt
            if os.path.realpath(self.out_dir) == os.path.realpath(runner.work_dir):
                last = filename
            elif '://' not in last:
                last = os.path.abspath(last)
            AtomicLocalBackend().put_text(last, Path(runner.work_dir) / 'last_checkpoint')
            for name in outdated:
                path = self.file_backend.join_path(self.out_dir, name)
                if self.file_backend.isfile(path):
                    self.file_backend.remove(path)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        # mmengine removes the old best checkpoint first; here that waits for the new one
        backend, removed = self.file_backend, self._deferred
        self.file_backend = copy(backend)
        self.file_backend.remove = removed.append
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            self.file_backend, self._deferred = backend, []
        if removed:
            best = (
                [self.best_ckpt_path]
                if len(self.key_indicators) == 1
                else self.best_ckpt_path_dict.values()
            )
            for path in set(removed) - set(best):
                self.file_backend.remove(path)

    def _publish_model(self, runner: Runner, ckpt_path: str | None) -> None:
        # if the best checkpoint stayed in another folder, there is nothing to publish
        if ckpt_path and self.file_backend.isfile(ckpt_path):
            super()._publish_model(runner, ckpt_path)
