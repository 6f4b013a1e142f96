import torch

from ..folded_batch import Parts


class ExchangeDropout:
    """Decide at random which modalities of a training batch exchange features.

    A network with fusion learns to rely on what it receives, and fails without it. Here it learns
    both. With probability ``rate``, each modality goes at random into one of M parts, but not all
    into the same. In this batch, features are exchanged within the parts only. With two modalities,
    each is alone. Unlike with ModalityDropout, every modality of every sample is trained.

    Args:
        rate: Probability that a batch is split into parts, from 0 to 1.
        num_modalities: Number of modalities M.

    Raises:
        ValueError: If the rate is not a number from 0 to 1.
    """

    def __init__(self, rate: float, num_modalities: int) -> None:
        if type(rate) not in (int, float) or not 0 <= rate <= 1:
            raise ValueError(f'exchange_dropout: expected a number from 0 to 1, got {rate!r}')
        self.rate = rate
        self.num_modalities = num_modalities

    def draw(self) -> Parts | None:
        """Draw the parts of a batch; None lets all modalities exchange."""
        m = self.num_modalities
        if not self.rate or m == 1 or torch.rand(()) >= self.rate:
            return None
        parts: dict[int, list[int]] = {}
        while len(parts) < 2:
            parts = {}
            for index, place in enumerate(torch.randint(m, (m,)).tolist()):
                parts.setdefault(place, []).append(index)
        return list(parts.values())  # in the order of their first modalities
