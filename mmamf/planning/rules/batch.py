"""How many samples a batch has."""

from collections.abc import Mapping

from mmamf.planning.choice import Choice

from .network import USUAL_ITERATIONS

SIZES = (2, 4, 8, 16)  # batch norm of one sample learns its noise; 16 is the batch of SegFormer
PAYS = 0.9  # a batch of twice the size pays if a sample takes at most 90 % of the time
FREE = 0.8  # share of the free memory that a training may take; the rest is for validation


def list_batch_sizes(samples: int) -> list[int]:
    """List the batch sizes to measure for a number of training samples."""
    return [size for size in SIZES if size <= samples] or [SIZES[0]]


def choose_batch_size(
    seconds: Mapping[int, float], memory_gib: Mapping[int, float], iterations: Mapping[int, int]
) -> Choice:
    """Choose the largest batch that pays and leaves enough iterations.

    On rooms, 800 iterations in batches of 2 were 4 mIoU better than 400 in batches of 4
    (docs/planning.md). So a batch grows only if the usual length is left.

    Args:
        seconds: Seconds per step by batch size.
        memory_gib: Peak memory by batch size.
        iterations: Length of the training by batch size.
    """
    sizes = sorted(seconds)
    chosen = sizes[0]
    for small, large in zip(sizes, sizes[1:]):
        pays = seconds[large] / large <= PAYS * seconds[small] / small
        if not pays or iterations[large] < USUAL_ITERATIONS:
            break
        chosen = large
    told = ', '.join(f'{seconds[n] / n:.3g} s in batches of {n}' for n in sizes)
    return Choice(
        chosen,
        f'A sample takes {told}. A larger batch must save 10 % of the time and leave '
        f'{USUAL_ITERATIONS} iterations. Peak memory: {memory_gib[chosen]:.2g} GiB.',
    )
