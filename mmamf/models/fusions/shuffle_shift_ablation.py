from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import torch
from mmengine.registry import MODELS
from torch import Tensor

from ..modality_axis import separate_modalities
from .fusion_operator import FusionOperator


@MODELS.register_module()
class ShuffleShiftAblation(FusionOperator):
    """Channel shuffle and pixel shift with all their variants, for ablations.

    With its defaults it equals :class:`ChannelShufflePixelShiftFusion`, which explains both.

    With more than two modalities, ``partners`` decides from whom a modality receives. With 'next',
    the partner of modality m is (m + 1) mod M. With 'all', all other modalities are its partners.
    They share the exchanged channels evenly, and likewise each of the four groups of g: the first
    slice comes from (m + 1) mod M, the second from (m + 2) mod M, and so on. For M = 2, both
    equal the paper's rule; for any M, both permute the M*C channels and cost the same. With three
    and four modalities no difference was measured between them (configs/amf/README.md). A rotation
    of the order of the modalities rotates the output in the same way; any other new order changes
    the partners.

    If a sample lacks a modality, the others exchange as if it did not exist. With 'next', the
    partner is the next modality present in the same cyclic order; with 'all', all present ones are
    partners. A modality that is alone keeps all its channels, and nothing is added.

    Args:
        num_modalities: Number of modalities M.
        channels: Not needed: the operator has no parameters.
        exchange: Share of the exchanged channels, 0 to 1. k = 4 g channels stay, with
            g = floor(C * (1 - exchange) / 4). 0 switches the shuffle off: then the C - 4 g
            remaining channels, fewer than four, stay too. 1 exchanges whole maps and adds nothing.
        shift: Distance of the four reads in pixels. 0 adds the partner's channels without a shift;
            None adds nothing.
        receivers: Indices of the modalities that receive; None means all. Any other modality keeps
            its own channels and nothing is added to it, but it still gives.
        symmetric: Whether all modalities receive the same, instead of their partner's channels. The
            exchanged channels are then replaced by their mean over all M modalities, and the mean
            of the shifted channels over all M is added. Both means include the modality itself. So
            modalities differ only in the channels they keep, and any new order of the modalities
            only reorders the output.
        partners: 'next' or 'all', see above. With two modalities there is no difference.

    Shape:
        - Maps: folded (N*M, C, H, W), for input and output.

    Raises:
        ValueError: If an argument lies outside its range, or the batch is not a multiple of M.
    """

    def __init__(
        self,
        num_modalities: int,
        channels: int | None = None,
        exchange: float = 0.2,
        shift: int | None = 1,
        receivers: Sequence[int] | None = None,
        symmetric: bool = False,
        partners: str = 'next',
    ) -> None:
        super().__init__(num_modalities, channels)
        if type(exchange) not in (int, float) or not 0 <= exchange <= 1:
            raise ValueError(f'exchange must be a number from 0 to 1, got {exchange!r}')
        if shift is not None and (type(shift) is not int or shift < 0):
            raise ValueError(f'shift must be None or an integer of at least 0, got {shift!r}')
        _check_receivers(receivers, num_modalities)
        if not isinstance(symmetric, bool):
            raise ValueError(f'symmetric must be True or False, got {symmetric!r}')
        if partners not in ('next', 'all'):
            raise ValueError(f"partners must be 'next' or 'all', got {partners!r}")
        if symmetric and partners == 'all':
            raise ValueError("symmetric=True has no partners: expected partners='next', got 'all'")
        # Exact fractions: with floats, 5 * (1 - 0.8) is less than 1.
        group_share = (1 - Fraction(exchange).limit_denominator(10**6)) / 4
        self.group_share = group_share.numerator, group_share.denominator
        self.exchange = exchange
        self.shift = shift
        self.receivers = receivers
        self.symmetric = symmetric
        self.num_partners = max(num_modalities - 1, 1) if partners == 'all' else 1

    def enter(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Shuffle the channels; carry the maps as they were."""
        if self.num_modalities == 1:
            return x, None
        carry = None if self.shift is None else x
        kept, given = self._split(x)  # (N, M, k, H, W), (N, M, C - k, H, W)
        return self._join(kept, self._exchange(given)), carry

    def leave(self, x: Tensor, carry: Tensor | None) -> Tensor:
        """Add the partners' shifted channels and shuffle again."""
        if self.num_modalities == 1:
            return x
        kept, given = self._split(x)
        if carry is not None:
            offered = self._offer(self._split(carry)[0], groups=4)
            kept = self._receive(kept, kept + _pixel_shift(offered, self.shift))
        return self._join(kept, self._exchange(given))

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        numerator, denominator = self.group_share
        kept = x.shape[1] * numerator // denominator * 4
        x = separate_modalities(x, self.num_modalities)
        return x.split([kept, x.shape[2] - kept], dim=2)

    def _join(self, kept: Tensor, given: Tensor) -> Tensor:
        return torch.cat([kept, given], dim=2).flatten(0, 1)

    def _exchange(self, given: Tensor) -> Tensor:
        return given if self.exchange == 0 else self._receive(given, self._offer(given))

    def _offer(self, x: Tensor, groups: int = 1) -> Tensor:
        """Return what every modality (axis 1) is offered: its partners' maps, or the mean of all.

        The channels are divided into groups of equal size; the partners share each group.
        """
        if self.symmetric:
            return self._mean(x).expand_as(x)
        if self.presence is not None:
            samples = torch.arange(x.shape[0], device=x.device)[:, None, None]
            channels = torch.arange(x.shape[2], device=x.device)
            return x[samples, self._givers(x.shape[2], groups), channels]
        if self.num_partners == 1:
            return x.roll(-1, dims=1)
        sizes = _share_out(x.shape[2] // groups, self.num_partners) * groups
        steps = [*range(1, self.num_modalities)] * groups
        slices = zip(x.split(sizes, dim=2), steps)
        return torch.cat([maps.roll(-step, dims=1) for maps, step in slices], dim=2)

    def _mean(self, x: Tensor) -> Tensor:
        """Average over the modalities (axis 1) that are present."""
        if self.presence is None:
            return x.mean(1, keepdim=True)
        x = x.masked_fill(~self.presence[:, :, None, None, None], 0)
        return x.sum(1, keepdim=True) / self.count_present()

    def _givers(self, channels: int, groups: int) -> Tensor:
        """Find for every modality and channel the present modality that gives it.

        Shape:
            - Output: indices (N, M, channels); a modality that is alone has its own index.
        """
        # (N, 1); in a graph, a sample may have no modality, and the divisor must not be 0
        m, present = self.num_modalities, self.presence.sum(1)[:, None].clamp(min=1)
        partners = torch.ones_like(present) if self.num_partners == 1 else (present - 1).clamp(1)
        size = max(channels // groups, 1)
        place = torch.arange(channels, device=present.device) % size
        # the slice that a channel lies in, by the rule of _share_out, counted from 1
        step = ((place + 1) * partners - 1) // size + 1  # (N, channels)
        rank = self.presence.long().cumsum(1) - 1  # among the present ones, (N, M)
        giver = (rank[:, :, None] + step[:, None]) % present[:, :, None]
        absent_last = torch.arange(m, device=present.device) + m * ~self.presence
        order = absent_last.argsort(dim=1)
        return order.gather(1, giver.flatten(1)).view_as(giver)

    def _receive(self, own: Tensor, offered: Tensor) -> Tensor:
        """Let the receivers (axis 1) take what they are offered; the others keep their own."""
        if self.presence is not None:
            receives = self.presence & (self.presence.sum(1, keepdim=True) > 1)
            offered = torch.where(receives[:, :, None, None, None], offered, own)
        if self.receivers is None:
            return offered
        sources = (offered if m in self.receivers else own for m in range(self.num_modalities))
        return torch.stack([source[:, m] for m, source in enumerate(sources)], dim=1)


def _check_receivers(receivers: Sequence[int] | None, num_modalities: int) -> None:
    if receivers is None:
        return
    wrong = not isinstance(receivers, Sequence) or not receivers
    if wrong or len(set(receivers)) < len(receivers) or set(receivers) - set(range(num_modalities)):
        raise ValueError(
            f'receivers must be None or different indices in 0..{num_modalities - 1}, at least '
            f'one, got {receivers!r}'
        )


def _pixel_shift(x: Tensor, distance: int) -> Tensor:
    """Read four groups of channels (axis 2) from the pixels above, left, right and below."""
    if distance == 0:
        return x
    group = x.shape[2] // 4
    shifted = torch.zeros_like(x)
    shifted[:, :, :group, distance:, :] = x[:, :, :group, :-distance, :]
    shifted[:, :, group : 2 * group, :, distance:] = x[:, :, group : 2 * group, :, :-distance]
    right, below = slice(2 * group, 3 * group), slice(3 * group, None)
    shifted[:, :, right, :, :-distance] = x[:, :, right, :, distance:]
    shifted[:, :, below, :-distance, :] = x[:, :, below, distance:, :]
    return shifted


def _share_out(count: int, num_partners: int) -> list[int]:
    """Divide channels among partners as evenly as possible; return the sizes of the slices."""
    ends = [index * count // num_partners for index in range(num_partners + 1)]
    return [end - start for start, end in pairwise(ends)]
