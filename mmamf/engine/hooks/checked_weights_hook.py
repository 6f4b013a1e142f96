import logging
from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import nn

from mmamf.weights import check_config, check_phases, load_all_weights, load_some_weights, state_of


@HOOKS.register_module()
class CheckedWeightsHook(Hook):
    """Checks what a runner loads: mmengine logs what does not fit, and goes on without it.

    It is told apart what for: a test and a training that is resumed need all weights; a training
    that starts from others (``load_from``) is told what was left out. Weights that are not finite
    are refused by all. A config that contradicts the one of the checkpoint is refused in a test and
    where a training is resumed, and a warning where one starts from other weights. In a training,
    the data of validation are compared with those of training.

    Args:
        for_test: Whether the runner is to test, not to train.
        partial: Whether a test may go on without some of the weights, with a warning.
        allow_different_config: Whether to go on with a config that contradicts the one of the
            checkpoint, with a warning.

    Raises:
        ValueError: If the weights or the config are not what they have to be, or training and
            validation have other classes.
    """

    priority = 'HIGHEST'  # before hooks that take weights from the checkpoint

    def __init__(
        self, for_test: bool = True, partial: bool = False, allow_different_config: bool = False
    ) -> None:
        self.for_test = for_test
        self.partial = partial
        self.allow_different_config = allow_different_config

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the content of a checkpoint, before mmengine loads it."""
        source = runner._load_from or 'the checkpoint'
        loop = runner.test_loop if self.for_test else runner.train_loop
        check_config(
            checkpoint,
            runner.cfg,
            source,
            _classes(loop),
            allow_different=self.allow_different_config or not (self.for_test or runner._resume),
        )
        checkpoint['state_dict'] = state_of(checkpoint)
        model = _innermost(runner.model)
        if runner._resume or (self.for_test and not self.partial):
            load_all_weights(model, checkpoint, source)
            return
        left_out = load_some_weights(model, checkpoint, source)
        if left_out:
            print_log(left_out, logger='current', level=logging.WARNING)

    def before_train(self, runner: Runner) -> None:
        """Check that validation fits training, before the first iteration."""
        check_phases(runner.cfg, _classes(runner.train_loop), _classes(runner.val_loop))


def _classes(loop: Any) -> Sequence[str] | None:
    dataset = getattr(getattr(loop, 'dataloader', None), 'dataset', None)
    return (getattr(dataset, 'metainfo', None) or {}).get('classes')


def _innermost(model: nn.Module) -> nn.Module:
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model
