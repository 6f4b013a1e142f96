"""Channel shuffle and pixel shift in as few passes over memory as there can be.

Each function writes its result once, in the layout of its input, and knows its own gradient.
Autograd of slices, concatenations and rolls would pass over the maps about three times as often,
and lose the channels-last layout. Compilers fuse those by themselves, and exporters know nothing
else: they are given the plain formula.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from ..modality_axis import separate_modalities


def shuffle(x: Tensor, num_modalities: int, kept: int) -> Tensor:
    """Give every modality m the channels from ``kept`` on of its partner, (m + 1) mod M.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """
    return _Shuffle.apply(x, num_modalities, kept)


def shift_and_shuffle(
    x: Tensor, carry: Tensor, num_modalities: int, kept: int, distance: int, given: int
) -> Tensor:
    """Add what the partner carried, shifted by ``distance``, to the first ``kept`` channels.

    Then shuffle as :func:`shuffle` does, from the channel ``given`` on.

    Shape:
        - Input, carry and output: folded maps (N*M, C, H, W).
    """
    return _ShiftAndShuffle.apply(x, carry, num_modalities, kept, distance, given)


class _Shuffle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, num_modalities: int, kept: int) -> Tensor:
        ctx.sizes = num_modalities, kept
        return _move(x, num_modalities, kept)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple:
        return _move(grad, *ctx.sizes, back=True), None, None


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
    ) -> Tensor:
        ctx.sizes = num_modalities, kept, distance, given
        out = _move(x, num_modalities, given)
        for mine, partners in _pairs(out, carry, num_modalities, kept, distance):
            mine += partners
        return out

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple:
        num_modalities, kept, distance, given = ctx.sizes
        carry_grad = torch.zeros_like(grad)
        for mine, partners in _pairs(grad, carry_grad, num_modalities, kept, distance):
            partners.copy_(mine)
        return _move(grad, num_modalities, given, back=True), carry_grad, None, None, None, None


def _move(x: Tensor, num_modalities: int, kept: int, back: bool = False) -> Tensor:
    """Copy maps, with the channels from ``kept`` on taken from the partner, or given back."""
    out = torch.empty_like(x)
    to, source = (separate_modalities(maps, num_modalities) for maps in (out, x))
    to[:, :, :kept] = source[:, :, :kept]
    if kept < x.shape[1]:
        for mine, partners in _partners(num_modalities):
            mine, partners = (partners, mine) if back else (mine, partners)
            to[:, mine, kept:] = source[:, partners, kept:]
    return out


def _pairs(
    x: Tensor, carry: Tensor, num_modalities: int, kept: int, distance: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Pair views: pixels of ``x``, and those in the partner's ``carry`` that they read."""
    x, carry = (separate_modalities(maps, num_modalities) for maps in (x, carry))
    group = kept // 4
    for index, (down, right) in enumerate(((1, 0), (0, 1), (0, -1), (-1, 0))):
        channels = slice(index * group, (index + 1) * group)
        rows = _overlap(x.shape[3], down * distance)
        columns = _overlap(x.shape[4], right * distance)
        for mine, partners in _partners(num_modalities):
            yield (
                x[:, mine, channels, rows[0], columns[0]],
                carry[:, partners, channels, rows[1], columns[1]],
            )


def _partners(num_modalities: int) -> Iterator[tuple[slice, slice]]:
    """Pair the indices of modalities with those of their partners."""
    last = num_modalities - 1
    yield slice(0, last), slice(1, None)
    yield slice(last, None), slice(0, 1)


def _overlap(size: int, offset: int) -> tuple[slice, slice]:
    """Find where a line of pixels and the same line moved on by ``offset`` overlap."""
    left = max(size - abs(offset), 0)
    first, second = slice(size - left, None), slice(0, left)
    return (first, second) if offset >= 0 else (second, first)
