"""Which changes of training images are safe for the data."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmamf.planning.choice import Choice
from mmamf.planning.prints.modality_rules import words_of
from mmamf.planning.samples.path_words import THERMALS

# Views of an image in training. The recipe of rooms shows each 10 times and flips only; the paper's
# shows it 300 times, with scales from 0.5 to 2.
MANY = 30
SCALES = (0.75, 1.5)  # the roots of half and twice: less than the paper's, for shorter trainings
SIDED = re.compile(r'(^|[^a-z])(left|right)([^a-z]|$)')
HEAT = re.compile(r'therm|infrared|(^|[_\d])(l|m|s|n)?w?ir($|[_\d])|flir')
OVERHEAD_BANDS = 4  # tiles of more than three bands are mostly seen from above


def choose_flips(classes: Sequence[str], modalities: Sequence[Mapping[str, Any]]) -> Choice:
    """Choose the directions in which images are flipped at random.

    Args:
        classes: Names of the classes.
        modalities: Descriptions of the modalities.
    """
    sided = [name for name in classes if SIDED.search(name.lower())]
    if sided:
        return Choice((), f'No flips: {", ".join(sided)} would become the other side.')
    wide = [m['name'] for m in modalities if count_bands(m) >= OVERHEAD_BANDS]
    upright = [m['name'] for m in modalities if m.get('kind', 'image') != 'image']
    if wide and not upright:
        return Choice(
            ('horizontal', 'vertical'),
            f'{", ".join(wide)} has {OVERHEAD_BANDS} bands or more, as images from above: they '
            'have no up and down.',
        )
    return Choice(
        ('horizontal',),
        'No class name says left or right. Nothing says that the images have no up and down.',
    )


def choose_strength(views: float, modalities: Sequence[Mapping[str, Any]]) -> Choice:
    """Choose random scales and colors: a dict of ``scales`` (or None) and ``colors``.

    Args:
        views: How often a training shows each image.
        modalities: Descriptions of the modalities.
    """
    fact = f'The training shows each image {views:.0f} times'
    if views < MANY:
        return Choice(
            dict(scales=None, colors=False),
            f'{fact}, fewer than {MANY}: flips are enough, more would only make it slower.',
        )
    colors = [m['name'] for m in modalities if is_color(m)]
    thermal = [name for name in colors if words_of(name) & THERMALS or HEAT.search(name.lower())]
    if thermal:
        told = f'Colors stay, as {", ".join(thermal)} shows temperatures'
    elif colors:
        told = f'Colors of {", ".join(colors)} vary'
    else:
        told = 'No modality is 8-bit color, so no colors vary'
    return Choice(
        dict(scales=SCALES, colors=bool(colors) and not thermal),
        f'{fact}, {MANY} or more, so its scale varies. {told}.',
    )


def is_color(modality: Mapping[str, Any]) -> bool:
    """Tell whether PhotoMetricDistortion would change a modality."""
    kind = modality.get('kind', 'image')
    return (kind, count_bands(modality), modality['dtype']) == ('image', 3, 'uint8')


def count_bands(modality: Mapping[str, Any]) -> int:
    """Count the bands of a description."""
    channels = modality['channels']
    return channels if isinstance(channels, int) else len(channels)
