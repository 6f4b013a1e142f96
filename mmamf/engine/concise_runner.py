import logging
import warnings

import torch
from mmengine.device import get_device
from mmengine.dist import get_world_size
from mmengine.logging import MMLogger
from mmengine.runner import Runner

# what mmengine says at every start, as its messages begin
LISTINGS = (
    '\n------------------------------------------------------------\nSystem environment:',
    'Config:\n',
    'Hooks will be executed in the following order:',
    'Distributed training is not used, all SyncBatchNorm',
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
)
# what the old stack warns about its own insides
WARNINGS = ('``build_loss`` would be deprecated soon', 'The draw is False, it means that the hook')


class ConciseRunner(Runner):
    """mmengine's runner, which shows what a person reads.

    The environment, the config and the order of hooks, several hundred lines, go to the log file
    alone; one line names it.
    """

    def __init__(self, *args, **kwargs) -> None:
        with warnings.catch_warnings():
            for text in WARNINGS:
                warnings.filterwarnings('ignore', message=text)
            super().__init__(*args, **kwargs)

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Build the logger, whose console leaves listings to the file."""
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
