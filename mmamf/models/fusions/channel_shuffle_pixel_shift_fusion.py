import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor

from ..modality_axis import separate_modalities
from ..tracing import is_eager, is_exporting
from .fusion_operator import FusionOperator


@MODELS.register_module()
class ChannelShufflePixelShiftFusion(FusionOperator):
    """Exchange features by channel shuffle and pixel shift, without parameters.

    From `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020). With C channels, g = C // 5 and k = 4 g:

    - *channel shuffle*: a modality keeps its channels [0, k) and takes the channels [k, C) of its
      partner, before the spatial convolution and again after it;
    - *pixel shift*: after the convolution, a modality adds the channels [0, k) that its partner had
      before the convolution. They are read in four groups of g channels, from the pixel above,
      left, right and below; pixels outside the map count as zero.

    The authors define it for two modalities, each of which is the other's partner. Here the partner
    of modality m is (m + 1) mod M, or the next modality that is present in the sample. So for any M
    the shuffle is a permutation of the M*C channels. A modality that is alone keeps all its
    channels, and nothing is added. With C < 5, k is 0: whole maps are exchanged and nothing is
    added.

    A neck has no convolution in between. With M = 2 the two shuffles then cancel, and only the
    addition of shifted channels remains.

    Args:
        num_modalities: Number of modalities M.
        channels: Not needed: the operator has no parameters.

    Shape:
        - Maps: folded (N*M, C, H, W), for input and output.

    Raises:
        ValueError: If another argument is given, or the batch is not a multiple of M.
    """

    def __init__(self, num_modalities: int, channels: int | None = None, **options) -> None:
        if options:
            raise ValueError(
                'ChannelShufflePixelShiftFusion: expected no arguments but num_modalities and '
                f'channels, got {sorted(options)}: variants of this operator are '
                "dict(type='ShuffleShiftAblation', ...)"
            )
        super().__init__(num_modalities, channels)

    def enter(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Shuffle the channels; carry the kept channels as they were."""
        if self.num_modalities == 1:
            return x, None
        kept, given = _split(x)
        return torch.cat([kept, self._from_partner(given)], dim=1), kept

    def leave(self, x: Tensor, carry: Tensor | None) -> Tensor:
        """Add the partner's carried channels from around every pixel, and shuffle again."""
        if self.num_modalities == 1:
            return x
        kept, given = _split(x)
        added = _look_around(self._from_partner(carry, alone=0))
        return torch.cat([kept + added, self._from_partner(given)], dim=1)

    def _from_partner(self, x: Tensor, alone: float | None = None) -> Tensor:
        """Give each modality its partner's maps; one that is alone gets its own, or ``alone``."""
        if is_eager(x) and 1 == x.stride(1) < x.stride(3):  # keep channels last
            return self._from_partner(x.permute(0, 2, 3, 1), alone).permute(0, 3, 1, 2)
        maps = separate_modalities(x, self.num_modalities)  # (N, M, C, H, W)
        if self.presence is None:
            return maps.roll(-1, dims=1).flatten(0, 1)
        steps = torch.arange(self.num_modalities, device=x.device)
        others = (steps[:, None] + steps + 1) % len(steps)  # in cyclic order, itself last
        nearest = self.presence[:, others].int().argmax(2)  # (N, M), the first that is present
        samples = torch.arange(maps.shape[0], device=x.device)[:, None]
        given = maps[samples, others[steps, nearest]]
        if alone is not None:
            is_alone = (self.presence.sum(1) < 2)[:, None, None, None, None]
            given = given.masked_fill(is_alone, alone)
        return given.flatten(0, 1)


def _split(x: Tensor) -> tuple[Tensor, Tensor]:
    kept = x.shape[1] // 5 * 4
    return x.split([kept, x.shape[1] - kept], dim=1)


def _look_around(x: Tensor) -> Tensor:
    """Read four groups of channels from the pixels above, left, right and below."""
    if is_exporting():
        # padding first, because onnxruntime gives undefined values where a padding of -1 leaves no
        # pixel of a map
        above, left, right, below = F.pad(x, (1, 1, 1, 1)).chunk(4, dim=1)
        inner = slice(1, -1)
        shifted = above[..., :-2, inner], left[..., inner, :-2], right[..., inner, 2:]
        return torch.cat([*shifted, below[..., 2:, inner]], dim=1)
    above, left, right, below = x.chunk(4, dim=1)
    sides = ((above, (0, 0, 1, -1)), (left, (1, -1)), (right, (-1, 1)), (below, (0, 0, -1, 1)))
    return torch.cat([F.pad(maps, padding) for maps, padding in sides], dim=1)
