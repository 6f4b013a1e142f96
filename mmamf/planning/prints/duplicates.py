"""Finds samples that show the same, without comparing each with each."""

import math
import sqlite3
from collections.abc import Iterator
from itertools import islice

import numpy as np

from ..samples.found_data import FoundData
from .file_prints import ImagePrint
from .print_store import PARTS, TABLE, PrintStore

MOST = 1000  # pairs
NEAR_BITS = 2  # of 64
# Scenes of one camera have similar looks: a road below, the sky above. The same picture, saved
# again in another size or quality, also has the same values. This share of them must agree.
SAME_VALUES = 0.9


def find_duplicates(data: FoundData, store: PrintStore) -> list[tuple[str, str, bool]]:
    """List pairs of samples whose first modality looks the same: (name, name, equal bytes).

    Pairs across two splits come first, and among them equal bytes.

    Args:
        data: The samples.
        store: The prints of their files.
    """
    database, first = store.database, data.modalities[0]
    database.execute('DROP TABLE IF EXISTS temp.looks')
    database.execute(
        'CREATE TEMP TABLE looks (name TEXT, split TEXT, path TEXT, content TEXT, '
        'part0 INTEGER, part1 INTEGER, part2 INTEGER)'
    )
    database.executemany(
        f'INSERT INTO looks SELECT ?1, ?2, path, content, part0, part1, part2 FROM {TABLE} '
        "WHERE role = 'image' AND path = ?3 AND intact",
        ((s.name, s.split or '', s.files[first]) for s in data.samples if first in s.files),
    )
    for column in ('content', *(f'part{i}' for i in range(len(PARTS)))):
        database.execute(f'CREATE INDEX temp.looks_{column} ON looks ({column})')
    database.commit()  # a transaction would keep other plans from the cache
    pairs = []
    for across in ('!=', '='):
        for find in (_equal, _near):
            pairs.extend(islice(find(database, store, across), MOST - len(pairs)))
    return pairs


def _equal(
    database: sqlite3.Connection, store: PrintStore, across: str
) -> Iterator[tuple[str, str, bool]]:
    alike = ' AND '.join(f'a.part{i} IS b.part{i}' for i in range(len(PARTS)))  # or both are NULL
    cursor = database.execute(
        'SELECT a.name, b.name FROM looks a JOIN looks b ON a.content = b.content '
        f'WHERE a.name < b.name AND a.split {across} b.split AND {alike}'
    )
    yield from ((name, other, True) for name, other in cursor)


def _near(
    database: sqlite3.Connection, store: PrintStore, across: str
) -> Iterator[tuple[str, str, bool]]:
    found = [f'part{i}' for i in range(len(PARTS))]
    for place, part in enumerate(found):
        # a pair that agrees in an earlier part was seen there
        earlier = ''.join(f' AND a.{other} != b.{other}' for other in found[:place])
        rest = [(f'a.{other}', f'b.{other}') for other in found]
        bits = ' + '.join(f'differing({one}, {other})' for one, other in rest)
        database.create_function('differing', 2, lambda one, other: (one ^ other).bit_count())
        cursor = database.execute(
            f'SELECT a.name, b.name, a.path, b.path FROM looks a JOIN looks b ON a.{part} = '
            f'b.{part} WHERE a.name < b.name AND a.split {across} b.split AND a.content != '
            f'b.content{earlier} AND {bits} <= {NEAR_BITS}'
        )
        for name, other, path, other_path in cursor:
            prints = [p for _, p in store.images([(name, path), (other, other_path)])]
            if _same_values(*prints):
                yield name, other, False


def _same_values(one: ImagePrint, other: ImagePrint) -> bool:
    """Compare the histograms of two images, of any sizes."""
    if one.dtype != other.dtype or len(one.bands) != len(other.bands):
        return False
    shares = [np.array(p.histogram) / max(sum(p.histogram), 1) for p in (one, other)]
    # cumulated, so that a value that moves into the next bin counts little
    apart = np.abs(np.cumsum(shares[0]) - np.cumsum(shares[1])).max()
    return bool(apart <= 1 - SAME_VALUES) and math.isfinite(apart)
