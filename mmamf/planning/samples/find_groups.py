"""Finds samples that belong together, such as the frames of a sequence."""

from collections import Counter
from collections.abc import Sequence

from .path_words import FOLDER, Words


def find_groups(keys: Sequence[Words]) -> dict[Words, str]:
    """Name the group of each sample, by the start of its name.

    The last word of a name counts frames or slices. Of what stands before it, the shortest start
    that makes three groups or more is taken, with two samples or more on average:
    ``patient07_z040`` belongs to ``patient07``, and ``aachen/000001_000019`` to ``aachen``. If
    there are only two groups, these are taken. If there is only one, its name is ''.

    Args:
        keys: The words of each sample's name.
    """
    starts = {key: _starts(key) for key in keys}
    two = None
    for length in range(1, max(map(len, starts.values()), default=0) + 1):
        groups = {key: own[min(length, len(own)) - 1] if own else '' for key, own in starts.items()}
        count = len(Counter(groups.values()))
        if count > len(keys) / 2:
            break
        if count >= 3:
            return groups
        if count == 2 and two is None:
            two = groups
    return two or dict.fromkeys(keys, '')


def _starts(key: Words) -> list[str]:
    """List the starts of a name, each a folder or a word longer; the last word is left out."""
    names, start = [], ''
    for part in key[:-1]:
        start += '_'.join(word.rstrip(FOLDER) for word in part) + '/'
        names.append(start.rstrip('/'))
    for word in key[-1][:-1]:
        start = start + word if not start or start.endswith('/') else f'{start}_{word}'
        names.append(start)
    return names
