import threading
from typing import Any

import torch


class PassValue:
    """A value that belongs to one forward pass, though layers of a network share it.

    Every thread has its own: a forward pass in one does not see what another sets. A copy of the
    network, and one that was pickled, start without. Two cases read what was set last in any
    thread: activations that are computed again in a backward pass, which on a GPU is a thread of
    autograd's; and compiled graphs, which cannot look at threads.

    Args:
        default: What a thread reads that has set nothing.
    """

    def __init__(self, default: Any = None) -> None:
        self._default = default
        self._last = default
        self._is_compiled = False  # whether a compiled graph set the last one
        self._own = threading.local()

    def get(self) -> Any:
        """Read the value of this thread's forward pass."""
        if torch.compiler.is_compiling() or self._is_compiled:
            return self._last
        return getattr(self._own, 'value', self._last if in_backward() else self._default)

    def set(self, value: Any) -> None:
        """Set the value of this thread's forward pass."""
        self._last = value
        self._is_compiled = torch.compiler.is_compiling()
        if not self._is_compiled:
            self._own.value = value

    def __deepcopy__(self, memo: dict) -> 'PassValue':
        return PassValue(self._default)

    def __reduce__(self) -> tuple:
        return PassValue, (self._default,)


def in_backward() -> bool:
    """Tell whether autograd runs a backward pass in this thread."""
    # torch's own checkpointing asks the same; there is no public name for it
    return torch._C._current_graph_task_id() != -1
