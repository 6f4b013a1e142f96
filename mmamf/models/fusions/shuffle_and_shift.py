"""Channel shuffle and pixel shift in as few passes over memory as there can be.

Each function writes its result once, in the layout of its input, and knows its own gradient.
Autograd of slices, concatenations and rolls would pass over the maps about three times as often,
and lose the channels-last layout. Compilers fuse those by themselves, and exporters know nothing
else: they are given the plain formula.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from ..modality_axis import separate_modalities


def share_out(count: int, num_partners: int) -> list[int]:
    """Share channels out among partners as evenly as possible, each of which gives a slice.

    Args:
        count: Number of channels.
        num_partners: Number of partners P.

    Returns:
        The sizes of the P slices, in the order of the channels; some may be 0.
    """
    ends = [index * count // num_partners for index in range(num_partners + 1)]
    return [end - start for start, end in pairwise(ends)]


def shuffle(x: Tensor, num_modalities: int, kept: int, num_partners: int = 1) -> Tensor:
    """Give every modality m the channels from ``kept`` on of its partners, (m + 1) mod M and on.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """
    return _Shuffle.apply(x, num_modalities, kept, num_partners)


def shift_and_shuffle(
    x: Tensor,
    carry: Tensor,
    num_modalities: int,
    kept: int,
    distance: int,
    given: int,
    num_partners: int = 1,
) -> Tensor:
    """Add what the partners carried, shifted by ``distance``, to the first ``kept`` channels.

    Then shuffle as :func:`shuffle` does, from the channel ``given`` on.

    Shape:
        - Input, carry and output: folded maps (N*M, C, H, W).
    """
    return _ShiftAndShuffle.apply(x, carry, num_modalities, kept, distance, given, num_partners)


class _Shuffle(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, num_modalities: int, kept: int, num_partners: int
    ) -> Tensor:
        ctx.sizes = num_modalities, kept, num_partners
        return _move(x, *ctx.sizes)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple:
        return _move(grad, *ctx.sizes, back=True), None, None, None


class _ShiftAndShuffle(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        x: Tensor,
        carry: Tensor,
        num_modalities: int,
        kept: int,
        distance: int,
        given: int,
        num_partners: int,
    ) -> Tensor:
        ctx.added = num_modalities, kept, distance, num_partners
        ctx.moved = num_modalities, given, num_partners
        out = _move(x, *ctx.moved)
        for mine, partners in _pairs(out, carry, *ctx.added):
            mine += partners
        return out

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple:
        carry_grad = torch.zeros_like(grad)
        for mine, partners in _pairs(grad, carry_grad, *ctx.added):
            partners.copy_(mine)
        return _move(grad, *ctx.moved, back=True), carry_grad, None, None, None, None, None


def _move(
    x: Tensor, num_modalities: int, kept: int, num_partners: int, back: bool = False
) -> Tensor:
    """Copy maps, with the channels from ``kept`` on taken from the partners, or given back."""
    out = torch.empty_like(x)
    to, source = (separate_modalities(maps, num_modalities) for maps in (out, x))
    to[:, :, :kept] = source[:, :, :kept]
    for step, channels in _slices(kept, x.shape[1], num_partners):
        for mine, partners in _partners(num_modalities, step):
            mine, partners = (partners, mine) if back else (mine, partners)
            to[:, mine, channels] = source[:, partners, channels]
    return out


def _pairs(
    x: Tensor, carry: Tensor, num_modalities: int, kept: int, distance: int, num_partners: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Pair views: pixels of ``x``, and those in the partners' ``carry`` that they read."""
    x, carry = (separate_modalities(maps, num_modalities) for maps in (x, carry))
    group = kept // 4
    for index, (down, right) in enumerate(((1, 0), (0, 1), (0, -1), (-1, 0))):
        rows = _overlap(x.shape[3], down * distance)
        columns = _overlap(x.shape[4], right * distance)
        for step, channels in _slices(index * group, (index + 1) * group, num_partners):
            for mine, partners in _partners(num_modalities, step):
                yield (
                    x[:, mine, channels, rows[0], columns[0]],
                    carry[:, partners, channels, rows[1], columns[1]],
                )


def _slices(first: int, end: int, num_partners: int) -> Iterator[tuple[int, slice]]:
    """Share out a range of channels: the step to the partner, and what that one gives."""
    for step, size in enumerate(share_out(end - first, num_partners), 1):
        if size:
            yield step, slice(first, first + size)
        first += size


def _partners(num_modalities: int, step: int) -> Iterator[tuple[slice, slice]]:
    """Pair the indices of modalities with those that come ``step`` later in the cycle."""
    last = num_modalities - step
    yield slice(0, last), slice(step, None)
    yield slice(last, None), slice(0, step)


def _overlap(size: int, offset: int) -> tuple[slice, slice]:
    """Find where a line of pixels and the same line moved on by ``offset`` overlap."""
    left = max(size - abs(offset), 0)
    first, second = slice(size - left, None), slice(0, left)
    return (first, second) if offset >= 0 else (second, first)
