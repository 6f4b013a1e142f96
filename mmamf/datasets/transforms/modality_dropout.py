from itertools import product

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

from .load_multimodal_images import make_absent


@TRANSFORMS.register_module()
class ModalityDropout(BaseTransform):
    """Drop modalities of a sample at random, but never all of them.

    So training also shows samples that lack a sensor. Like ModDrop (`ModDrop: Adaptive Multi-modal
    Gesture Recognition <https://arxiv.org/abs/1501.00102>`_, TPAMI 2016), it drops whole
    modalities, each with its own probability. ModDrop replaces them by zeros, which a network takes
    for readings. Here a dropped modality is absent, like one without a file: it takes no part in
    statistics, fusion or loss.

    Each modality is dropped independently, under the condition that one remains. So a modality is
    dropped somewhat less often than its probability says. Example: with two modalities at 0.5, one
    third of the samples loses the first, one third the second, and one third none.

    Required keys: ``modalities``, ``present``. Changed keys: ``present``; ``img`` or
    ``modality_<name>``, which become zero.

    Args:
        prob: Name of each modality that may be dropped -> probability, 0 to 1.

    Raises:
        ValueError: If a probability is not in 0..1, a modality is unknown, or all present
            modalities of a sample have the probability 1.
    """

    def __init__(self, prob: dict[str, float]) -> None:
        for name, value in prob.items():
            if not 0 <= value <= 1:
                raise ValueError(
                    f'ModalityDropout: expected a probability of 0 to 1 for {name!r}, got {value!r}'
                )
        self.prob = dict(prob)

    def transform(self, results: dict) -> dict:
        """Draw the modalities that one sample keeps."""
        if 'present' not in results:
            raise ValueError(
                'ModalityDropout: expected images loaded by LoadMultimodalImages, got the keys '
                f'{sorted(results)}'
            )
        present = results['present']
        self.check_names(results['modalities'])
        kept = self._draw(present)
        for name in present:
            if name not in kept:
                make_absent(results, name)
        return results

    def check_names(self, modalities: tuple[str, ...]) -> None:
        """Refuse probabilities of modalities that the samples do not have.

        Raises:
            ValueError: If there is one.
        """
        unknown = sorted(set(self.prob) - set(modalities))
        if unknown:
            raise ValueError(
                f'ModalityDropout: expected modalities among {modalities}, got {unknown}'
            )

    def _draw(self, present: tuple[str, ...]) -> tuple[str, ...]:
        """Draw one of the non-empty subsets by their probabilities."""
        choices = [keeps for keeps in product((True, False), repeat=len(present)) if any(keeps)]
        drop = np.array([self.prob.get(name, 0.0) for name in present])
        weights = np.array([np.where(keeps, 1 - drop, drop).prod() for keeps in choices])
        if not weights.any():
            raise ValueError(
                f'ModalityDropout: expected a probability below 1 for one of the modalities '
                f'{present} of the sample, got {self.prob}'
            )
        chosen = choices[np.random.choice(len(choices), p=weights / weights.sum())]
        return tuple(name for name, keep in zip(present, chosen) if keep)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob})'
