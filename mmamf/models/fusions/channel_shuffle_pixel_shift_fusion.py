import torch
from mmengine.registry import MODELS
from torch import Tensor

from ..modality_axis import fold_modalities, unfold_modalities
from .fusion_operator import FusionOperator


@MODELS.register_module()
class ChannelShufflePixelShiftFusion(FusionOperator):
    """Exchange features by channel shuffle and pixel shift, without a parameter.

    From `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020). With C channels, g = C // 5 and k = 4 g:

    - *channel shuffle*: a modality keeps its channels [0, k) and takes the channels [k, C) of its
      partner, before the spatial convolution and again after it;
    - *pixel shift*: after the convolution, the partner's channels [0, k) from before it are added,
      in four groups of g channels read from the pixel above, left, right and below; pixels from
      outside the map count as zero.

    The authors define it for two modalities, each the other's partner. Here the partner of modality
    m is (m + 1) mod M: the same for M = 2, the identity for M = 1 and, for M > 2, still a
    permutation of the M*C channels. Renaming the modalities by a rotation rotates the output
    likewise; another permutation changes who partners whom. With C < 5, k is 0: whole maps are
    exchanged and nothing is added.

    As a neck there is no convolution in between: with M = 2 the two shuffles cancel, and what
    remains is the addition of shifted channels.

    Args:
        num_modalities: Number of modalities M.
        channels: Not needed: the operator has no parameters.

    Shape:
        - Maps: folded (N*M, C, H, W), input and output alike.

    Raises:
        ValueError: If the batch is not a multiple of M.
    """

    def enter(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Shuffle the channels; carry the partners' kept channels."""
        if self.num_modalities == 1:
            return x, None
        kept, given = self._split(x)  # (N, M, k, H, W), (N, M, C - k, H, W)
        return self._join(kept, _partner(given)), _partner(kept)

    def leave(self, x: Tensor, carry: Tensor | None) -> Tensor:
        """Add the partners' shifted channels and shuffle again."""
        if self.num_modalities == 1:
            return x
        kept, given = self._split(x)
        return self._join(kept + _pixel_shift(carry), _partner(given))

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        channels = x.shape[1]
        kept = channels // 5 * 4
        x = unfold_modalities(x, self.num_modalities).unflatten(1, (self.num_modalities, channels))
        return x[:, :, :kept], x[:, :, kept:]

    def _join(self, kept: Tensor, given: Tensor) -> Tensor:
        return fold_modalities(torch.cat([kept, given], dim=2).flatten(1, 2), self.num_modalities)


def _partner(x: Tensor) -> Tensor:
    """Give every modality, axis 1, the maps of its partner."""
    return x.roll(-1, dims=1)


def _pixel_shift(x: Tensor) -> Tensor:
    """Read four groups of channels, axis 2, from the pixel above, left, right and below."""
    group = x.shape[2] // 4
    shifted = torch.zeros_like(x)
    shifted[:, :, :group, 1:, :] = x[:, :, :group, :-1, :]
    shifted[:, :, group : 2 * group, :, 1:] = x[:, :, group : 2 * group, :, :-1]
    shifted[:, :, 2 * group : 3 * group, :, :-1] = x[:, :, 2 * group : 3 * group, :, 1:]
    shifted[:, :, 3 * group :, :-1, :] = x[:, :, 3 * group :, 1:, :]
    return shifted
