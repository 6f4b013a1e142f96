from collections.abc import Iterator, Sequence

import torch
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import Tensor

from ...ensemble import ENSEMBLE, modality_names
from ..folded_batch import note_presence, read_presence


class ExchangeDropout:
    """Split training batches at random into parts whose modalities exchange nothing.

    A network with fusion learns to rely on what it receives, and fails without it. Here it learns
    both. With probability ``rate``, a batch is split: each modality goes at random into one of M
    parts, but not all into the same. The network sees each part as a batch that lacks the other
    modalities. With two modalities, this is each one alone. No reading and no loss is thrown away,
    unlike with ModalityDropout: every modality of every sample is still in the batch, once.

    Args:
        rate: Probability that a batch is split, from 0 to 1.
        num_modalities: Number of modalities M.

    Raises:
        ValueError: If the rate is not a number from 0 to 1.
    """

    def __init__(self, rate: float, num_modalities: int) -> None:
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(f'exchange_dropout: expected a number from 0 to 1, got {rate!r}')
        self.rate = rate
        self.num_modalities = num_modalities

    def split(
        self, inputs: Tensor, samples: SampleList
    ) -> Iterator[tuple[Tensor, list[SegDataSample]]]:
        """Yield the batch, or the parts of it; a sample without a modality of a part is not in it.

        Args:
            inputs: The input of the network, NaN where a modality is absent.
            samples: Its samples.

        Shape:
            - inputs: (N, M*C, H, W).
            - Output: (n, M*C, H, W), where n is the number of samples in the part.
        """
        parts = self._draw()
        if len(parts) == 1:
            yield inputs, samples
            return
        presence = torch.tensor(read_presence(inputs, self.num_modalities))  # (N, M)
        for part in parts:
            in_part = presence & torch.isin(torch.arange(self.num_modalities), torch.tensor(part))
            rows = in_part.any(1).nonzero().flatten().tolist()
            if rows:
                yield _restrict(inputs, samples, rows, in_part[rows])

    def _draw(self) -> list[list[int]]:
        """Draw the parts, as lists of the indices of their modalities."""
        m = self.num_modalities
        places = torch.zeros(m, dtype=torch.long)
        if self.rate and m > 1 and torch.rand(()) < self.rate:
            while places.unique().numel() == 1:
                places = torch.randint(m, (m,))
        return [(places == place).nonzero().flatten().tolist() for place in places.unique()]


def join_losses(parts: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Join the losses of the parts of a batch.

    A modality has its losses in one part, so they are added up. The ensemble has losses in all
    parts, so they are averaged.
    """
    if len(parts) == 1:
        return parts[0]
    joined: dict[str, list[Tensor]] = {}
    for losses in parts:
        for name, value in losses.items():
            joined.setdefault(name, []).append(value)
    return {
        name: sum(values) / (len(values) if f'.{ENSEMBLE}.' in name else 1)
        for name, values in joined.items()
    }


def _restrict(
    inputs: Tensor, samples: SampleList, rows: list[int], present: Tensor
) -> tuple[Tensor, list[SegDataSample]]:
    """Take samples out of a batch, and make all modalities absent that are not in the mask."""
    absent = ~present.to(inputs.device)
    planes = absent.repeat_interleave(inputs.shape[1] // present.shape[1], dim=1)
    part = inputs[rows].masked_fill(planes[:, :, None, None], torch.nan)
    note_presence(part, present.tolist())
    restricted = []
    for row, there in zip(rows, present.tolist()):
        sample = samples[row].new()
        names = modality_names(sample.metainfo, present.shape[1])
        sample.set_metainfo(dict(present=tuple(n for n, kept in zip(names, there) if kept)))
        restricted.append(sample)
    return part, restricted
