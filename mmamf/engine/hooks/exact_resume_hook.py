from itertools import chain, repeat
from typing import Any

import numpy as np
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from mmamf.engine.seeded_data import SeededBatchSampler, SeededDataset, seed_all

_MODEL, _DATA = 0, 1  # third number of a seed key: which stream


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Makes a resumed training continue as if it had never been interrupted, bit by bit on a CPU.

    mmengine restores weights, optimizer, schedulers and EMA, but no random state: a resumed run
    sees other augmentations and dropout masks, another data order if no seed was set, and loses
    gradients that were still accumulating. This hook makes all randomness in training a function of
    position: before each iteration the generators are seeded from (seed, rank, iteration), and
    before each sample from (seed, rank, number of its batch, place in the batch), in whichever
    worker it is loaded. So nothing depends on how the run came to an iteration, on the number of
    workers, or on validation in between. Skipping the data that has been trained then costs its
    indices only, while mmengine's iteration-based loop loads it all again.

    It also stores mmengine's message hub in plain types, so that the checkpoint loads with
    `torch.load(..., weights_only=True)` without an allow-list.

    Works with stock loops, samplers, data sets and worker settings. Not restored: buffers that a
    model keeps out of its state_dict, and, in distributed training, gradients that were
    accumulating on further ranks (a warning says so when such a checkpoint is written).
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._state: dict | None = None

    def before_train(self, runner: Runner) -> None:
        """Take over the training data, from the position at which training starts.

        Args:
            runner: The runner of the training process.

        Raises:
            ValueError: If the loop is neither mmengine's iteration- nor epoch-based one, or the
                data set cannot be indexed.
        """
        loop = runner.train_loop
        if isinstance(runner.optim_wrapper, OptimWrapperDict):
            # mmengine would count the iterations of several optimizers from zero again
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
            # the loop has started an iterator, with its workers, which is not needed
            loop.dataloader_iterator = loader._iterator = None
        if runner.iter > 0:
            self._restore(runner, loader)
        sampler = loader.batch_sampler.sampler
        if isinstance(sampler, InfiniteSampler):
            sampler.indices = sampler._indices_of_rank()  # a generator, begun by that iterator
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
            # the loop advances its iterator by the iterations done: give it as many empty batches
            loop.dataloader_iterator = chain(repeat(None, runner.iter), iter(loop.dataloader))

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the data where the epoch starts: after some resumptions, in its middle.

        Args:
            runner: The runner of the training process.
        """
        loader = runner.train_loop.dataloader
        loader.batch_sampler.first = runner.epoch * len(loader)
        loader.batch_sampler.skip = runner.iter - runner.epoch * len(loader)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed what the model draws in this iteration.

        Args:
            runner: The runner of the training process.
            batch_idx: Not used.
            data_batch: Not used.
        """
        seed_all(runner.seed, runner.rank, _MODEL, runner.iter)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the state to the checkpoint, and turn its message hub and meta data into plain types.

        Args:
            runner: The runner of the training process.
            checkpoint: The checkpoint to be saved.
        """
        checkpoint['message_hub'] = _to_plain(checkpoint['message_hub'])
        checkpoint['meta'] = _to_plain(checkpoint['meta'])
        if 'optimizer' not in checkpoint:
            return  # weights only, such as the best checkpoint
        loader = runner.train_loop.dataloader
        gradients = {
            name: parameter.grad.cpu()
            for name, parameter in _bare(runner.model).named_parameters()
            if parameter.grad is not None
        }
        if gradients and get_world_size() > 1:
            runner.logger.warning(
                'The checkpoint is written while gradients accumulate; those of further ranks are '
                'not stored. Choose a checkpoint interval that accumulative_counts divides.'
            )
        checkpoint['exact_resume'] = dict(
            sampler_seed=getattr(loader.batch_sampler.sampler, 'seed', None),
            world_size=get_world_size(),
            batch_size=loader.batch_sampler.batch_size,
            gradients=gradients,
        )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the state, and turn the message hub's scalars back into mmengine's types.

        Args:
            runner: The runner of the training process.
            checkpoint: The checkpoint that was loaded.
        """
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
        parameters = dict(_bare(runner.model).named_parameters())
        for name, gradient in self._state['gradients'].items():
            parameters[name].grad = gradient.to(parameters[name].device)
        self._state = None


def _bare(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model


def _to_plain(value: Any) -> Any:
    """Replace HistoryBuffer and NumPy objects by dicts, tensors, lists and numbers, everywhere."""
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
