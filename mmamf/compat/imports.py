"""Lets old packages import what newer ones moved, removed, or were built without.

This file needs no other file of mmamf, so it can be run alone.
"""

import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
import torch

_LIBRARIES: list[Any] = []  # torch.library objects; keeping them keeps their definitions


def skip_albumentations_update_check() -> None:
    """Keep albumentations from asking the web for a newer version at every import.

    albumentations/__init__.py:24 does so, and warns. Without a network, this is slow. mmseg's and
    mmagic's transforms import albumentations if it is installed, and need the installed version.
    """
    os.environ.setdefault('NO_ALBUMENTATIONS_UPDATE', '1')


class _PkgResourcesFinder:
    """Meta path finder of a `pkg_resources` that uses importlib.metadata.

    mmengine reloads the module, so an entry in sys.modules alone is not enough.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == 'pkg_resources' else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.DistributionNotFound = importlib.metadata.PackageNotFoundError
        module.get_distribution = _Distribution


class _Distribution:
    """The part of `pkg_resources.Distribution` that mmengine reads."""

    def __init__(self, name: str) -> None:
        self._distribution = importlib.metadata.distribution(name)
        self.version = self._distribution.version
        self.location = str(self._distribution.locate_file(''))

    def has_metadata(self, name: str) -> bool:
        return self._distribution.read_text(name) is not None

    def get_metadata(self, name: str) -> str:
        return self._distribution.read_text(name)


def provide_pkg_resources() -> None:
    """Replace `pkg_resources`, which setuptools 82 removed.

    mmengine/utils/package_utils.py:18 (is_installed) and :46 (get_installed_path) import it to
    resolve `_base_ = 'mmseg::...'`.
    """
    if importlib.util.find_spec('pkg_resources') is None:
        sys.meta_path.append(_PkgResourcesFinder())


def provide_numpy_bool8() -> None:
    """Restore the alias `np.bool8` in numpy 2.

    mmagic/utils/trans_utils.py:376 uses it at import.
    """
    if 'bool8' not in vars(np) and np.lib.NumpyVersion(np.__version__) >= '2.0.0':
        np.bool8 = np.bool_


class _TorchvisionFinder:
    """Meta path finder that finds no module, but defines the schemas just in time."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == 'torchvision._meta_registrations' and not hasattr(torch.ops.torchvision, 'nms'):
            library = torch.library.Library('torchvision', 'FRAGMENT')
            for operator in ('nms', 'qnms'):
                library.define(
                    f'{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor'
                )
            _LIBRARIES.append(library)


def import_torchvision_without_ops() -> None:
    """Let torchvision import when its compiled operators do not fit torch.

    torchvision/_meta_registrations.py registers fake kernels for `nms` and, in some releases,
    `qnms`. It raises `operator torchvision::nms does not exist` if torchvision's library cannot be
    loaded, such as a CUDA torchvision with a CPU torch.
    mmengine/utils/dl_utils/collect_env.py:156 imports torchvision in every Runner. With the schemas
    defined, all pure Python parts work; calling an operator raises an error. The schemas are
    defined only when somebody imports torchvision, because that takes longer than importing mmamf.
    """
    if not any(isinstance(finder, _TorchvisionFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TorchvisionFinder())


def provide_mmcv_ops_stub() -> None:
    """Let mmseg and mmagic import if mmcv has no compiled operators (mmcv-lite).

    mmseg.models and mmagic.models import `mmcv.ops`, and mmcv/utils/ext_loader.py:13 (load_ext)
    then imports `mmcv._ext`. The stub has every operator; calling one raises an error.

    Raises:
        ModuleNotFoundError: If there is no mmcv at all. No package that needs it installs it.
    """
    if importlib.util.find_spec('mmcv') is None:
        raise ModuleNotFoundError(
            'mmamf needs mmcv, 2.0 or 2.1, and found none: pip install mmcv-lite==2.1.0 (or mmcv, '
            'which has compiled operators)',
            name='mmcv',
        )
    import mmcv

    if importlib.util.find_spec('mmcv._ext') is not None:
        return
    stub = ModuleType('mmcv._ext', 'Stands in for the compiled operators of mmcv.')
    stub.__spec__ = ModuleSpec('mmcv._ext', None)  # mmcv/utils/ext_loader.py:71 looks for it

    def operator(name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args: Any, **kwargs: Any) -> None:
            raise NotImplementedError(
                f'the operator {name!r} needs mmcv built with its operators, but this mmcv has none'
            )

        return missing

    stub.__getattr__ = operator
    sys.modules['mmcv._ext'] = mmcv._ext = stub
