import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..modality_axis import fold_modalities, is_channels_last
from ..share_batch import SharesBatch
from .first_kernel import accept_rgb, average_kernel
from .modality_specific_conv import ModalitySpecificConv

_ENTRIES = ('weight', 'bias')


class BandedConv(SharesBatch, nn.Module):
    """First convolution for modalities with different numbers of bands.

    A modality with as many bands as the network's own convolution has input channels uses that
    convolution, together with all others like it. Any other modality has its own. If the network's
    convolution is private (:class:`ModalitySpecificConv`), all of them are.

    All maps have as many channels as the widest modality has bands. A narrower modality uses only
    the first ones.

    In a state dict, shared weights keep their key (``conv1.weight``), and weights of modality m
    have m in the key (``conv1.private.1.weight``). A plain checkpoint is loaded into all of them;
    :func:`average_kernel` adapts it where the number of bands differs.

    Args:
        conv: The network's own first convolution, which becomes a part of this layer.
        bands: Number of bands of every modality.

    Shape:
        - Input: folded maps (N*M, max(bands), H, W).
        - Output: folded maps (N*M, C', H', W').

    Raises:
        ValueError: If the layer is no convolution or has groups, or if an input or a
            checkpoint does not fit these modalities.
    """

    def __init__(self, conv: nn.Module, bands: Sequence[int]) -> None:
        super().__init__()
        is_private = isinstance(conv, ModalitySpecificConv)
        kind = conv.plain_class if is_private else type(conv)
        if not issubclass(kind, nn.Conv2d) or conv.groups != 1:
            raise ValueError(
                f'bands: expected a plain first convolution without groups, got {conv}'
            )
        self.bands = tuple(bands)
        is_shared = [not is_private and count == conv.in_channels for count in bands]
        self.shared = conv if any(is_shared) else None
        if self.shared is not None:
            accept_rgb(self.shared)
        self.private = nn.ModuleDict(
            {
                str(index): _make_own(conv, count)
                for index, count in enumerate(bands)
                if not is_shared[index]
            }
        )
        self._register_state_dict_hook(_drop_child_name)

    def of_modality(self, index: int) -> nn.Conv2d:
        """Return the convolution that a modality uses."""
        name = str(index)
        return self.private[name] if name in self.private else self.shared

    def forward(self, x: Tensor) -> Tensor:
        """Convolve the bands of every modality; the maps of absent modalities become zeros."""
        if self.batch is None:
            return self._convolve(x)
        return self.batch.narrow(self._convolve(self.batch.widen(x)))

    def _convolve(self, x: Tensor) -> Tensor:
        m, widest = len(self.bands), max(self.bands)
        if x.shape[0] % m or x.shape[1] != widest:
            raise ValueError(
                f'bands: expected a folded batch (N*{m}, {widest}, H, W), where {widest} is the '
                f'largest of {self.bands}, got an input of shape {tuple(x.shape)}'
            )
        # Slices, because with an axis for the modalities an exporter would fix the sizes of the
        # maps.
        out = [
            self.of_modality(index)(x[index::m, :count]) for index, count in enumerate(self.bands)
        ]
        out = fold_modalities(torch.cat(out, dim=1), m)
        return out.contiguous(memory_format=torch.channels_last) if is_channels_last(x) else out

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        # Both torch's and mmengine's loader call this before they load the children from the same
        # dict.
        for entry in _ENTRIES:
            plain = state_dict.pop(f'{prefix}{entry}', None)
            if plain is not None and self.shared is not None:
                state_dict[f'{prefix}shared.{entry}'] = plain
            for name, conv in self.private.items():
                key = f'{prefix}private.{name}.{entry}'
                if key not in state_dict and plain is not None:
                    is_bias = plain.ndim == 1
                    state_dict[key] = plain if is_bias else average_kernel(plain, conv.in_channels)
                self._check(state_dict.get(key), getattr(conv, entry), key)
        super()._load_from_state_dict(state_dict, prefix, *args)

    @staticmethod
    def _check(value: Tensor | None, own: Tensor | None, key: str) -> None:
        # mmengine's loader would only log it, and continue with random weights.
        if value is not None and own is not None and value.shape != own.shape:
            raise ValueError(
                f'{key}: expected the shape {tuple(own.shape)}, for {own.shape[1]} bands, got '
                f'{tuple(value.shape)}: the checkpoint is for other modalities'
                if own.ndim > 1
                else f'{key}: expected {len(own)} values, got {tuple(value.shape)}'
            )


def _make_own(conv: nn.Conv2d | ModalitySpecificConv, bands: int) -> nn.Conv2d:
    """Make a convolution like another one, with new weights for a number of bands."""
    if isinstance(conv, ModalitySpecificConv):
        return nn.Conv2d(
            bands,
            conv.out_channels,
            conv.kernel_size,
            stride=conv.stride,
            padding=conv.padding,
            dilation=conv.dilation,
            bias=conv.bias is not None,
            padding_mode=conv.padding_mode,
        )
    own = copy.deepcopy(conv)  # also of a class that pads in its own way, as timm's
    own.in_channels = bands
    own.weight = nn.Parameter(conv.weight.new_empty(conv.out_channels, bands, *conv.kernel_size))
    own.reset_parameters()
    return own


def _drop_child_name(
    module: BandedConv, state_dict: dict, prefix: str, local_metadata: dict
) -> None:
    """Store the shared weights under the keys of a plain layer."""
    for entry in _ENTRIES:
        if f'{prefix}shared.{entry}' in state_dict:
            state_dict[f'{prefix}{entry}'] = state_dict.pop(f'{prefix}shared.{entry}')
