"""Tries which network of the ladder, and which batch, the time allows."""

from collections.abc import Callable

from .choice import Choice
from .counted import counted
from .draft_model import change_model, draft_config, pad_to
from .machine import Machine
from .measure_step import StepCost
from .rules.batch import choose_batch_size, list_batch_sizes
from .rules.network import (
    LADDER,
    USUAL_ITERATIONS,
    Attempt,
    Rung,
    choose_network,
    choose_weights,
    is_reachable,
)
from .rules.schedule import VALIDATION_SHARE, training_seconds
from .rules.size import Size
from .rules.testing import choose_precision

PROBE = (128, 128)  # (H, W) of the first measurement, from which the affordable size follows

Measure = Callable[..., dict[int, StepCost]]


class NetworkTrials:
    """Measures networks and chooses one; keeps its costs.

    Args:
        machine: Where the training will run: this machine.
        minutes: Time of the training.
        num_classes: Number of classes.
        samples: Number of training samples.
        measure: Measures training steps, see :func:`measure_steps`.
    """

    def __init__(
        self, machine: Machine, minutes: float, num_classes: int, samples: int, measure: Measure
    ) -> None:
        self.machine, self.minutes, self.num_classes = machine, minutes, num_classes
        self.batch_sizes = list_batch_sizes(samples)
        # how long validations take is known when the size is; this is left beside them
        self.budget = training_seconds(minutes) * (1 - VALIDATION_SHARE)
        self.memory_gib = machine.gpu_memory_gib if machine.gpu else machine.memory_gib
        self.costs: dict[int, StepCost] = {}
        self._measure_steps = measure

    def affordable_pixels(self, modalities: list[dict]) -> float:
        """Measure how many pixels per sample the smallest network can see in the time."""
        batch_size = self.batch_sizes[0]
        costs = self._measure(LADDER[0], modalities, dict(size=PROBE), PROBE, [batch_size])
        if not costs:
            raise ValueError(
                f'memory: expected enough for {batch_size} images of {PROBE[0]} x {PROBE[1]} px '
                f'and {_modalities(modalities)}, got {self.memory_gib:.2g} GiB'
            )
        self._per_pixel = costs[batch_size].seconds / (batch_size * PROBE[0] * PROBE[1])
        return self.budget / USUAL_ITERATIONS / (batch_size * self._per_pixel)

    def choose_network(
        self, modalities: list[dict], size: Size, schedule: Callable[[int, float], Choice]
    ) -> dict[str, Choice]:
        """Try the networks from small to large, as long as the time may be enough.

        Args:
            modalities: Descriptions of the modalities.
            size: The size of the images.
            schedule: Chooses the schedule for a batch size and its seconds per step.
        """
        attempts, found, weights = [], {}, {}
        batch_size = self.batch_sizes[0]
        # no network is faster than the one before it in the ladder
        seconds = self._per_pixel * batch_size * size.train[0] * size.train[1]
        for rung in LADDER:
            first = rung is LADDER[0]
            most = schedule(batch_size, seconds).value.iterations
            if not first and most < rung.iterations:
                attempts.append(Attempt(rung, most, rung.iterations, measured=False))
                break
            weights[rung] = choose_weights(rung, is_reachable)
            needed = rung.iterations if weights[rung].value else rung.scratch_iterations
            if not first and most < needed:
                attempts.append(Attempt(rung, most, needed, measured=False))
                continue
            costs = self._measure_at(rung, modalities, size, None if first else needed)
            if not costs:
                break
            seconds = costs[batch_size].seconds
            possible = schedule(batch_size, seconds).value.iterations
            pretrained = bool(weights[rung].value)
            attempts.append(Attempt(rung, possible, needed, True, pretrained))
            found[rung] = costs
        if not found:
            raise ValueError(
                f'memory: expected enough for {self.batch_sizes[0]} images of {size.train[0]} x '
                f'{size.train[1]} px and {_modalities(modalities)}, got '
                f'{self.memory_gib:.2g} GiB'
            )
        network = choose_network(attempts, self.minutes)
        self.costs = found[network.value]
        batch = choose_batch_size(
            {n: cost.seconds for n, cost in self.costs.items()},
            {n: cost.memory_gib for n, cost in self.costs.items()},
            {n: schedule(n, cost.seconds).value.iterations for n, cost in self.costs.items()},
        )
        return dict(network=network, weights=weights[network.value], batch_size=batch)

    def _measure_at(
        self, rung: Rung, modalities: list[dict], size: Size, needed: int | None
    ) -> dict[int, StepCost]:
        padding = pad_to(size, size.train)
        # a network that takes much longer than it may is not worth waiting for
        patience = {} if needed is None else dict(patience=60 + 10 * self.budget / needed)
        return self._measure(rung, modalities, padding, size.train, self.batch_sizes, **patience)

    def _measure(
        self, rung: Rung, modalities: list[dict], padding: dict, size: tuple, batch_sizes: list,
        **patience: float,
    ) -> dict[int, StepCost]:  # fmt: skip
        changes = change_model(
            rung, False, dict(modalities=modalities, **padding), self.num_classes
        )
        wrapper = dict(type=choose_precision(self.machine).value, optimizer=dict(fused=True))
        config = draft_config(rung, changes, wrapper).to_dict()
        return self._measure_steps(
            config['model'],
            config['optim_wrapper'],
            size,
            batch_sizes,
            self.memory_gib,
            longest=self.budget / USUAL_ITERATIONS,
            **patience,
        )


def _modalities(modalities: list[dict]) -> str:
    return counted(len(modalities), 'modality', 'modalities')
