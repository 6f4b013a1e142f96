from itertools import chain, repeat
from typing import Any

import numpy as np
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.optim import OptimWrapperDict
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmamf.engine.bare_model import bare_model
from mmamf.engine.seeded_data import SeededBatchSampler, SeededDataset, seed_all

_MODEL, _DATA = 0, 1  # third number of a seed key: the stream of random numbers


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Makes a resumed training continue as if it was never interrupted, bit for bit on a CPU.

    mmengine restores weights, optimizer, schedulers and EMA, but not the random state. So a resumed
    run has other augmentations and dropout masks, and another data order if no seed was set. It
    also loses gradients that were still accumulating.

    This hook makes all random numbers in training a function of the position. The generators are
    seeded from (seed, rank, iteration) before each iteration, and from (seed, rank, number of the
    batch, place in the batch) before each sample, in any worker. So the history of the run, the
    number of workers and validations in between do not matter. Skipping the trained data then costs
    only its indices; mmengine's iteration-based loop loads all of it again.

    It also stores mmengine's message hub in plain types, so that the checkpoint loads with
    `torch.load(..., weights_only=True)` without an allow-list.

    It works with stock loops, samplers, data sets and worker settings. It does not restore buffers
    that are not in the model's state_dict. In distributed training, it does not restore gradients
    that were accumulating on ranks other than 0; a warning says so when such a checkpoint is
    written.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._state: dict | None = None

    def before_train(self, runner: Runner) -> None:
        """Replace the data loader by a seeded one that begins where training starts.

        Raises:
            ValueError: If the loop is not mmengine's iteration-based or epoch-based loop, or the
                data set cannot be indexed.
        """
        loop = runner.train_loop
        if isinstance(runner.optim_wrapper, OptimWrapperDict):
            # with several optimizers, mmengine would count iterations from zero again
            for wrapper in runner.optim_wrapper.values():
                wrapper.initialize_count_status(runner.model, runner.iter, runner.max_iters)
        endless = isinstance(loop, IterBasedTrainLoop)
        if not endless and not isinstance(loop, EpochBasedTrainLoop):
            raise ValueError(
                'ExactResumeHook: expected an IterBasedTrainLoop or EpochBasedTrainLoop, got '
                f'{type(loop).__name__}'
            )
        loader = loop.dataloader
        if loader.batch_sampler is None or not hasattr(loader.dataset, '__getitem__'):
            raise ValueError(
                'ExactResumeHook: expected a data set that is indexed and loaded in batches, got '
                f'{type(loader.dataset).__name__} with batch_size={loader.batch_size}'
            )
        if endless:
            # the loop has already started workers, which nobody needs
            loop.dataloader_iterator = loader._iterator = None
        if runner.iter > 0:
            self._restore(runner, loader)
        sampler = loader.batch_sampler.sampler
        if isinstance(sampler, InfiniteSampler):
            sampler.indices = sampler._indices_of_rank()  # the old iterator took some
        batches = SeededBatchSampler(
            loader.batch_sampler, (runner.seed, runner.rank, _DATA), endless=endless
        )
        loop.dataloader = DataLoader(
            SeededDataset(loader.dataset),
            batch_sampler=batches,
            num_workers=loader.num_workers,
            collate_fn=loader.collate_fn,
            pin_memory=loader.pin_memory,
            timeout=loader.timeout,
            worker_init_fn=loader.worker_init_fn,
            multiprocessing_context=loader.multiprocessing_context,
            prefetch_factor=loader.prefetch_factor,
            persistent_workers=loader.persistent_workers,
        )
        if endless:
            batches.skip = runner.iter
            # the loop skips one batch for each iteration done, so give it empty batches to skip
            loop.dataloader_iterator = chain(repeat(None, runner.iter), iter(loop.dataloader))

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the sampler where to start; a resumed run may start in the middle of an epoch."""
        loader = runner.train_loop.dataloader
        loader.batch_sampler.first = runner.epoch * len(loader)
        loader.batch_sampler.skip = runner.iter - runner.epoch * len(loader)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed the random numbers of the model in this iteration."""
        seed_all(runner.seed, runner.rank, _MODEL, runner.iter)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the state to the checkpoint; turn its message hub and meta data into plain types."""
        checkpoint['message_hub'] = _to_plain(checkpoint['message_hub'])
        checkpoint['meta'] = _to_plain(checkpoint['meta'])
        if 'optimizer' not in checkpoint:
            return  # a checkpoint with weights only, such as the best one
        loader = runner.train_loop.dataloader
        gradients = {
            name: parameter.grad.cpu()
            for name, parameter in bare_model(runner.model).named_parameters()
            if parameter.grad is not None
        }
        if gradients and get_world_size() > 1:
            runner.logger.warning(
                'The checkpoint is written while gradients accumulate; those of ranks other than '
                '0 are not stored. Choose a checkpoint interval that accumulative_counts divides.'
            )
        checkpoint['exact_resume'] = dict(
            sampler_seed=getattr(loader.batch_sampler.sampler, 'seed', None),
            world_size=get_world_size(),
            batch_size=loader.batch_sampler.batch_size,
            gradients=gradients,
        )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the state, and turn the message hub's scalars back into mmengine's types."""
        self._state = checkpoint.get('exact_resume')
        scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
        for key, value in scalars.items():
            if isinstance(value, dict):
                scalars[key] = HistoryBuffer(
                    value['log_history'].numpy(),
                    value['count_history'].numpy(),
                    value['max_length'],
                )

    def _restore(self, runner: Runner, loader: DataLoader) -> None:
        if self._state is None:
            runner.logger.warning(
                'The checkpoint was written without ExactResumeHook: training continues, but not '
                'exactly as the run that wrote it would have.'
            )
            return
        here = dict(world_size=get_world_size(), batch_size=loader.batch_sampler.batch_size)
        there = {key: self._state[key] for key in here}
        if here != there:
            runner.logger.warning(
                f'The checkpoint was written with {there}, this run has {here}: it continues, but '
                'not exactly as the run that wrote the checkpoint would have.'
            )
        sampler = loader.batch_sampler.sampler
        if self._state['sampler_seed'] is not None:
            sampler.seed = self._state['sampler_seed']
        parameters = dict(bare_model(runner.model).named_parameters())
        for name, gradient in self._state['gradients'].items():
            parameters[name].grad = gradient.to(parameters[name].device)
        self._state = None


def _to_plain(value: Any) -> Any:
    """Replace HistoryBuffer and NumPy objects by dicts, tensors, lists and numbers, recursively."""
    if isinstance(value, HistoryBuffer):
        log_history, count_history = (torch.from_numpy(array.copy()) for array in value.data)
        return dict(
            log_history=log_history, count_history=count_history, max_length=value.max_length
        )
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_to_plain(item) for item in value)
    return value
