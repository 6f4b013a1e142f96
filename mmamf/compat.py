"""Fixes that let the OpenMMLab stack run on newer versions of torch, numpy and setuptools.

mmengine 0.10.7, mmcv 2.1.0, mmsegmentation 1.2.2 and mmagic 1.2.0 were last released for torch 2.1.
Each function below fixes one thing that has changed since, or one of their bugs that gives wrong
results without an error. A function does nothing where its fix is not needed, and may be called
several times. Nothing else in the project depends on the age of the stack.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import importlib.metadata
import importlib.util
import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
import torch

_LIBRARIES: list[Any] = []  # torch.library objects; keeping them keeps their definitions


def apply() -> None:
    """Apply every fix. Must run before mmseg or mmagic is imported."""
    skip_albumentations_update_check()
    provide_pkg_resources()
    name_mmamf_to_mmengine()
    format_configs_once()
    explain_duplicate_keys()
    provide_numpy_bool8()
    import_torchvision_without_ops()
    load_mmengine_checkpoints_safely()
    provide_mmcv_ops_stub()
    distribute_on_cpu()
    resume_from_own_folder()
    keep_frozen_groups_frozen()
    find_classes_of_nested_datasets()
    convert_layers_as_they_say()


def _wrap(owner: Any, name: str, around: Callable) -> None:
    """Replace a function of a module or a class by one that calls `around`; do so only once.

    `around` gets the original function as its first argument.
    """
    found = inspect.getattr_static(owner, name)
    kind = type(found) if isinstance(found, staticmethod | classmethod) else None
    original = found.__func__ if kind else found
    if hasattr(original, '__wrapped__'):
        return

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return around(original, *args, **kwargs)

    setattr(owner, name, kind(wrapper) if kind else wrapper)


def skip_albumentations_update_check() -> None:
    """Keep albumentations from asking the web for a newer version at every import.

    albumentations/__init__.py:24 does so, and warns. Without a network, this is slow. mmseg's and
    mmagic's transforms import albumentations if it is installed, and need the installed version.
    """
    os.environ.setdefault('NO_ALBUMENTATIONS_UPDATE', '1')


def name_mmamf_to_mmengine() -> None:
    """Let configs inherit `mmamf::...`, as they inherit `mmseg::...`.

    mmengine/config/utils.py:17 (MODULE2PACKAGE) lists the packages with configs; mmengine refuses
    all others. The entry names a module inside the package, because the folder of the package
    itself is not found after an editable installation. mmengine/config/config.py:1259
    (_get_cfg_path) also takes the package for the scope of its registries. mmamf has none of its
    own: its parts are in those of mmseg and mmagic.
    """
    from mmengine.config import Config
    from mmengine.config.utils import MODULE2PACKAGE

    MODULE2PACKAGE.setdefault('mmamf', 'mmamf.version')
    _wrap(Config, '_get_cfg_path', _without_own_scope)


def _without_own_scope(original: Callable, *args: Any) -> tuple[str, str | None]:
    path, scope = original(*args)
    return path, None if scope == 'mmamf' else scope


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


def format_configs_once() -> None:
    """Format the text of a config once instead of for every checkpoint.

    mmengine/runner/runner.py:2215 writes the text into each checkpoint. yapf formats it
    (mmengine/config/config.py:1484), which takes seconds if the config has long paths.
    """
    from mmengine.config import config

    formatted: dict[str, Any] = {}

    def format_once(format_code: Callable, text: str, **kwargs: Any) -> Any:
        if text not in formatted:
            formatted[text] = format_code(text, **kwargs)
        return formatted[text]

    _wrap(config, 'FormatCode', format_once)


def explain_duplicate_keys() -> None:
    """Name the file whose bases have the same key, and suggest a solution.

    mmengine/config/config.py:899 names only the key. All of mmseg's schedules have `default_hooks`,
    and so does our `default_runtime.py`.
    """
    from mmengine.config import Config

    def read_and_explain(read: Callable, filename: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return read(filename, *args, **kwargs)
        except KeyError as error:
            if 'Duplicate key' not in str(error):
                raise
            hint = (
                "; with mmseg's schedules take 'mmseg::_base_/default_runtime.py', and for exact "
                "resume write default_hooks = dict(checkpoint=dict(type='AtomicCheckpointHook'), "
                "exact_resume=dict(type='ExactResumeHook')) below the bases"
            )
            raise ValueError(
                f'{filename}: two of its bases have the same key, and mmengine merges only a file '
                f'with its bases: {error.args[0]}{hint if "default_hooks" in str(error) else ""}'
            ) from error

    _wrap(Config, '_file2dict', read_and_explain)


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


def _history_buffer_method(owner: type, name: str) -> Callable:
    """Look up a statistics method of mmengine's HistoryBuffer.

    Raises:
        ValueError: If another attribute or class is asked for.
    """
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise ValueError(
            f'the checkpoint asks for the attribute {name!r} of {owner!r}, but only the statistics '
            'methods of mmengine.logging.HistoryBuffer are allowed: it was not written by mmengine'
        )
    return getattr(HistoryBuffer, name)


def load_mmengine_checkpoints_safely() -> None:
    """Let mmengine's own checkpoints load while `torch.load` keeps `weights_only=True`.

    mmengine/runner/checkpoint.py:347 (load_from_local) calls `torch.load(file)`. Since torch 2.6,
    this refuses every class that is not allowed explicitly. The message hub in a checkpoint holds
    HistoryBuffer objects. mmengine/logging/history_buffer.py:211 (__getstate__) adds their
    statistics methods, which pickle writes as `getattr(HistoryBuffer, 'min')`. The builtin getattr
    could reach anything, so a function that knows only these four methods replaces it. Checkpoints
    of :class:`mmamf.engine.hooks.ExactResumeHook` do not need this fix.
    """
    from mmengine.logging import HistoryBuffer

    if not hasattr(torch.serialization, 'add_safe_globals'):
        return
    # allow both spellings, so that numpy 1 and 2 read each other's checkpoints
    core = 'numpy._core' if np.lib.NumpyVersion(np.__version__) >= '2.0.0' else 'numpy.core'
    multiarray = importlib.import_module(f'{core}.multiarray')
    allowed = [HistoryBuffer, np.ndarray, np.dtype, (_history_buffer_method, 'builtins.getattr')]
    allowed += [type(np.dtype(code)) for code in ('f8', 'f4', 'i8', 'i4', 'u1', '?')]
    for function in (multiarray._reconstruct, multiarray.scalar):
        for package in ('numpy.core', 'numpy._core'):
            allowed.append((function, f'{package}.multiarray.{function.__name__}'))
    torch.serialization.add_safe_globals(allowed)


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


@contextlib.contextmanager
def _without_set_device() -> Iterator[None]:
    original = torch.cuda.set_device
    torch.cuda.set_device = lambda device: None
    try:
        yield
    finally:
        torch.cuda.set_device = original


def _destroy_process_group() -> None:
    if torch.distributed.is_initialized():
        gc.collect()  # a model in a reference cycle also holds the group
        torch.distributed.destroy_process_group()


def distribute_on_cpu() -> None:
    """Let mmengine's launchers and its data parallel wrapper run without a GPU, with gloo.

    mmengine/dist/utils.py:130 (_init_dist_pytorch) and :221 (_init_dist_slurm) call
    `torch.cuda.set_device`, and take the backend, nccl, from the config.
    mmengine/runner/runner.py:900 (wrap_model) passes `device_ids=[LOCAL_RANK]`, which
    DistributedDataParallel accepts only for GPUs. None of them destroys the process group. If a
    gloo thread then releases a tensor while the interpreter ends, it aborts the process (`terminate
    called without an active exception`, pytorch/pytorch#179291). A launch without a GPU also gets
    :func:`synchronize_batch_norm_on_cpu`. With a GPU, all of these functions run unchanged.
    """
    from mmengine.device import get_device
    from mmengine.dist import utils
    from mmengine.model import MMDistributedDataParallel

    def gloo_on_cpu(initialize: Callable, backend: str, *args: Any, **kwargs: Any) -> None:
        if get_device() != 'cpu':
            return initialize(backend, *args, **kwargs)
        with _without_set_device():
            initialize('gloo', *args, **kwargs)
        synchronize_batch_norm_on_cpu()
        atexit.register(_destroy_process_group)

    def no_device_ids_on_cpu(
        construct: Callable, self: Any, module: Any, *args: Any, **kwargs: Any
    ) -> None:
        if all(parameter.device.type == 'cpu' for parameter in module.parameters()):
            kwargs['device_ids'] = None
        construct(self, module, *args, **kwargs)

    _wrap(utils, '_init_dist_pytorch', gloo_on_cpu)
    _wrap(utils, '_init_dist_slurm', gloo_on_cpu)
    _wrap(MMDistributedDataParallel, '__init__', no_device_ids_on_cpu)


class _AllReduce(torch.autograd.Function):
    """Differentiable sum over processes. Its gradient is the sum of the processes' gradients.

    torch.distributed.nn.functional.all_reduce does the same, but torch 2.13 deprecates it and names
    a private successor.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, group: Any) -> torch.Tensor:
        ctx.group = group
        x = x.clone()
        torch.distributed.all_reduce(x, group=group)
        return x

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        grad = grad.contiguous().clone()
        torch.distributed.all_reduce(grad, group=ctx.group)
        return grad, None


def synchronize_batch_norm_on_cpu() -> None:
    """Let torch's SyncBatchNorm train on a CPU.

    torch/nn/modules/batchnorm.py:790 (SyncBatchNorm.forward) refuses tensors that are not on a GPU.
    torch/nn/parallel/distributed.py:2453 refuses CPU models with such layers. But gloo can reduce
    CPU tensors, so here the layer uses differentiable all-reduces and gives the same results. In
    half precision, the statistics are computed in float32. On a GPU, in evaluation and in a single
    process, torch's own code runs. This changes torch for the whole process, so only a launch
    without a GPU does it.
    """

    def forward(
        original: Callable, self: torch.nn.SyncBatchNorm, input: torch.Tensor
    ) -> torch.Tensor:
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        if input.device.type != 'cpu' or not self.training or not distributed:
            return original(self, input)
        dims = [0, *range(2, input.dim())]
        shape = [1, -1] + [1] * (input.dim() - 2)
        x = input.to(torch.promote_types(input.dtype, torch.float32))
        count = x.new_tensor(x.numel() / x.size(1))
        torch.distributed.all_reduce(count, group=self.process_group)
        mean = _AllReduce.apply(x.sum(dims), self.process_group) / count
        centered = x - mean.view(shape)
        var = _AllReduce.apply(centered.square().sum(dims), self.process_group) / count
        if self.track_running_stats:
            with torch.no_grad():
                self.num_batches_tracked += 1
                cumulative = 1 / float(self.num_batches_tracked)
                momentum = cumulative if self.momentum is None else self.momentum
                self.running_mean.lerp_(mean, momentum)
                self.running_var.lerp_(var * count / (count - 1), momentum)
        output = centered * (var + self.eps).rsqrt().view(shape)
        if self.affine:
            output = output * self.weight.view(shape) + self.bias.view(shape)
        return output.to(input.dtype)

    def skip_on_cpu(check_device: Callable, self: Any, module: torch.nn.Module) -> None:
        if self.device_type != 'cpu':
            check_device(self, module)

    parallel = torch.nn.parallel.DistributedDataParallel
    _wrap(torch.nn.SyncBatchNorm, 'forward', forward)
    _wrap(parallel, '_passing_sync_batchnorm_handle', skip_on_cpu)


def resume_from_own_folder() -> None:
    """Let mmengine resume from the given folder, even if the folder was copied or moved.

    mmengine/runner/checkpoint.py:796 (find_latest_checkpoint) returns the path in
    `last_checkpoint`. mmengine writes an absolute path there, so a copied work dir would resume
    from the original folder. We write a file name, which mmengine would look for in the current
    directory. With this fix, a file of that name in the given folder comes first.
    """
    from mmengine import runner
    from mmengine.logging import print_log
    from mmengine.runner import _flexible_runner, checkpoint

    def find_latest_checkpoint(original: Callable, path: str) -> str | None:
        last = original(path)
        if last is None or '://' in last:
            return last
        own = os.path.join(path, os.path.basename(last))
        if os.path.isfile(own) or not os.path.dirname(last) or not os.path.isfile(last):
            return own
        print_log(
            f'{own} does not exist, but {last}, which last_checkpoint names, does: it is used.',
            logger='current',
            level=logging.WARNING,
        )
        return last

    for module in (checkpoint, runner, runner.runner, _flexible_runner):
        _wrap(module, 'find_latest_checkpoint', find_latest_checkpoint)


def keep_frozen_groups_frozen() -> None:
    """Keep the learning rate of parameter groups at 0 if it starts at 0 (`lr_mult=0`).

    mmengine/optim/scheduler/param_scheduler.py:886 (PolyLR) and :683 (CosineAnnealingLR,
    CosineRestartLR) move every group to `eta_min`, and :1020 (OneCycleLR) to `eta_max`. So they
    would train groups that should be frozen.
    """
    from mmengine.optim.scheduler import param_scheduler

    def step(original_step: Callable, self: Any, *args: Any, **kwargs: Any) -> None:
        original_step(self, *args, **kwargs)
        if self.param_name == 'lr' and 0 in self.base_values:
            for group, base in zip(self.optimizer.param_groups, self.base_values):
                if base == 0:
                    group['lr'] = 0.0
            self._last_value = [group['lr'] for group in self.optimizer.param_groups]

    def format_param(
        original_format: Callable, self: Any, name: str, optimizer: Any, param: Any
    ) -> list[float]:
        values = original_format(self, name, optimizer, param)
        return [v if group['lr'] else 0.0 for v, group in zip(values, optimizer.param_groups)]

    _wrap(param_scheduler._ParamScheduler, 'step', step)
    _wrap(param_scheduler.OneCycleParamScheduler, '_format_param', format_param)


def find_classes_of_nested_datasets() -> None:
    """Let ClassBalancedDataset balance concatenated or repeated data sets.

    mmengine/dataset/dataset_wrapper.py:401 (ClassBalancedDataset) calls `get_cat_ids` of the data
    set that it wraps. ConcatDataset and RepeatDataset lack this method.
    """
    from mmengine.dataset import ConcatDataset, RepeatDataset

    def of_concatenated(self: ConcatDataset, idx: int) -> list[int]:
        which, idx = self._get_ori_dataset_idx(idx)
        return self.datasets[which].get_cat_ids(idx)

    def of_repeated(self: RepeatDataset, idx: int) -> list[int]:
        return self.dataset.get_cat_ids(self._get_ori_dataset_idx(idx))

    for kind, get_cat_ids in ((ConcatDataset, of_concatenated), (RepeatDataset, of_repeated)):
        if not hasattr(kind, 'get_cat_ids'):
            kind.get_cat_ids = get_cat_ids


def convert_layers_as_they_say() -> None:
    """Keep private batch norms private when torch or mmengine convert batch norms.

    torch/nn/modules/batchnorm.py:926 (SyncBatchNorm.convert_sync_batchnorm) and
    mmengine/model/utils.py:177 (revert_sync_batchnorm) replace every batch norm, also of a
    subclass, by a plain layer of their own class. A layer with a method `turn_into` gets the new
    layer as argument and returns the layer to use.
    """
    from mmengine import model
    from mmengine._strategy import single_device
    from mmengine.runner import runner

    def ask(convert: Callable, *args: Any) -> torch.nn.Module:
        converted = convert(*args)
        layer = next(arg for arg in args if isinstance(arg, torch.nn.Module))
        is_new = converted is not layer and hasattr(layer, 'turn_into')
        return layer.turn_into(converted) if is_new else converted

    _wrap(torch.nn.SyncBatchNorm, 'convert_sync_batchnorm', ask)
    for module in (model, model.utils, runner, single_device):
        _wrap(module, 'revert_sync_batchnorm', ask)
