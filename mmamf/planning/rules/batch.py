"""How many samples a batch has."""

from collections.abc import Mapping

from mmamf.planning.choice import Choice

USUAL = 4  # the batch of the configs measured on rooms
SMALLEST = 2  # batch norm of one sample learns its noise
LARGEST = 16  # SegFormer's; larger batches need other learning rates
PAYS = 0.9  # a batch of twice the size pays if a sample takes at most 90 % of the time
FREE = 0.8  # share of the free memory that a training may take; the rest is for validation


def list_batch_sizes(samples: int) -> list[int]:
    """List the batch sizes to measure for a number of training samples."""
    usual = [USUAL * 2**k for k in range(3) if USUAL * 2**k <= min(samples, LARGEST)]
    return usual or [max(SMALLEST, min(samples, USUAL))]


def choose_batch_size(
    seconds: Mapping[int, float], memory_gib: Mapping[int, float], needed: int, budget: float
) -> Choice:
    """Choose the largest batch that pays and leaves enough iterations.

    Args:
        seconds: Seconds per step by batch size.
        memory_gib: Peak memory by batch size.
        needed: Iterations that the network needs.
        budget: Seconds for training.
    """
    sizes = sorted(seconds)
    chosen = sizes[0]
    for small, large in zip(sizes, sizes[1:]):
        pays = seconds[large] / large <= PAYS * seconds[small] / small
        if not pays or budget / seconds[large] < needed:
            break
        chosen = large
    told = ', '.join(f'{seconds[n] / n:.3g} s in batches of {n}' for n in sizes)
    return Choice(
        chosen,
        f'A sample takes {told}. A larger batch must save 10 % of the time and leave {needed} '
        f'iterations. Peak memory: {memory_gib[chosen]:.2g} GiB.',
    )
