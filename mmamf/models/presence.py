"""Which modalities of a batch are present, as it travels beside and inside its tensors.

Outside a network, all planes of an absent modality are NaN. So the information about presence
travels inside the one tensor, through code that crops, stacks or moves it. A modality is absent
only if every value of all its planes is NaN. Behind a backbone, the maps carry a mask.

To read a tensor, the host has to wait for its device. The data preprocessor knows the modalities of
the samples and notes them on the tensor (:func:`note_presence`). Without a note, a backbone reads
the tensor. In both cases the host keeps a copy of the mask (host_copy.py). Traced and compiled
graphs and ``torch.func.vmap`` cannot read it: they need samples that have all modalities.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from .host_copy import places, send
from .modality_axis import fold_modalities
from .tracing import is_eager, is_exporting


class Pyramid(tuple):
    """The folded maps that a backbone returns, (N*M, C_i, H_i, W_i), with an attribute.

    Attributes:
        presence: The mask of the present modalities, (N, M).
    """


def with_presence(
    outputs: Tensor | Sequence[Tensor], presence: Tensor | None
) -> Tensor | Sequence[Tensor]:
    """Attach a mask to maps, or to the only map; without one, return them as they are."""
    if presence is None:
        return outputs
    pyramid = outputs if isinstance(outputs, Tensor) else Pyramid(outputs)
    pyramid.presence = presence
    return pyramid


def presence_of(pyramid: Sequence[Tensor]) -> Tensor | None:
    """Read the mask of maps, None if all modalities are present."""
    return getattr(pyramid, 'presence', None)


def note_presence(inputs: Tensor, rows: Sequence[Sequence[bool]]) -> None:
    """Note on a tensor which modalities its samples have, so that nobody has to read it.

    The note is valid for the tensor and its crops, until somebody writes into it.

    Args:
        inputs: The input of a network, NaN where a modality is absent.
        rows: For each sample, whether it has each modality.

    Shape:
        - inputs: (N, M*C, H, W).
    """
    if not inputs.is_inference():  # inference tensors have no _version
        inputs._present = (inputs._version, rows)


def find_absent(x: Tensor, num_modalities: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Find the absent modalities: the input, their mask, and the places of the present maps."""
    # A single modality cannot be absent, and a meta tensor has no values. fold_modalities refuses a
    # wrong number of channels.
    if num_modalities == 1 or not (is_eager(x) or is_exporting()):
        return x, None, None
    if x.is_meta or x.shape[1] % num_modalities:
        return x, None, None
    if is_exporting():  # no branch of the graph may depend on a value
        there = 1 - fold_modalities(x, num_modalities).isnan().float().amin((1, 2, 3))
        absent = there.view(-1, num_modalities) == 0
        zeros = absent.repeat_interleave(x.shape[1] // num_modalities, dim=1)[:, :, None, None]
        return x.masked_fill(zeros, 0), ~absent, None
    rows = _read_note(x, num_modalities)
    rows = _find_present(x, num_modalities) if rows is None else rows
    if all(map(all, rows)):
        return x, None, None
    lost = [index for index, row in enumerate(rows) if not any(row)]
    if lost:
        raise ValueError(
            'expected at least one modality in each sample, got none (NaN in all planes) in the '
            f'samples {lost} of the batch'
        )
    mask = torch.tensor(rows)
    return x, send(mask, x.device), places(mask.flatten(), x.device)


def _read_note(x: Tensor, num_modalities: int) -> Sequence[Sequence[bool]] | None:
    """Read the note of a tensor, or of the tensor that it is a crop of."""
    source = x if hasattr(x, '_present') or x.is_inference() else x._base
    if not hasattr(source, '_present'):
        return None
    version, rows = source._present
    is_crop = source.shape[:2] == x.shape[:2] and source.stride() == x.stride()
    is_current = source._version == version and len(rows[0]) == num_modalities
    return rows if is_crop and is_current else None


def _find_present(x: Tensor, num_modalities: int) -> list[list[bool]]:
    """Tell for each sample which modalities it has; read all pixels only where the first is NaN."""
    first = fold_modalities(x[:, :, :1, :1], num_modalities).isnan().flatten(1).all(1)
    absent = first.tolist()  # here the host waits
    suspects = [index for index, lost in enumerate(absent) if lost]
    if suspects:
        lost = fold_modalities(x, num_modalities)[suspects].isnan().flatten(1).all(1)
        for index, value in zip(suspects, lost.tolist()):
            absent[index] = value
    rows = zip(*[iter(absent)] * num_modalities)
    return [[not lost for lost in row] for row in rows]
