"""Checks between the files of one sample."""

from collections import Counter
from collections.abc import Iterator

from ..counted import counted
from ..prints.fingerprint import Fingerprint
from ..prints.summaries import Offset
from ..samples.found_data import LABELS, FoundData
from .affected import Affected
from .finding import Finding

SHIFT = 3.0  # pixels; smaller offsets vanish in the first stages of a network
ANGLE, SCALE = 1.0, 0.02  # degrees, and the factor's distance from 1
MINORITY = 0.1  # of the samples; so many are left out, if their files differ in size
SURE = 0.5  # certainty from which an offset means something


def sizes(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Files of one sample with different sizes."""
    first: dict[str, tuple[int, int]] = {}
    for column in data.columns:
        uneven, pairs = Affected(), Counter()
        for name, image in _prints(fingerprint, column):
            if image.error is not None:
                continue
            expected = first.setdefault(name, image.size)
            if image.size != expected:
                uneven.add(image.path)
                pairs[expected, image.size] += 1
        if not uneven:
            continue
        (expected, got), _ = pairs.most_common(1)[0]
        many = uneven.count > MINORITY * len(data.samples)
        left_out = 'These are too many to leave' if many else 'The plan leaves such samples'
        yield Finding(
            'error' if many else 'warning',
            'sizes-differ',
            f'{counted(uneven.count, "file")} of {column} '
            f'{"differs" if uneven.count == 1 else "differ"} in size from the other files of the '
            f'sample, such as {got[1]} x {got[0]} instead of {expected[1]} x {expected[0]}.',
            'One pixel must show the same point in all of them.',
            f'{left_out} out. --fix DIR cuts a difference of up to 2 pixels off, and '
            f'resizes otherwise to the size of {data.modalities[0]}.',
            **uneven.of,
        )


def orientation(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Files that are to be turned, beside files that are not."""
    turned: dict[str, int] = {}
    for column in data.columns:
        for name, image in _prints(fingerprint, column):
            turned[name] = turned.get(name, 0) + (image.orientation != 1)
    for column in data.columns:
        files = Affected(
            image.path
            for name, image in _prints(fingerprint, column)
            if image.orientation != 1 and turned[name] < len(data.columns)
        )
        if files:
            yield Finding(
                'warning',
                'orientation',
                f'{counted(files.count, "header")} of {column} '
                f'{"says" if files.count == 1 else "say"} that the image is to be turned, and '
                'other files of the sample do not.',
                'Files are read as they are stored. If the others are upright, the pixels do not '
                'lie over each other.',
                '--fix DIR turns the pixels.',
                **files.of,
            )


def shifted(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Modalities that do not lie over the first."""
    for name, offset in fingerprint.offsets.items():
        if offset.certainty < SURE or not is_far(offset):
            continue
        yield Finding(
            'warning',
            'shifted',
            f'{name} lies {abs(offset.dx):.1f} pixels to the {"left" if offset.dx > 0 else "right"}'
            f' and {abs(offset.dy):.1f} pixels {"above" if offset.dy > 0 else "below"} '
            f'{data.modalities[0]} (turned by {offset.angle:.1f} degrees, scaled by '
            f'{offset.scale:.3f}; certainty {offset.certainty:.2f}, '
            f'{counted(offset.samples, "sample")}).',
            'Fusion compares the same pixel of both.',
            'Register the cameras; --fix DIR moves the images by this much.',
        )


def is_far(offset: Offset) -> bool:
    """Tell whether an offset is so large that it matters."""
    turned = abs(offset.angle) >= ANGLE or abs(offset.scale - 1) >= SCALE
    return max(abs(offset.dx), abs(offset.dy)) >= SHIFT or turned


def _prints(fingerprint: Fingerprint, column: str) -> Iterator:
    return fingerprint.labels() if column == LABELS else fingerprint.images(column)


CHECKS = (sizes, orientation, shifted)
