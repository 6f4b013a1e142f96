"""Names modalities, and tells label maps from images."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from mmamf.structures.check_modality import RESERVED

from ..counted import counted
from .found_data import LABELS
from .named_places import NamedPlaces
from .path_words import GIVEN, MODALITIES, plain, split_text
from .streams import Stream

RARE = 0.05  # a modality of fewer samples is taken for something else


def name_streams(
    streams: Sequence[Stream], places: NamedPlaces, say: Callable[[str, str], None]
) -> tuple[list[Stream], dict[str, str]]:
    """Name the modalities and find the label maps; leave out what is neither.

    Args:
        streams: Streams without names.
        places: What arguments name.
        say: Takes remarks.

    Returns:
        The streams with names, and why further files are not used.
    """
    labels = [stream for stream in streams if stream.label_score > 0]
    if len(streams) > 1 and not labels and {_suffix_word(s.words) for s in streams} == {
        'jpg', 'png'
    }:  # fmt: skip
        labels = [stream for stream in streams if _suffix_word(stream.words) == 'png']
        say('', 'the *.png beside *.jpg of the same name are taken for label maps')
    labels.sort(key=lambda s: (-s.label_score, -len(s.files), s.words))
    chosen = labels[0] if labels and places.has_labels else None
    named = [replace(chosen, name=LABELS)] if chosen else []
    unused = {}
    for stream in labels[len(named) :]:
        if not chosen:
            reason = 'label maps, and --labels none says that there are none'
        elif stream.label_score < chosen.label_score:
            reason = f'label maps beside those like {_first(chosen)}; --labels DIR takes others'
        else:  # such as a folder of masks per class
            reason = f'no less label maps than {_first(chosen)}; --labels DIR takes others'
        unused.update(dict.fromkeys(stream.files.values(), reason))
    images = [stream for stream in streams if stream not in labels]
    most = max((len(stream.files) for stream in images), default=0)
    for stream, name in zip(images, _names([stream.words for stream in images])):
        few = len(stream.files) < RARE * most and not stream.words[:1] == (GIVEN + name,)
        if name in places.left_out:
            reason = f'--modality {name}=none leaves it out'
        elif name in places.given and GIVEN + name not in stream.words:
            reason = f'--modality {name}={places.given[name]} names other files'
        elif few:
            reason = (
                f'no partner: only {counted(len(stream.files), "such file")} beside '
                f'{counted(most, "sample")}; --modality NAME=DIR makes them a modality'
            )
        else:
            named.append(replace(stream, name=name))
            continue
        unused.update(dict.fromkeys(stream.files.values(), reason))
    return named, unused


def _suffix_word(words: Sequence[str]) -> str:
    return next((word[1:] for word in words if word.startswith('.')), '')


def _names(streams: Sequence[tuple[str, ...]]) -> list[str]:
    """Name modalities by their well-known word, or else by all of their words."""
    short, long = [], []
    for words in streams:
        given = [word for word in words if word.startswith(GIVEN)]
        texts = [*dict.fromkeys(plain(word).strip('.') for word in given or words)]
        known = [part for text in texts for part in split_text(text) if part in MODALITIES]
        long.append('_'.join(texts) or 'image')
        short.append(known[0] if len(known) == 1 else long[-1])
    chosen = [one if short.count(one) == 1 else other for one, other in zip(short, long)]
    return [_valid(name) for name in chosen]


def _valid(name: str) -> str:
    name = ''.join(c for c in unicodedata.normalize('NFKD', name) if not unicodedata.combining(c))
    name = re.sub('[^A-Za-z0-9_]', '_', name)
    name = name if name[:1].isalpha() else f'm_{name}'
    return f'{name}_image' if name in (*RESERVED, LABELS, 'sample') else name


def _first(stream: Stream) -> str:
    return min(stream.files.values())
