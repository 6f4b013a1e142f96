"""What the layers of a network have to know about the batch of a forward pass.

A network folds its modalities into the batch. The maps of absent modalities are taken out of it, so
that no shared layer spends time on them. Layers that need the maps of all modalities put zeros in
their places (:meth:`FoldedBatch.widen`). So does the backbone at its end, and it attaches a mask to
its output (presence.py). If all modalities are present, there is no mask. ONNX graphs compute the
mask for every batch, and keep all maps.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .modality_axis import fold_modalities, is_channels_last
from .presence import find_absent, with_presence

Parts = Sequence[Sequence[int]]  # the modalities of each part, by their indices


class _State(NamedTuple):
    num_maps: int | None = None  # of the batch; None if every row of a layer is a map
    presence: Tensor | None = None  # (N, M), bool; None if all are present
    kept: Tensor | None = None  # places of the batch's maps among N*M; None if all are there
    parts: Parts | None = None  # None if all modalities exchange


_IDLE = _State()


class FoldedBatch:
    """The batch of the current forward pass, for the layers that share this object.

    A network makes one and gives it to its layers by :func:`share_batch`. Every thread has its own
    forward pass. The object forgets the batch at the end of the pass, except for layers that
    backward runs again (activation checkpointing). A copy of a network starts without a batch.

    Args:
        num_modalities: Number of modalities M.
    """

    def __init__(self, num_modalities: int) -> None:
        self.num_modalities = num_modalities
        self._own = threading.local()
        # Of the last pass in any thread: compiled graphs have no access to thread-local data, and
        # backward on a GPU runs in a thread of its own.
        self._running = self._done = _IDLE
        self._parts: Parts | None = None  # of the passes to come

    @property
    def presence(self) -> Tensor | None:
        """The mask of the present modalities, (N, M); None if all are present."""
        return self._state().presence

    @property
    def kept(self) -> Tensor | None:
        """Places of the maps in the batch among N*M; None if no map was taken out."""
        return self._state().kept

    @property
    def is_apart(self) -> bool:
        """Whether no modality can exchange: each is alone in its part, or in its sample."""
        _, presence, kept, parts = self._state()
        if parts is not None:
            return all(len(part) == 1 for part in parts)
        return kept is not None and len(kept) == len(presence)  # a sample has at least one

    @property
    def parts(self) -> Parts | None:
        """The parts within which modalities exchange; None if all do."""
        return self._state().parts

    def run(self, network: Callable, x: Tensor) -> Any:
        """Fold the modalities of an input, and call a network whose layers know their batch.

        Args:
            network: Takes folded maps, and returns what a backbone returns.
            x: The input; NaN where a modality is absent.

        Returns:
            The output of the network, with the mask if a modality is absent.

        Shape:
            - Input: (N, M*C, H, W).

        Raises:
            ValueError: If a sample has no modality, M does not divide the channels, or a network
                whose samples lack modalities returns something other than maps.
        """
        m = self.num_modalities
        if torch.compiler.is_compiling():
            self._running = _State(x.shape[0] * m, parts=self._parts)
            outputs = network(fold_modalities(x, m))
            self._running = _IDLE
            return outputs
        x, presence, kept = find_absent(x, m)
        maps = fold_modalities(x, m)
        maps = maps if kept is None else maps[kept]
        with self._hold(_State(maps.shape[0], presence, kept, self._parts)):
            outputs = network(maps)
            if kept is not None:
                outputs = self._widen_all(outputs)
        return with_presence(outputs, presence)

    def use_presence(self, presence: Tensor | None) -> AbstractContextManager:
        """Tell the layers the mask while a neck or a head runs, which gets folded maps."""
        if presence is None and self._parts is None:
            return nullcontext()
        return self._hold(_State(presence=presence, parts=self._parts))

    def only(self, mask: Tensor) -> AbstractContextManager:
        """Let an operator see the modalities in a mask, (N, M), as the only ones present."""
        return self._show(_State(presence=mask))

    def remember(self, function: Callable) -> Callable:
        """Wrap a function that backward runs again, so that it finds the batch it ran on first."""
        if torch.compiler.is_compiling():
            return function
        state = self._state()

        def again(*args: Any) -> Any:
            with self._hold(state):
                return function(*args)

        return again

    def widen(self, x: Tensor) -> Tensor:
        """Put rows of zeros where the maps of absent modalities were taken out.

        Shape:
            - Input: (k * R, ...), where R is the number of maps in the batch.
            - Output: (k * N*M, ...); the input itself if no map was taken out.
        """
        _, presence, kept, _ = self._state()
        if kept is None:
            return x
        if x.shape[0] > len(kept):
            x = x.unflatten(0, (len(kept), -1))
            return x.new_zeros(presence.numel(), *x.shape[1:]).index_copy(0, kept, x).flatten(0, 1)
        wide = x.new_zeros(presence.numel(), *x.shape[1:])
        if is_channels_last(x):
            wide = wide.contiguous(memory_format=torch.channels_last)
        return wide.index_copy_(0, kept, x)  # in place, to keep channels last

    def narrow(self, x: Tensor) -> Tensor:
        """Take the rows of absent modalities out again, as :meth:`widen` put them in."""
        _, presence, kept, _ = self._state()
        if kept is None:
            return x
        if x.shape[0] > presence.numel():
            return x.unflatten(0, (presence.numel(), -1))[kept].flatten(0, 1)
        return x.index_select(0, kept)

    def rows_per_map(self, layer: nn.Module, x: Tensor) -> int:
        """Count the rows that a layer gets for every map, for example its windows or tokens."""
        num_maps = self._state().num_maps
        if num_maps in (None, x.shape[0]):
            return 1
        if x.shape[0] % num_maps:
            raise ValueError(
                f'{type(layer).__name__} cannot know the modality of its rows: expected {num_maps} '
                'rows (one for each map of the batch) or a multiple, got an input of '
                f'shape {tuple(x.shape)}'
            )
        return x.shape[0] // num_maps

    def _widen_all(self, outputs: Any) -> Any:
        if isinstance(outputs, Tensor):
            return self.widen(outputs)
        if isinstance(outputs, list | tuple):
            return [self._widen_all(output) for output in outputs]
        raise ValueError(
            'expected maps, or lists of maps, from a backbone whose samples lack modalities, got a '
            f'{type(outputs).__name__}'
        )

    def _state(self) -> _State:
        if torch.compiler.is_compiling():
            return self._running
        state = getattr(self._own, 'state', _IDLE)
        if state is _IDLE and in_backward():
            return getattr(self._own, 'done', self._done)
        return state

    @contextmanager
    def _hold(self, state: _State) -> Iterator[None]:
        """Make a state that of the pass, which layers also find when backward runs them again."""
        self._own.done = self._done = state
        with self._show(state):
            yield

    @contextmanager
    def _show(self, state: _State) -> Iterator[None]:
        if torch.compiler.is_compiling():
            running, self._running = self._running, state
            yield
            self._running = running
            return
        before = getattr(self._own, 'state', _IDLE)
        self._own.state = self._running = state
        try:
            yield
        finally:
            self._own.state = self._running = before

    def __reduce__(self) -> tuple:
        return FoldedBatch, (self.num_modalities,)


def in_backward() -> bool:
    """Tell whether autograd runs a backward pass in this thread."""
    # torch's own checkpointing uses the same function; it has no public name
    return torch._C._current_graph_task_id() != -1
