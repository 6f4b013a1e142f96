"""The loss, for classes of different frequency."""

from collections.abc import Sequence

from mmamf.planning.choice import Choice

from .labels import percent, some_of

# docs/rare_classes.md: a class of 1.3 % of the pixels was found after 300 iterations without
# weights, and not after 100. A rarer class needs as many times more.
FOUND = 0.013 * 300
# 1 / sqrt(share) of a class of 0.1 %. On MRI slices with 0.12 % of lesions, a weight of 10 found
# none, and 30 did (docs/planning.md). More would let few pixels decide.
LARGEST_WEIGHT = 30


def choose_loss(shares: Sequence[float], iterations: int, names: Sequence[str]) -> Choice:
    """Choose the weights of cross-entropy: one per class, or None if none is needed.

    Weights are 1 / sqrt(share of the pixels), relative to the most frequent class. In a
    measurement they found rare classes earlier, and cost a little where all classes were found
    without. So they are taken only if a class is too rare for the length of the training. Dice
    gained nothing there.

    Args:
        shares: Share of each class in the training pixels.
        iterations: Length of the training.
        names: Names of the classes.
    """
    needed = FOUND / iterations
    present = {index: share for index, share in enumerate(shares) if share > 0}
    if not present:
        return Choice(None, 'No training pixel has a class.')
    rarest = min(present, key=present.get)
    fact = f'The rarest class, {names[rarest]}, has {percent(present[rarest])} of the pixels.'
    rule = f'In {iterations} iterations, classes above {percent(needed)} are found without weights'
    absent = [names[index] for index in range(len(shares)) if index not in present]
    lacking = f' Without a training pixel, with weight 1: {some_of(absent)}.' if absent else ''
    if present[rarest] >= needed:
        return Choice(None, f'{fact} {rule}.{lacking}')
    most = max(present.values())
    weights = [
        round(min(LARGEST_WEIGHT, (most / share) ** 0.5), 1) if share else 1.0 for share in shares
    ]
    return Choice(
        weights,
        f'{fact} {rule}, so classes are weighted by 1 / sqrt(share), at most {LARGEST_WEIGHT}.'
        f'{lacking}',
    )
