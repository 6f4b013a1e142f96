"""Checks of files, whatever they show."""

from collections import Counter
from collections.abc import Iterator

from ..counted import counted
from ..prints.fingerprint import Fingerprint
from ..samples.found_data import LABELS, FoundData
from .affected import Affected
from .finding import Finding

FEW = 20  # samples; a validation of fewer than a handful of images is a matter of chance
# beginnings of the reasons for which files are mostly left out rightly
MEANT = ('an overview', 'label maps', 'in none of the lists', '--')
HUGE = 100e6  # pixels; such an image and its copies need some GB


def no_labels(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Nothing to learn from."""
    if LABELS not in data.columns:
        yield Finding(
            'error',
            'no-labels',
            f'None of the {len(data.samples)} samples has a label map.',
            'A network learns from label maps.',
            'Name their folder: --labels DIR.',
        )


def few_samples(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Too few samples for results that mean something."""
    count = len(data.samples)
    if count + len(data.between) < FEW:
        yield Finding(
            'warning',
            'few-samples',
            f'There {"is" if count == 1 else "are"} only {counted(count, "sample")}.',
            'With so few, results differ much from one split to another.',
            f'Add images if you can; {FEW} are few, 100 are a start.',
        )


def unreadable(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Files that are damaged, or not of the format that their name says."""
    bad, first = Affected(), ''
    for image in _all_files(data, fingerprint):
        if image.error is not None:
            bad.add(image.path)
            first = first or image.error
    if bad:
        yield Finding(
            'warning',
            'unreadable',
            f'{counted(bad.count, "file")} cannot be read; the first: {first}.',
            'A training would stop there.',
            'The plan leaves such samples out; replace the files to use them.',
            **bad.of,
        )


def unpaired(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Samples that lack a modality or their labels."""
    for column in data.columns:
        lacking = Affected(s.name for s in data.samples if column not in s.files)
        if not lacking:
            continue
        lacking_to_learn = any(column not in s.files and s.split != 'test' for s in data.samples)
        what = 'a label map' if column == LABELS else f'a file of {column}'
        remedy = (
            'The plan leaves such samples out.'
            if column == LABELS
            else f'The plan trains with such samples: {column} is optional in it. If there are '
            f'files under other names, say --modality {column}=DIR.'
        )
        yield Finding(
            'warning' if column == LABELS and lacking_to_learn else 'note',
            'unpaired',
            f'{lacking.count} of {counted(len(data.samples), "sample")} '
            f'{"lacks" if lacking.count == 1 else "lack"} {what}.',
            'Such a sample teaches nothing about what it lacks.',
            remedy,
            **lacking.of,
        )


def broken_links(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Links that lead nowhere."""
    dead = Affected(path for path, reason in sorted(data.unused.items()) if 'link' in reason)
    if dead:
        yield Finding(
            'warning',
            'broken-links',
            f'{counted(dead.count, "link leads", "links lead")} nowhere or back to a folder above.',
            'Images behind such a link are not used.',
            'Mend or remove it.',
            **dead.of,
        )


def unlabeled(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Samples that nobody has labeled yet."""
    if lacking := Affected(sample.name for sample in data.unlabeled):
        yield Finding(
            'note',
            'unlabeled',
            f'{counted(lacking.count, "sample has", "samples have")} no label map and '
            f'{"is" if lacking.count == 1 else "are"} left out.',
            'A network learns from label maps.',
            'If there are label maps in another place, name it: --labels DIR.',
            **lacking.of,
        )


def skipped(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Image files that belong to no sample."""
    told = {path for sample in data.unlabeled for path in sample.files.values()}
    reasons = {
        path: reason
        for path, reason in sorted(data.unused.items(), key=_wanted_first)
        if 'link' not in reason and path not in told
    }
    if reasons:
        common = Counter(reasons.values()).most_common(3)
        listed = ', '.join(f'{reason} ({count})' for reason, count in common)
        meant = all(reason.startswith(MEANT) for reason in reasons.values())
        yield Finding(
            'note' if meant else 'warning',
            'skipped',
            f'{counted(len(reasons), "image file is", "image files are")} not used: {listed}.',
            'They may be samples that you expect to be there.',
            'Name them, --modality NAME=DIR or --labels DIR, or move them away.',
            **Affected(reasons).of,
        )


def _wanted_first(item: tuple[str, str]) -> tuple[bool, bool, str]:
    """Sort files that lack a partner before others, and those that are left out rightly last."""
    path, reason = item
    return reason.startswith(MEANT), not reason.startswith('no partner'), path


def lists(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Strange lists of samples."""
    for path, remark in sorted(data.remarks.items()):
        if not path:
            continue
        yield Finding(
            'note',
            'list',
            f'{path}: {remark}.',
            'Other programs may read it in another way.',
            'The plan has its own tables, train.csv and val.csv, so nothing is to be done.',
            **Affected([path]).of,
        )


def several_readings(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """What was taken, where the names of files allow more than one reading."""
    if remark := data.remarks.get(''):
        yield Finding(
            'note',
            'several-readings',
            f'{remark[0].upper()}{remark[1:]}.',
            'The names of the files can be read in several ways.',
            'If that is what you mean, nothing is to be done.',
        )


def huge(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Images that hardly fit into memory."""
    large = Affected(
        image.path
        for image in _all_files(data, fingerprint)
        if image.size[0] * image.size[1] > HUGE
    )
    if large:
        yield Finding(
            'warning',
            'huge-image',
            f'{counted(large.count, "image has", "images have")} more than {HUGE / 1e6:.0f} '
            'megapixels.',
            'Such an image is read as a whole for every crop, which takes seconds and some GB.',
            'Cut it into tiles of 1024 x 1024 pixels.',
            **large.of,
        )


def duplicate_files(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """The same image twice on one side."""
    sides = {sample.name: sample.split for sample in data.samples}
    same = [(a, b) for a, b, equal in fingerprint.duplicates if equal and sides[a] == sides[b]]
    if same:
        yield Finding(
            'note',
            'duplicate-files',
            f'{counted(len(same), "pair of samples has", "pairs of samples have")} the same image.',
            'Such a sample counts twice.',
            'Remove one of each pair, if that is not meant.',
            **Affected(f'{a} = {b}' for a, b in same).of,
        )


def _all_files(data: FoundData, fingerprint: Fingerprint) -> Iterator:
    for modality in data.modalities:
        yield from (image for _, image in fingerprint.images(modality))
    if LABELS in data.columns:
        yield from (label for _, label in fingerprint.labels())


CHECKS = (
    no_labels, few_samples, unreadable, unpaired, broken_links, unlabeled, skipped, lists,
    several_readings, huge, duplicate_files,
)  # fmt: skip
