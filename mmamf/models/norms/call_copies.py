from functools import reduce
from itertools import chain

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..modality_axis import separate_modalities
from ..presence import is_exporting


def call_copies(
    norm: nn.Module, x: Tensor, num_modalities: int, presence: Tensor | None = None
) -> Tensor:
    """Call a layer for every modality, with that modality's values.

    Args:
        norm: The layer, its parameters and buffers repeated M times along the first axis. Buffers
            that it changes in place are changed here. A buffer that is a single number, such as a
            count of batches, is one for all modalities and changes once.
        x: The maps.
        num_modalities: Number of modalities M.
        presence: Mask of the modalities that the samples have. The layer sees the maps of no other,
            and these become zero. A modality that no sample has leaves its values alone. In an ONNX
            graph, which is for inference, the layer sees all maps.

    Shape:
        - Input and output: folded maps or tokens (N*M, ...), of which a sample may have several.
        - Mask: (N, M).
    """
    m = num_modalities
    copies: list[dict[str, Tensor]] = [{} for _ in range(m)]
    numbers = {}
    for name, value in chain(norm.named_parameters(), norm.named_buffers()):
        if not value.ndim:
            numbers[name] = value.clone()
            continue
        for copy, part in zip(copies, value.chunk(m)):
            copy[name] = part
    maps = separate_modalities(x, m)
    if is_exporting():
        presence = None
    if presence is not None:
        presence = presence.repeat_interleave(len(maps) // len(presence), dim=0)
    results, called = [], False
    for index, (copy, part) in enumerate(zip(copies, maps.unbind(1))):
        rows = None if presence is None or presence[:, index].all() else presence[:, index]
        if rows is not None and not rows.any():
            results.append(torch.zeros_like(part))
            continue
        if called:
            copy.update({name: value.clone() for name, value in numbers.items()})
        called = True
        if rows is None:
            results.append(functional_call(norm, copy, part))
        else:
            seen = functional_call(norm, copy, part[rows])
            results.append(torch.zeros_like(part, dtype=seen.dtype).index_put((rows,), seen))
    dtype = reduce(torch.promote_types, (result.dtype for result in results))
    return torch.stack([result.to(dtype) for result in results], dim=1).reshape(x.shape)
