from itertools import product

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ModalityDropout(BaseTransform):
    """Take modalities away from a sample at random, but never all of them.

    A model that is trained with it meets samples that lack a sensor. Like ModDrop (`ModDrop:
    Adaptive Multi-modal Gesture Recognition <https://arxiv.org/abs/1501.00102>`_, TPAMI 2016) it
    drops whole modalities, each with its own probability; ModDrop puts zeros in their place, which
    a network takes for readings. Here a dropped modality is absent, as one without a file is: no
    statistics, no fusion, no loss.

    Each modality is dropped independently of the others, given that one remains. So modalities that
    are likely to be dropped are so a little less often than their probability says: of two with
    0.5 each, a third of the samples loses either, a third none.

    Required keys: ``modalities``, ``present``. Changed keys: ``present``; ``img`` or
    ``modality_<name>``, which become zero.

    Args:
        prob: Name of each modality that may be dropped -> probability, 0 to 1.

    Raises:
        ValueError: If a probability lies outside of 0 to 1, a modality is unknown, or all that a
            sample has would be dropped for certain.
    """

    def __init__(self, prob: dict[str, float]) -> None:
        for name, value in prob.items():
            if not 0 <= value <= 1:
                raise ValueError(
                    f'ModalityDropout: expected a probability of 0 to 1 for {name!r}, got {value!r}'
                )
        self.prob = dict(prob)

    def transform(self, results: dict) -> dict:
        """Draw what remains of one sample."""
        if 'present' not in results:
            raise ValueError(
                'ModalityDropout: expected images loaded by LoadMultimodalImages, got the keys '
                f'{sorted(results)}'
            )
        names, present = results['modalities'], results['present']
        self.check_names(names)
        results['present'] = kept = self._draw(present)
        for name in present:
            if name not in kept:
                key = 'img' if name == names[0] else f'modality_{name}'
                results[key] = np.zeros_like(results[key])
        return results

    def check_names(self, modalities: tuple[str, ...]) -> None:
        """Refuse probabilities of modalities that there are none of.

        Raises:
            ValueError: If so.
        """
        unknown = sorted(set(self.prob) - set(modalities))
        if unknown:
            raise ValueError(
                f'ModalityDropout: expected modalities among {modalities}, got {unknown}'
            )

    def _draw(self, present: tuple[str, ...]) -> tuple[str, ...]:
        """Choose one of the subsets that are not empty, by their probabilities."""
        choices = [keeps for keeps in product((True, False), repeat=len(present)) if any(keeps)]
        drop = np.array([self.prob.get(name, 0.0) for name in present])
        weights = np.array([np.where(keeps, 1 - drop, drop).prod() for keeps in choices])
        if not weights.any():
            raise ValueError(
                f'ModalityDropout: expected that one of the modalities {present} of the sample may '
                f'remain, got the probabilities {self.prob}'
            )
        chosen = choices[np.random.choice(len(choices), p=weights / weights.sum())]
        return tuple(name for name, keep in zip(present, chosen) if keep)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob})'
