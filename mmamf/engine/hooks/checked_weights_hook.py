import logging
from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from mmamf.engine.bare_model import bare_model
from mmamf.weights import check_config, check_phases, load_all_weights, load_some_weights, state_of


@HOOKS.register_module()
class CheckedWeightsHook(Hook):
    """Checks the weights that a runner loads. mmengine only logs a mismatch and continues.

    A test and a resumed training need all weights, and a config that agrees with the one in the
    checkpoint. A training that starts from other weights (``load_from``) gets a warning for weights
    that were left out and for a different config. Weights that are not finite are always refused.
    Before training, the validation data are compared with the training data.

    Args:
        for_test: Whether the runner tests; otherwise it trains.
        partial: Whether lacking weights in a test give a warning instead of an error.
        allow_different_config: Whether a config that contradicts the one in the checkpoint gives a
            warning instead of an error.

    Raises:
        ValueError: If the weights do not fit or are not finite, the config contradicts the one in
            the checkpoint, or training and validation have different classes.
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
        model = bare_model(runner.model)
        if runner._resume or (self.for_test and not self.partial):
            load_all_weights(model, checkpoint, source)
            return
        left_out = load_some_weights(model, checkpoint, source)
        if left_out:
            print_log(left_out, logger='current', level=logging.WARNING)

    def before_train(self, runner: Runner) -> None:
        """Compare the validation data with the training data before the first iteration."""
        check_phases(runner.cfg, _classes(runner.train_loop), _classes(runner.val_loop))


def _classes(loop: Any) -> Sequence[str] | None:
    dataset = getattr(getattr(loop, 'dataloader', None), 'dataset', None)
    return (getattr(dataset, 'metainfo', None) or {}).get('classes')
