"""Checks of the values of one modality."""

import math
from collections.abc import Iterator

from ..counted import counted
from ..prints.file_prints import ImagePrint
from ..prints.fingerprint import Fingerprint
from ..prints.mixed_files import count_read_dtypes, most, staying
from ..samples.found_data import FoundData
from .affected import Affected
from .finding import Finding
from .odd_files import find_other_unit, find_swapped

HOLES = 0.001  # share of pixels from which missing readings are worth a word
SATURATED = 0.02  # share of pixels at the end of the range from which a sensor was too bright


def mixed(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Files of one modality that differ in dtype or number of channels."""
    for name, summary in fingerprint.modalities.items():
        for what, counts in (('dtype', summary.dtypes), ('number of channels', summary.channels)):
            if len(counts) < 2:
                continue
            usual, is_dtype = most(counts), what == 'dtype'
            odd = Affected(
                image.path
                for _, image in fingerprint.images(name)
                if image.error is None and (image.dtype if is_dtype else len(image.bands)) != usual
            )
            listed = ', '.join(f'{value} ({number})' for value, number in counts.items())
            kinds = count_read_dtypes(counts) if is_dtype else counts
            stops = 'A training stops at the fewer files. '
            level, done = 'error', stops if is_dtype else 'The plan takes what all files have. '
            if len(kinds) == 1:
                level, done = 'note', f'All of them are read as {most(kinds)}. '
            elif len(staying(kinds)) == 1:
                level, done = 'warning', 'The plan leaves the samples of the fewer files out. '
            yield Finding(
                level,
                'mixed-files',
                f'The files of {name} differ in their {what}: {listed}.',
                'Their numbers do not mean the same.',
                f'{done}--fix DIR makes a copy in which all have the {what} {usual}.',
                **odd.of,
            )


def holes(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Missing readings."""
    found, values = [], set()
    for name, summary in fingerprint.modalities.items():
        if summary.missing and summary.missing_share >= HOLES:
            listed = ' and '.join(f'{value:g}' for value in summary.missing)
            found.append(f'{100 * summary.missing_share:.1f} % of the pixels of {name} ({listed})')
            values.update(summary.missing)
    if found:
        yield Finding(
            'note',
            'holes',
            f'Some pixels have no reading: {", ".join(found)}.',
            'As numbers, they would look like something very near or very far.'
            if any(map(math.isfinite, values))
            else 'A network that computes with NaN gives nothing but NaN.',
            'The plan treats them as missing, so the network sees the mean there.',
        )


def empty_frames(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Images without any reading, or of one value."""
    for name in data.modalities:
        empty = Affected(
            image.path
            for _, image in fingerprint.images(name)
            if image.error is None and is_empty(image)
        )
        if empty:
            yield Finding(
                'warning',
                'empty-frame',
                f'{counted(empty.count, "image")} of {name} {"is" if empty.count == 1 else "are"} '
                'empty: every pixel has the same value.',
                'The sensor was off or covered; a network learns nothing from such an image.',
                f'The plan leaves these images out: {name} counts as absent there.',
                **empty.of,
            )


def saturated(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Sensors that were too bright."""
    for name, summary in fingerprint.modalities.items():
        if summary.kind != 'image' or summary.saturated_share < SATURATED:
            continue
        bright = Affected(
            image.path
            for _, image in fingerprint.images(name)
            if image.bands
            and max(band.saturated for band in image.bands) > SATURATED * math.prod(image.size)
        )
        yield Finding(
            'warning',
            'saturated',
            f'{100 * summary.saturated_share:.1f} % of the values of {name} are the largest that '
            'its files can hold.',
            'There, the sensor or the export has cut the values off, and nothing can be seen.',
            'Record or export with a wider range, if you can.',
            **bright.of,
        )


def eight_bit_depth(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Depth with 256 steps."""
    for name, summary in fingerprint.modalities.items():
        if summary.kind == 'depth' and set(summary.dtypes) == {'uint8'}:
            yield Finding(
                'warning',
                'depth-8-bit',
                f'{name} has only 8 bits.',
                'It was made for the eye: often stretched for each image by itself, so that one '
                'number means another distance in every image.',
                'Export the 16-bit depth of the sensor, if you have it. The plan uses it as it is.',
            )


def depth_units(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Millimeters in some files, meters in others."""
    for name, summary in fingerprint.modalities.items():
        fewer = find_other_unit(fingerprint, name) if summary.kind == 'depth' else {}
        if not fewer:
            continue
        factor = next(iter(fewer.values()))
        yield Finding(
            'error',
            'depth-units',
            f'The files of {name} have two units: the numbers of {counted(len(fewer), "file")} '
            f'are about {max(factor, 1 / factor):.0f} times {"smaller" if factor > 1 else "larger"}'
            ' than those of the others.',
            'The same distance has two numbers.',
            '--fix DIR writes all of them in the unit of most files.',
            **Affected(fewer).of,
        )


def bands(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Channels that say nothing."""
    for name, summary in fingerprint.modalities.items():
        if summary.constant_bands:
            yield Finding(
                'warning',
                'band-constant',
                f'The channels {[*summary.constant_bands]} of {name} are constant in every file.',
                'They cost memory and say nothing.',
                f'The plan leaves them out: channels=[...] of {name}.',
            )
        if summary.equal_bands:
            pairs = ', '.join(f'{a} = {b}' for a, b in summary.equal_bands)
            yield Finding(
                'note',
                'band-duplicate',
                f'Channels of {name} are equal in every file: {pairs}.',
                'A gray image saved as color costs three times the memory.',
                f'The plan takes one of each: channels=[...] of {name}.',
            )


def planar(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """TIFFs with a plane per band."""
    for name in data.modalities:
        files = Affected(image.path for _, image in fingerprint.images(name) if image.planar)
        if files:
            yield Finding(
                'note',
                'planar-tiff',
                f'{counted(files.count, "TIFF file")} of {name} '
                f'{"stores" if files.count == 1 else "store"} one plane per band.',
                'Some programs read such a file as garbage.',
                'Nothing is to be done: they are read right here.',
                **files.of,
            )


def color_order(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Red and blue exchanged in some files."""
    for name, summary in fingerprint.modalities.items():
        swapped = Affected(find_swapped(fingerprint, name) if summary.colored else ())
        if swapped:
            yield Finding(
                'warning',
                'color-order',
                f'Red and blue seem to be exchanged in {counted(swapped.count, "file")} of {name}.',
                'OpenCV writes and reads BGR; a program that mixes both orders exchanges them.',
                '--fix DIR exchanges them back in these files. Look at them first.',
                **swapped.of,
            )


def is_empty(image: ImagePrint) -> bool:
    """Tell whether every pixel of an image has the same value, or none has a reading."""
    return bool(image.bands) and all(band.constant or band.count == 0 for band in image.bands)


CHECKS = (
    mixed, holes, empty_frames, saturated, eight_bit_depth, depth_units, bands, planar, color_order,
)  # fmt: skip
