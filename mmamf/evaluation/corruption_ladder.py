"""Reads ladders of corruptions from config files, and inserts them into test pipelines."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config

CLEAN = 'clean'  # name of the test without corruption
KEYS = {'name', 'title', 'unit', 'argument', 'levels', 'transform'}
LOADING = 'LoadMultimodalImages'
PACKING = 'PackMultimodalSegInputs'


def read_ladder(path: str | Path) -> list[dict]:
    """Read the corruptions and their levels.

    Raises:
        ValueError: If keys are missing or unknown, labels do not match the levels, or a name
            appears twice.
    """
    ladder = Config.fromfile(path).to_dict().get('ladder')
    if not ladder:
        raise ValueError(f'{path}: expected a list `ladder` of corruptions, got {ladder!r}')
    for corruption in ladder:
        keys = set(corruption)
        if not KEYS <= keys <= KEYS | {'labels'}:
            raise ValueError(
                f'{path}: expected the keys {sorted(KEYS)} and optionally labels, got '
                f'{sorted(keys)}'
            )
        if len(set(labels_of(corruption))) != len(corruption['levels']):
            raise ValueError(
                f'{path}: {corruption["name"]}: expected a label of its own for each level of '
                f'{corruption["levels"]}, got {labels_of(corruption)}'
            )
    names = [corruption['name'] for corruption in ladder]
    if len(set(names)) < len(names):
        raise ValueError(f'{path}: expected distinct names, got {names}')
    return ladder


def list_tests(ladder: list[dict]) -> Iterator[tuple[str, list[dict]]]:
    """Yield the name and the inserted transforms of each test, the clean test first."""
    yield CLEAN, []
    for corruption in ladder:
        for label, level in zip(labels_of(corruption), corruption['levels'], strict=True):
            transform = {**corruption['transform'], corruption['argument']: level}
            # tuples become lists, as in results.json
            yield key_of(corruption, label), [json.loads(json.dumps(transform))]


def with_corruption(dataloader: dict, corruption: list[dict]) -> dict:
    """Copy a data loader's config, with a corruption directly after the loading transform.

    Raises:
        ValueError: If its pipeline does not have LoadMultimodalImages exactly once.
    """
    dataloader = copy.deepcopy(dataloader)
    pipeline, place = _find_step(dataloader, LOADING)
    pipeline[place + 1 : place + 1] = corruption
    return dataloader


def with_damaged_input(dataloader: dict, corruption: list[dict]) -> dict:
    """Copy a data loader's config, with a corruption directly before the packing transform.

    So the network sees the corruption as it is: no transform resizes it afterwards.

    Raises:
        ValueError: If its pipeline does not have PackMultimodalSegInputs exactly once.
    """
    dataloader = copy.deepcopy(dataloader)
    pipeline, place = _find_step(dataloader, PACKING)
    pipeline[place:place] = corruption
    return dataloader


def _find_step(dataloader: dict, name: str) -> tuple[list[dict], int]:
    """Return the pipeline of a data loader's config, and the index of its only step of a type."""
    pipeline = dataloader['dataset'].get('pipeline') or []
    types = [str(step['type']).rpartition('.')[2] for step in pipeline]
    if types.count(name) != 1:
        raise ValueError(
            f'test_dataloader.dataset.pipeline: expected {name} once, got the steps {types}'
        )
    return pipeline, types.index(name)


def labels_of(corruption: dict) -> list[str]:
    """Name the levels of a corruption."""
    return list(corruption.get('labels') or map(str, corruption['levels']))


def key_of(corruption: dict, label: str) -> str:
    """Return the key of a corruption's level in the results."""
    return f'{corruption["name"]}/{label}'
