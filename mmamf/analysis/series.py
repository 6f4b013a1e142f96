"""Runs many tests of one checkpoint, keeps the results of each, and writes a table and a figure."""

import argparse
import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mmamf.engine.hooks import CheckedWeightsHook
from mmamf.evaluation.corruption_ladder import with_corruption
from mmamf.visualization.markdown import CLASS, count_found
from mmamf.whole_file import whole_file, write_json


def read_model(args: argparse.Namespace) -> tuple[Config, dict[str, str]]:
    """Read the config, and the settings that identify it and the checkpoint.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ValueError: If no corruption can be inserted into the test pipeline.
    """
    checkpoint = Path(args.checkpoint)
    if not checkpoint.is_file():
        raise FileNotFoundError(f'{checkpoint}: there is no such checkpoint')
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    settings = dict(
        config=str(args.config),
        config_sha256=hashlib.sha256(repr(cfg.to_dict()).encode()).hexdigest(),
        checkpoint=str(checkpoint),
        checkpoint_sha256=hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
    )
    with_corruption(cfg.test_dataloader, [])  # refuses an unsuitable pipeline before any other work
    return cfg, settings


def name_modalities(dataloader: dict) -> list[str]:
    """Name the modalities of a data loader's config, which gives their descriptions or names.

    Raises:
        ValueError: If the data set consists of several.
    """
    dataset = dataloader['dataset']
    if not (given := dataset.get('modalities')):
        raise ValueError(
            'test_dataloader.dataset: expected one data set with `modalities`, got '
            f'{dataset.get("type")}'
        )
    return [one if isinstance(one, str) else one['name'] for one in given]


def run_series(
    args: argparse.Namespace,
    model: tuple[Config, dict[str, str]],
    tests: dict[str, dict],
    marks: dict[str, dict],
    pack: Callable[[dict], dict] = dict,
) -> dict[str, dict]:
    """Run the tests that are not done yet; return the results of all.

    Every result is saved in results.json when its test has ended.

    Args:
        args: The parsed command line, with ``out``, ``checkpoint`` and ``allow_different_config``.
        model: The result of :func:`read_model`.
        tests: Name -> config of the data loader.
        marks: Name -> entries that the stored result of a finished test must have.
        pack: Sorts the scalars of a test into the entries of its result.
    """
    cfg, settings = model
    store = args.out / 'results.json'
    stored = _read_done(store, settings)
    done = {
        name: stored[name]
        for name, mark in marks.items()
        if name in stored and all(stored[name].get(key) == mark[key] for key in mark)
    }
    todo = {name: loader for name, loader in tests.items() if name not in done}
    print(f'{len(todo)} tests to do, {len(done)} done', flush=True)
    cfg.update(work_dir=str(args.out / 'logs'), load_from=args.checkpoint, resume=False)
    cfg.log_level = 'WARNING'  # one line for each test is enough
    start = time.monotonic()
    for count, (name, scalars) in enumerate(_run_tests(cfg, todo, args.allow_different_config), 1):
        done[name] = marks[name] | pack(scalars)
        write_json(store, dict(settings, tests=stored | done))
        left = (time.monotonic() - start) / count * (len(todo) - count)
        means = [f'{key} {value:.1f}' for key, value in scalars.items() if 'mIoU' in key and value]
        shown = ', '.join([*means, f'{count_found(scalars)} classes found'])
        print(f'[{count}/{len(todo)}] {name}: {shown}; about {left:.0f} s left', flush=True)
    return {name: done[name] for name in tests}


def write_table(args: argparse.Namespace, table: str) -> None:
    """Write the table of a series to table.md, and print it."""
    text = f'{args.checkpoint} of {args.config}: mIoU (%)\n\n{table}'
    with whole_file(args.out / 'table.md') as draft:
        draft.write_text(text)
    print(f'{text}\n{args.out}')


def _read_done(path: Path, settings: dict[str, str]) -> dict[str, dict]:
    """Read the results of earlier tests.

    Raises:
        ValueError: If they belong to another config or checkpoint.
    """
    if not path.is_file():
        return {}
    stored = json.loads(path.read_text())
    for key, expected in settings.items():
        if key.endswith('sha256') and stored.get(key) != expected:
            raise ValueError(
                f'{path}, {key}: expected {expected}, got {stored.get(key)}: the results are of '
                f'another {key.removesuffix("_sha256")}; remove the file or choose another --out'
            )
    return stored['tests']


def _run_tests(
    cfg: Config, tests: dict[str, dict], allow_different_config: bool = False
) -> Iterator[tuple[str, dict]]:
    """Run tests with one runner, and yield the name and the scalars of each.

    Scalars of single classes are those of the ensemble; None stands for NaN.

    Args:
        cfg: Config of the model.
        tests: Config of the data loader of each test.
        allow_different_config: Whether the config may contradict the one in the checkpoint.

    Raises:
        ValueError: If the evaluator of the config computes no mIoU.
    """
    runner = None
    for name, dataloader in tests.items():
        if runner is None:
            runner = Runner.from_cfg(Config({**cfg.to_dict(), 'test_dataloader': dataloader}))
            hook = CheckedWeightsHook(allow_different_config=allow_different_config)
            runner.register_hook(hook)
            metrics = runner.test()
        else:
            runner.test_loop.dataloader = runner.build_dataloader(dataloader, seed=runner.seed)
            metrics = runner.test_loop.run()
        if 'mIoU' not in metrics:
            raise ValueError(
                'test_evaluator: expected MultimodalIoUMetric without a prefix, because tests are '
                f'compared by mIoU, got the metrics {sorted(metrics)}'
            )
        yield (
            name,
            {
                key: None if math.isnan(value) else value
                for key, value in metrics.items()
                if CLASS not in key or key.startswith(CLASS)
            },
        )
