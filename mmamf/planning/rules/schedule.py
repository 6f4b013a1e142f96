"""How long is trained, at which rate, and when is validated."""

from dataclasses import dataclass

from mmamf.planning.choice import Choice
from mmamf.planning.counted import counted

SHARE = 0.85  # of the time; the rest is for loading, logs and checkpoints, which are not measured
START_UP = 20  # seconds until the first iteration: imports, and the check of the labels
FORWARD = 0.5  # time of a pixel in validation per time in training: a third, and the full-size maps
VALIDATIONS = 4  # curves of fewer show no trend
VALIDATION_SHARE = 0.2  # of the time at most; a longer validation comes less often
FIRST_LOOK = 45  # seconds of training until the first picture of predictions
LEAST = 20  # iterations; fewer are only a warm-up
WARM_UP = 0.02  # share of the iterations, as 25 of 1200 in the schedule of rooms
FROM_SCRATCH = (2e-3, 4)  # learning rate and batch of adamw_1200 in the configs for rooms


@dataclass(frozen=True)
class Schedule:
    """The length of a training and its validations.

    Args:
        iterations: All iterations; a multiple of ``interval``.
        interval: Iterations between validations.
        first: Iterations until the first validation.
        warm_up: Iterations of the linear warm-up.
    """

    iterations: int
    interval: int
    first: int
    warm_up: int


def training_seconds(minutes: float) -> float:
    """Compute the seconds that are left for iterations and validations."""
    return max(1.0, minutes * 60 - START_UP) * SHARE


def choose_schedule(seconds: float, minutes: float, val_seconds: float, val_samples: int) -> Choice:
    """Choose iterations and validations so that a training ends in time.

    Args:
        seconds: Seconds per iteration.
        minutes: Time of the training.
        val_seconds: Seconds of one validation.
        val_samples: Number of its samples.
    """
    budget = training_seconds(minutes)
    rounds = max(1, min(VALIDATIONS, int(budget * VALIDATION_SHARE / val_seconds)))
    # one more validation is the early one
    left = max(seconds, budget - (rounds + 1) * val_seconds)
    possible = int(left / seconds)
    if possible < LEAST:
        possible, rounds = LEAST, 1
    interval = _nice(possible // rounds)
    iterations = interval * rounds
    first = min(interval, max(1, int(FIRST_LOOK / seconds)))
    first = interval if 2 * first > interval else _nice(first)
    warm_up = max(1, round(iterations * WARM_UP))
    reason = (
        f'An iteration takes {seconds:.2g} s, a validation of {counted(val_samples, "sample")} '
        f'about {val_seconds:.2g} s. With {START_UP} s to start and {1 - SHARE:.0%} in reserve, '
        f'{counted(minutes, "minute is", "minutes are")} enough for that. The first validation '
        f'comes after about {first * seconds:.0f} s.'
    )
    return Choice(Schedule(iterations, interval, first, warm_up), reason)


def choose_learning_rate(batch_size: int, fine_tuning: tuple[float, int] | None) -> Choice:
    """Choose the learning rate of AdamW for a batch.

    It grows with the root of the batch, as the noise of a gradient falls.

    Args:
        batch_size: The batch.
        fine_tuning: Learning rate of the network from pretrained weights, and the batch that it is
            for; None from scratch.
    """
    rate, batch = fine_tuning or FROM_SCRATCH
    value = float(f'{rate * (batch_size / batch) ** 0.5:.2g}')
    start = 'from pretrained weights' if fine_tuning else 'from scratch'
    return Choice(
        value,
        f'{rate:g} is usual for batches of {batch} {start}; it changes with the root of the batch.',
    )


def estimate_validation(
    seconds_per_pixel: float, samples: int, pixels: float, overlap: float
) -> float:
    """Estimate the seconds of a validation.

    Args:
        seconds_per_pixel: Time of a training step per pixel of its batch.
        samples: Number of samples.
        pixels: Mean number of pixels of a scaled image.
        overlap: How often a sliding window sees each pixel; 1 without a window.
    """
    return max(0.1, FORWARD * seconds_per_pixel * samples * pixels * overlap)


def _nice(count: int) -> int:
    """Round down to two digits; a small number stays."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return count // unit * unit
