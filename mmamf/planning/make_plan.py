"""Decides how to train on a data set, from what it contains, the machine, and the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .choice import Choice
from .counted import counted
from .machine import Machine
from .measure_step import measure_steps
from .network_trials import Measure, NetworkTrials
from .prints.fingerprint import Fingerprint, LabelSummary, ModalitySummary
from .rules.augmentation import choose_flips, choose_strength
from .rules.labels import (
    choose_classes,
    choose_labels,
    class_images,
    class_pixels,
    class_shares,
)
from .rules.loss import choose_loss
from .rules.modalities import (
    choose_exchange_dropout,
    choose_interpolation,
    describe_modality,
)
from .rules.sampling import choose_crop, choose_sampling
from .rules.schedule import choose_learning_rate, choose_schedule, estimate_validation
from .rules.size import Size, choose_size
from .rules.testing import (
    choose_metric,
    choose_precision,
    choose_test,
    choose_workers,
    windows_overlap,
)
from .samples.found_data import LABELS, FoundData, FoundSample

MODALITY = 'modality_'  # before the name of a modality, among the names of the choices


@dataclass(frozen=True)
class Plan:
    """All decisions on a training.

    Args:
        choices: Each decision by its name, in the order of the config. The description of a
            modality has the name ``modality_<name>``.
        minutes: Time of the training.
        machine: Where it will run.
    """

    choices: Mapping[str, Choice]
    minutes: float
    machine: Machine

    def __getitem__(self, name: str) -> Any:
        """Get the value of a choice."""
        return self.choices[name].value

    @property
    def modalities(self) -> list[dict[str, Any]]:
        """The descriptions of the modalities."""
        return [c.value for name, c in self.choices.items() if name.startswith(MODALITY)]


def make_plan(
    data: FoundData,
    fingerprint: Fingerprint,
    machine: Machine,
    minutes: float,
    measure: Measure = measure_steps,
) -> Plan:
    """Plan a training.

    Training steps are measured on this machine, each network in a process of its own. Larger
    networks are only tried if the time may be enough for them.

    Args:
        data: The samples, each with its split.
        fingerprint: What their files contain.
        machine: Where the training will run: this machine.
        minutes: Time of the training, with its validations.
        measure: Measures training steps, see :func:`measure_steps`.

    Raises:
        ValueError: If there is no time, a side of the split has no labeled sample, the label maps
            hold no classes, or the memory is not enough for a batch of two samples.
    """
    if not minutes > 0:
        raise ValueError(f'minutes: expected more than 0, got {minutes}')
    train, val = (_labeled(data, split) for split in ('train', 'val'))
    summaries, labels = fingerprint.modalities, fingerprint.label_summary
    if labels is None:
        raise ValueError(f'{data.root}: expected label maps to learn from, got none')
    choices = _choose_data(data, fingerprint, summaries, labels, [*train, *val])
    names = choices['classes'].value
    shares = class_shares(labels, 'train', len(names))
    trials = NetworkTrials(machine, minutes, len(names), len(train), measure)

    described = [c.value for name, c in choices.items() if name.startswith(MODALITY)]
    affordable = trials.affordable_pixels(described)
    choices['size'] = choose_size(
        labels.sizes,
        labels.median_area,
        labels.median_width,
        dict(enumerate(shares)),
        affordable,
        names,
    )
    size: Size = choices['size'].value
    for name, choice in choices.items():
        if name.startswith(MODALITY):
            value = choose_interpolation(choice.value, size.scale)
            choices[name] = Choice(value, choice.reason)
    choices['test'] = choose_test(size.crop, size.whole)
    pixels = _mean_pixels(labels.sizes) * size.scale**2
    overlap = windows_overlap(choices['test'].value)

    def schedule(batch_size: int, seconds: float) -> Choice:
        per_pixel = seconds / (batch_size * size.train[0] * size.train[1])
        val_seconds = estimate_validation(per_pixel, len(val), pixels, overlap)
        return choose_schedule(seconds, minutes, val_seconds, len(val))

    choices |= trials.choose_network(described, size, schedule)
    batch_size = choices['batch_size'].value
    choices['schedule'] = schedule(batch_size, trials.costs[batch_size].seconds)
    iterations = choices['schedule'].value.iterations
    fine_tuning = choices['network'].value.fine_tuning if choices['weights'].value else None
    choices['learning_rate'] = choose_learning_rate(batch_size, fine_tuning)
    choices['precision'] = choose_precision(machine)
    choices['loss'] = choose_loss(shares, iterations, names)
    if size.crop:
        choices['crop'] = choose_crop(choices['loss'].value is not None)
    choices['sampling'] = choose_sampling(class_images(labels, 'train'), len(train), names)
    choices['flips'] = choose_flips(names, described)
    choices['strength'] = choose_strength(iterations * batch_size / len(train), described)
    lacking = {d['name']: _lacking(train, d['name']) for d in described if d.get('optional')}
    choices['exchange_dropout'] = choose_exchange_dropout(lacking, len(train))
    choices['workers'] = choose_workers(machine)
    choices['metric'] = choose_metric(names, class_pixels(labels, 'val'))
    return Plan(choices, minutes, machine)


def _choose_data(
    data: FoundData,
    fingerprint: Fingerprint,
    summaries: Mapping[str, ModalitySummary],
    labels: LabelSummary,
    samples: list[FoundSample],
) -> dict[str, Choice]:
    classes = choose_classes(labels, data.classes, data.classes_file)
    choices = dict(labels=choose_labels(labels), classes=classes)
    for name in data.modalities:
        summary = summaries[name]
        has_holes = 0 in summary.missing  # prints count zeros apart from readings
        empty = _find_empty(fingerprint, name) if has_holes else set()
        lacking = sum(name not in s.files or s.name in empty for s in samples)
        choices[MODALITY + name] = describe_modality(name, summary, lacking, len(samples))
    return choices


def _labeled(data: FoundData, split: str) -> list[FoundSample]:
    found = [sample for sample in data.of_split(split) if LABELS in sample.files]
    if not found:
        raise ValueError(
            f'{data.root}: expected labeled samples on the side {split!r}, got '
            f'{counted(len(data.of_split(split)), "sample")}, none with a label map'
        )
    return found


def _find_empty(fingerprint: Fingerprint, name: str) -> set[str]:
    """Find the samples whose file has no reading: they lack the modality, too."""
    return {
        sample
        for sample, image in fingerprint.images(name)
        if image.bands and not image.error and not any(band.count for band in image.bands)
    }


def _lacking(samples: list[FoundSample], name: str) -> int:
    return sum(name not in sample.files for sample in samples)


def _mean_pixels(sizes: Mapping[tuple[int, int], int]) -> float:
    return sum(h * w * count for (h, w), count in sizes.items()) / sum(sizes.values())
