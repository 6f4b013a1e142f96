"""Multimodal dense prediction for OpenMMLab: importing this package registers its parts."""

from . import compat  # isort: skip

compat.apply()  # before anything imports mmseg, mmcv or torchvision

from . import datasets, engine, evaluation, models, weights  # noqa: E402, F401
from .deployment import deploy  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = ['__version__', 'deploy']
