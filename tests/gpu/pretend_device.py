"""A device that is none: its tensors live on the CPU, but torch takes them for those of a device.

With it, a machine without a GPU shows two mistakes that only a GPU would show. An operation on
tensors of two devices raises an error. Every operation for which the host has to wait for its
device is counted, with its place in the code. Kernels, numbers and speed stay those of the CPU.
"""

import sys
from collections import Counter

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

aten = torch.ops.aten
LIBRARY = torch.library.Library('aten', 'IMPL')
COPIES = (aten._to_copy.default, aten.copy_.default)
INDEXING = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default)
# operations whose result, or its size, the host has to know
WAITING = (
    aten._local_scalar_dense.default,
    aten.equal.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten._unique2.default,
    aten.unique_dim.default,
    aten.bincount.default,
    aten.repeat_interleave.Tensor,
)
LIBRARIES = ('mmamf', 'mmseg', 'mmengine', 'mmagic')


class PretendTensor(Tensor):
    """A tensor of the pretended device, around one of the CPU."""

    @staticmethod
    def __new__(cls, real: Tensor) -> 'PretendTensor':
        return Tensor._make_wrapper_subclass(
            cls,
            real.shape,
            strides=real.stride(),
            storage_offset=real.storage_offset(),
            dtype=real.dtype,
            device=DEVICE,
        )

    def __init__(self, real: Tensor) -> None:
        self.stand_in = real

    def tolist(self) -> list:
        """Copy the values to the host; torch does not let a subclass do so by itself."""
        return self.to('cpu').tolist()

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise RuntimeError(f'{function}: expected to run inside PretendDevice')


class PretendDevice(TorchDispatchMode):
    """Runs everything on the pretended device, and counts the operations that wait for it.

    Attributes:
        waits: Number of waits, by operation and the innermost function of the libraries.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        PretendDevice.running = self

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        on_device = [isinstance(leaf, PretendTensor) for leaf in given]
        goes_there = any(on_device)
        if 'device' in kwargs and kwargs['device'] is not None:
            goes_there = torch.device(kwargs['device']).type == DEVICE.type
            kwargs['device'] = torch.device('cpu')
        if function in COPIES:
            self._note_copy(function, args, kwargs, on_device, goes_there)
        else:
            self._check(function, given, on_device)
        if function is aten.copy_.default:
            goes_there = on_device[0]
        elif function in (aten._local_scalar_dense.default, aten.equal.default):
            goes_there = False
        out = function(*tree_map(_real, args), **tree_map(_real, kwargs))
        if not goes_there:
            return out
        out = tree_map(lambda x: PretendTensor(x) if isinstance(x, Tensor) else x, out)
        if any(on_device):
            return return_and_correct_aliasing(function, args, kwargs, out)
        return out

    def _note_copy(self, function, args, kwargs, on_device, goes_there) -> None:
        if function is aten.copy_.default:
            target, source = on_device
            free = len(args) > 2 and args[2] or kwargs.get('non_blocking')
        else:
            (source,), target = on_device, goes_there
            free = kwargs.get('non_blocking')
        if source != target and not (free and target):
            self.waits[f'{"to" if target else "from"} device in {_place()}'] += 1

    def _check(self, function, given, on_device) -> None:
        if not any(on_device):
            return
        waits = function in WAITING
        for at, (tensor, there) in enumerate(zip(given, on_device)):
            if function in INDEXING and at > 0:  # torch copies an index, and counts a mask
                waits |= not there or tensor.dtype in (torch.bool, torch.uint8)
            elif not there and tensor.dim():
                raise RuntimeError(
                    f'{function}: expected tensors of one device, got one of the CPU, of shape '
                    f'{tuple(tensor.shape)}, in {_place()}'
                )
        if waits:
            self.waits[f'{function.overloadpacket.__name__} in {_place()}'] += 1


def _real(value):
    return value.stand_in if isinstance(value, PretendTensor) else value


def _place() -> str:
    """Name the innermost function of the libraries."""
    frame = sys._getframe(1)
    while frame is not None:
        package, *_, module = frame.f_globals.get('__name__', '').split('.') * 2
        if package in LIBRARIES:
            return f'{package}:{module}.{frame.f_code.co_name}'
        frame = frame.f_back
    return 'torch'


def provide_device() -> torch.device:
    """Register the device with torch, once in a process."""
    global DEVICE
    _setup_privateuseone_for_python_backend('pretend')
    DEVICE = torch.device('pretend:0')
    # torch.tensor(numbers, device=...) and lists as indices make their tensors past the mode
    LIBRARY.impl('empty_strided', _empty_strided, 'PrivateUse1')
    LIBRARY.impl('copy_', _copy, 'PrivateUse1')
    return DEVICE


def _empty_strided(size, stride, dtype=None, **options) -> Tensor:
    return PretendTensor(torch.empty_strided(size, stride, dtype=dtype, device='cpu'))


def _copy(target, source, non_blocking=False) -> Tensor:
    mode = PretendDevice.running
    on_device = [isinstance(x, PretendTensor) for x in (target, source)]
    mode._note_copy(aten.copy_.default, (target, source, non_blocking), {}, on_device, True)
    _real(target).copy_(_real(source))
    return target
