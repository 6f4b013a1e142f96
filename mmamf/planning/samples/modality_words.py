"""Finds out which words in the paths of files name modalities."""

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from .path_words import GIVEN, Words, is_known, plain, split_of, without

MOST = 20_000  # paths from which words are learned
ROUNDS = 6
NO_WORD = ''  # stands for a path that is equal without removal


def learn_modality_words(paths: Sequence[Words]) -> frozenset[str]:
    """Find the words that tell the files of one sample apart.

    Two files belong to one sample if their paths are equal without such words. We remove each word
    of each path in turn. Words whose removal makes paths equal form a group: ``rgb``, ``depth`` and
    ``label``, but also ``seq1`` and ``seq2``, if both sequences have a frame 0001. The best group
    makes many paths equal, has few words, and known ones. Words that always occur together count as
    one, as in ``left/001_L.png``.

    If files remain without partner, a second group may help, as in ``gtFine/1_labelIds.png`` beside
    ``leftImg8bit/1.png``. It must not cut through what is already known to be one modality.

    Args:
        paths: The words of each path.

    Returns:
        The words.
    """
    paths = _thin(paths)
    found: frozenset[str] = frozenset()
    for _ in range(ROUNDS):
        group = _best_group(paths, found)
        if not group:
            break
        found |= group
    return found


def streams_of(paths: Sequence[Words], words: Collection[str]) -> list[tuple[tuple, Words]]:
    """Cut each path into the words that name its modality, and the rest, which names its sample."""
    return [
        (tuple(word for part in path for word in part if word in words), without(path, words))
        for path in paths
    ]


def _thin(paths: Sequence[Words]) -> Sequence[Words]:
    """Take part of the paths, such that files of one sample stay together."""
    if len(paths) <= MOST:
        return paths
    return [path for path in paths if zlib.crc32(_number(path).encode()) % len(paths) < MOST]


def _number(path: Words) -> str:
    """Return the longest number in a name, which all files of a sample have in common."""
    return max(re.findall(r'\d+', ' '.join(path[-1])) or [path[-1][0]], key=len)


def _best_group(paths: Sequence[Words], found: frozenset[str]) -> frozenset[str]:
    cut = streams_of(paths, found)
    alone = _are_alone(cut)
    if found and sum(alone) <= 0.02 * len(cut):
        return frozenset()
    keys = [key for _, key in cut]
    together = _words_that_go_together(keys)
    choices = [{together[word]: None for part in key for word in part if word in together}
               for key in keys]  # fmt: skip
    members = defaultdict(set)
    for word, first in together.items():
        members[first].add(word)
    shared = defaultdict(set)  # path without a word -> the words that were removed
    rests = []
    for key, words in zip(keys, choices):
        rest = {word: without(key, members[word]) for word in words}
        rests.append(rest)
        for word, path in rest.items():
            shared[path].add(word)
        shared[key].add(NO_WORD)
    # what joins the modalities that are known counts more than what joins others
    main = {key for key, single in zip(keys, alone) if not single}
    main.update(path for rest, single in zip(rests, alone) if not single for path in rest.values())

    def weigh(path: Words) -> float:
        return 1 if path in main or not found else 0.3

    groups = _join(words for words in shared.values() if len(words) > 1)
    counts, partners = Counter(), Counter()
    matched, rows = Counter(), defaultdict(set)
    for key, rest, single in zip(keys, rests, alone):
        hit: dict[str, float] = {}
        for word, path in rest.items():
            counts[word] += 1
            if len(shared[path]) > 1:
                partners[word] += 1
                hit[groups[word]] = max(hit.get(groups[word], 0), weigh(path))
                rows[groups[word]].add(path)
        if len(shared[key]) > 1:
            for word in shared[key] - {NO_WORD}:
                hit[groups[word]] = max(hit.get(groups[word], 0), weigh(key))
        if single:
            for group, weight in hit.items():
                matched[group] += weight
    by_group = defaultdict(list)
    for word, group in groups.items():
        by_group[group].append(word)
    best, best_score = [], 0.0
    for group, words in sorted(by_group.items()):
        good = [word for word in words if is_known(word) or partners[word] >= 0.3 * counts[word]]
        if found and not _is_pure(cut, choices, set(good)):
            continue
        score = _score(good, len(rows[group])) * matched[group] / max(sum(alone), 1)
        if score > best_score:
            best, best_score = good, score
    if best_score < 0.05:
        return frozenset()
    return frozenset().union(*(members[word] for word in best))


def _are_alone(cut: list[tuple[tuple, Words]]) -> list[bool]:
    """Tell of each file whether it has no partner of another modality, or only far from most."""
    streams = defaultdict(set)
    for stream, key in cut:
        streams[key].add(stream)
    linked = _join({frozenset(map(_as_text, group)) for group in streams.values()})
    sizes = Counter(linked[_as_text(stream)] for stream, key in cut if len(streams[key]) > 1)
    most = max(sorted(sizes), key=sizes.__getitem__, default='')
    return [len(streams[key]) == 1 or linked[_as_text(stream)] != most for stream, key in cut]


def _as_text(stream: tuple[str, ...]) -> str:
    return ' '.join(('of', *stream))


def _score(words: list[str], rows: int) -> float:
    """Rate a group of words by what they are and how many there are."""
    if not words:
        return 0.0
    known = sum(is_known(word) for word in words) / len(words)
    given = any(word.startswith(GIVEN) for word in words)
    shapes = {re.sub(r'\d+', '#', word) for word in words}
    if not known and len(words) > 1 and len(shapes) == 1:
        return 0.0  # seq1, seq2: numbered things are samples
    few = min(1.0, 12 / len(words))
    if not known and not given:
        few = min(few, rows / len(words))
    return (0.25 + known + 2 * given) * few


def _words_that_go_together(keys: Sequence[Words]) -> dict[str, str]:
    """Map each word that may name a modality to the first of those that occur with it."""
    counts: Counter[str] = Counter()
    sets = []
    for key in keys:
        words = {w for part in key for w in part if not plain(w).isdigit() and not split_of(w)}
        sets.append(words)
        counts.update(words)
    frequent = {word for word, count in counts.items() if count >= max(1, len(keys) // 100)}
    pairs: Counter[tuple[str, str]] = Counter()
    for words in sets:
        pairs.update(combinations(sorted(words & frequent), 2))
    order = sorted(counts, key=lambda word: (not word.startswith(GIVEN), not is_known(word), word))
    rank = {word: place for place, word in enumerate(order)}
    first = {word: word for word in counts}
    for (one, other), count in sorted(pairs.items()):
        if count >= 0.9 * max(counts[one], counts[other]):
            one, other = (first[word] for word in (one, other))
            keep, gone = sorted((one, other), key=rank.__getitem__)
            if keep != gone:
                first = {word: keep if own == gone else own for word, own in first.items()}
    return first


def _join(groups: Iterable[Collection[str]]) -> dict[str, str]:
    """Join groups that have words in common; map each word to a word of its group."""
    parent: dict[str, str] = {}

    def root(word: str) -> str:
        parent.setdefault(word, word)
        while parent[word] != word:
            parent[word] = parent[parent[word]]
            word = parent[word]
        return word

    for group in groups:
        words = sorted(word for word in group if word != NO_WORD)
        for word in words:
            one, other = sorted((root(words[0]), root(word)))
            parent[other] = one
    return {word: root(word) for word in parent}


def _is_pure(cut: list, choices: list, group: set[str]) -> bool:
    """Tell whether a group of words does not cut through several modalities.

    All files of a modality have the same words of the group, or else no other modality has them.
    """
    seen = defaultdict(set)
    for (stream, _), words in zip(cut, choices):
        if stream:
            seen[stream].add(frozenset(group & words.keys()))
    spread = Counter(word for sets in seen.values() for word in frozenset().union(*sets))
    return all(
        len(sets) == 1 or all(spread[word] == 1 for words in sets for word in words)
        for sets in seen.values()
    )
