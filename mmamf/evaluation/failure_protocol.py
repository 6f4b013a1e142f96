"""Tests and numbers of a protocol for sensors that fail.

The protocol is `Benchmarking Multi-modal Semantic Segmentation under Sensor Failures
<https://arxiv.org/abs/2503.18445>`_ (CVPR 2025 workshops). A pattern says which modalities are
intact; all others have failed. There are 2^M - 1 patterns: all intact is one of them, and all
failed is not. docs/missing_modalities.md explains the numbers, and how ours differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from mmamf.structures import Modality

Pattern = tuple[str, ...]  # the modalities that are intact

PROBABILITIES = (0.05, 0.1, 0.2)  # that a modality fails
SHARES = (0.25, 0.5, 0.75)  # of the values that a failed modality loses
# level -> share of salt and pepper, standard deviation of the normalized input's Gaussian noise
NOISE = dict(low=(0.05, 0.1), middle=(0.1, 0.2), high=(0.2, 0.5))


def list_patterns(modalities: Sequence[str]) -> list[Pattern]:
    """List the non-empty subsets of the modalities, largest first."""
    sizes = range(len(modalities), 0, -1)
    return [kept for size in sizes for kept in combinations(modalities, size)]


def name_tests(modalities: Sequence[str], share: float | None = None) -> dict[Pattern, str]:
    """Name the test of every pattern.

    Args:
        modalities: All modalities.
        share: Share of the values that failed modalities lose. None: they are absent.
    """
    names = {}
    for kept in list_patterns(modalities):
        failed = [name for name in modalities if name not in kept]
        lost = failed and share is not None
        names[kept] = f'rmm/{share} of {"+".join(failed)}' if lost else '+'.join(kept)
    return names


def name_noise(level: str) -> str:
    """Name the test of a level of ``NOISE``."""
    return f'nm/{level}'


def list_losses(modalities: Sequence[str]) -> Iterator[tuple[str, list[dict]]]:
    """Yield the name and the transforms of each test in which modalities lose values."""
    for share in SHARES:
        for kept, name in name_tests(modalities, share).items():
            failed = [modality for modality in modalities if modality not in kept]
            if failed:
                yield name, [dict(type='LostReadings', modality=m, share=share) for m in failed]


def list_noises(modalities: Mapping[str, Modality]) -> Iterator[tuple[str, list[dict]]]:
    """Yield the name and the transforms of each test with noise on all modalities.

    Args:
        modalities: Name -> description, with the statistics that normalize the input.
    """
    for level, (share, deviation) in NOISE.items():
        steps = []
        for name, modality in modalities.items():
            units = [deviation * std / modality.scale for std in modality.statistics[1]]
            std = units[::-1] if modality.bgr_to_rgb else units
            steps += [
                dict(type='SaltAndPepper', modality=name, share=share),
                dict(type='GaussianNoise', modality=name, std=std, seed=1),  # other draws than salt
            ]
        yield name_noise(level), steps


def average(scores: Mapping[Pattern, float | None]) -> float | None:
    """Return the mean over all patterns; None if a score is None.

    Raises:
        ValueError: If a pattern has no score.
    """
    return _weigh(scores, dict.fromkeys(scores, 1.0))


def expect(scores: Mapping[Pattern, float | None], probability: float) -> float | None:
    """Return the expectation if every modality fails independently; None if a score is None.

    A pattern with k of M modalities failed has the weight p^k (1 - p)^(M - k). The weights are
    divided by their sum, 1 - p^M. So it is the expectation, given that one modality is intact.

    Args:
        scores: Pattern -> score, for all patterns.
        probability: Probability p that a modality fails, at least 0 and less than 1.

    Raises:
        ValueError: If the probability is out of range, or a pattern has no score.
    """
    if not 0 <= probability < 1:
        raise ValueError(f'expected 0 <= probability < 1, got {probability!r}')
    count = max(map(len, scores), default=0)
    weights = {p: probability ** (count - len(p)) * (1 - probability) ** len(p) for p in scores}
    return _weigh(scores, weights)


def _weigh(
    scores: Mapping[Pattern, float | None], weights: Mapping[Pattern, float]
) -> float | None:
    patterns = list_patterns(max(scores, key=len, default=()))
    if not patterns or set(scores) != set(patterns):
        raise ValueError(f'expected a score of each of the patterns {patterns}, got {dict(scores)}')
    if None in scores.values():
        return None
    return sum(weights[p] * scores[p] for p in patterns) / sum(weights.values())
