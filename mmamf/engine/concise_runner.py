import logging
import warnings

import torch
from mmengine.device import get_device
from mmengine.dist import get_world_size
from mmengine.logging import MMLogger
from mmengine.runner import Runner

# first words of the messages that mmengine logs at every start
LISTINGS = (
    '\n------------------------------------------------------------\nSystem environment:',
    'Config:\n',
    'Hooks will be executed in the following order:',
    'Distributed training is not used, all SyncBatchNorm',
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
)
# warnings of the old stack about its own code
WARNINGS = ('``build_loss`` would be deprecated soon', 'The draw is False, it means that the hook')


class ConciseRunner(Runner):
    """mmengine's runner with a short console log.

    The environment, the config and the order of hooks have several hundred lines. They go only to
    the log file, and one line in the console names it.
    """

    def __init__(self, *args, **kwargs) -> None:
        with warnings.catch_warnings():
            for text in WARNINGS:
                warnings.filterwarnings('ignore', message=text)
            super().__init__(*args, **kwargs)

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Build the logger, and keep long listings out of the console."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(_is_no_listing)
        logger.info(
            f'PyTorch {torch.__version__}, device: {get_device()}, GPU number: {get_world_size()}, '
            f'seed: {self.seed}; environment, config and hooks: {self.log_dir}/{self.timestamp}.log'
        )
        return logger


def _is_no_listing(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(LISTINGS)
