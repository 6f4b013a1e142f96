"""Checks between train and val."""

from collections.abc import Iterator

from ..counted import counted
from ..prints.fingerprint import Fingerprint
from ..samples.found_data import FoundData
from .affected import Affected
from .finding import Finding


def val_repeats_train(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Images of val that are in train as well."""
    sides = {sample.name: sample.split for sample in data.samples}
    across = [(a, b, equal) for a, b, equal in fingerprint.duplicates if sides[a] != sides[b]]
    same = Affected(f'{a} = {b}' for a, b, equal in across if equal)
    alike = Affected(f'{a} ~ {b}' for a, b, equal in across if not equal)
    why = 'A network may remember them, so the result on val looks better than it is.'
    if same:
        yield Finding(
            'error',
            'val-repeats-train',
            f'{counted(same.count, "image is", "images are")} in train and in val.',
            why,
            'Remove them from one side, or let the plan split: --split none.',
            **same.of,
        )
    if alike:
        yield Finding(
            'warning',
            'val-resembles-train',
            f'{counted(alike.count, "image of val looks", "images of val look")} almost like one '
            'of train.',
            why,
            'If they are neighboring frames of a video, put each sequence into a folder of its '
            'own, and let the plan split by folders: --split none.',
            **alike.of,
        )


def one_group(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """A split through one sequence."""
    sides = {split: {s.group for s in data.of_split(split)} for split in ('train', 'val')}
    shared = sides['train'] & sides['val']
    if not shared:
        return
    count, first = len(shared), min(shared)
    what = f'{counted(count, "sequence is", "sequences are")} on both sides, such as {first!r}.'
    gap = len(data.between)
    are = counted(gap, 'sample at the borders of val is', 'samples at the borders of val are')
    left_out = f' {are} on no side.' if gap else ''
    yield Finding(
        'note',
        'one-group',
        (what if first else 'The names of the files tell no sequences apart.') + left_out,
        'If train and val show the same scene, val says nothing about a new one.',
        'Put each sequence into a folder of its own, or give lists: --split train.txt val.txt.',
    )


def modality_one_side(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Modalities that only train has, or only val."""
    sides = {split: data.of_split(split) for split in ('train', 'val')}
    if not all(sides.values()):
        return
    for modality in data.modalities:
        counts = {
            split: sum(modality in sample.files for sample in samples)
            for split, samples in sides.items()
        }
        lacking, having = sorted(counts, key=counts.get)
        if counts[lacking] or not counts[having]:
            continue
        why = {
            'val': f'Val does not say what a network makes of {modality}.',
            'train': f'A network cannot learn what to make of {modality}.',
        }
        yield Finding(
            'warning',
            'modality-one-side',
            f'No sample of {lacking} has a file of {modality}; '
            f'{counts[having]} of {counted(len(sides[having]), "sample")} of {having} have one.',
            why[lacking],
            'Give lists in which both sides have it: --split train.txt val.txt. Or leave it out: '
            f'--modality {modality}=none.',
        )


CHECKS = (val_repeats_train, one_group, modality_one_side)
