"""Tests a checkpoint under corruptions of growing severity; writes a table and a figure.

For every level there is one test of the config, with the corruption right after the loading step of
its test pipeline. Each finished test is saved in results.json, so after an interruption the same
command continues.
"""

import argparse
import hashlib
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config
from mmengine.fileio import put_text
from mmengine.runner import Runner

from mmamf.engine.hooks import CheckedWeightsHook
from mmamf.evaluation.corruption_ladder import CLEAN, list_tests, read_ladder, with_corruption
from mmamf.visualization.found_classes import CLASS
from mmamf.visualization.robustness_sheet import format_robustness, plot_robustness


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
    with_corruption(cfg.test_dataloader, [])  # fails before any other work
    return cfg, settings


def read_done(path: Path, settings: dict[str, str]) -> dict[str, dict]:
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
                f'{path}: {key}: expected {expected} for results to be continued, got '
                f'{stored.get(key)}: they are of another {key.removesuffix("_sha256")}; remove '
                'the file or choose another --out'
            )
    return stored['tests']


def run_tests(
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
                f'test_evaluator: expected MultimodalIoUMetric without a prefix, whose mIoU is '
                f'compared, got one of {sorted(metrics)}'
            )
        yield (
            name,
            {
                key: None if math.isnan(value) else value
                for key, value in metrics.items()
                if CLASS not in key or key.startswith(CLASS)
            },
        )


def measure_robustness(args: argparse.Namespace) -> None:
    """Run the tests that are not done yet, then write the table and the figure.

    Args:
        args: The parsed command line of `tools/analysis/robustness.py`.
    """
    cfg, settings = read_model(args)
    modalities = list(cfg.test_dataloader.dataset.modalities)
    ladder = read_ladder(args.ladder)
    for corruption in [c for c in ladder if c['transform'].get('modality') not in modalities]:
        print(f'left out: {corruption["title"]}, for the config has only {modalities}')
        ladder.remove(corruption)
    if not ladder:
        raise ValueError(f'{args.ladder}: expected a corruption of one of {modalities}, got none')

    store = args.out / 'results.json'
    stored = read_done(store, settings)
    tests = dict(list_tests(ladder))
    done = {
        name: stored[name]
        for name, corruption in tests.items()
        if stored.get(name, {}).get('corruption') == corruption
    }
    todo = {
        name: with_corruption(cfg.test_dataloader, corruption)
        for name, corruption in tests.items()
        if name not in done
    }
    print(f'{len(todo)} tests to do, {len(done)} done', flush=True)

    cfg.update(work_dir=str(args.out / 'logs'), load_from=args.checkpoint, resume=False)
    cfg.log_level = 'WARNING'  # one line for each test is enough
    start = time.monotonic()
    for count, (name, scalars) in enumerate(run_tests(cfg, todo, args.allow_different_config), 1):
        classes = {key: value for key, value in scalars.items() if key.startswith(CLASS)}
        scalars = {key: value for key, value in scalars.items() if key not in classes}
        done[name] = dict(corruption=tests[name], scalars=scalars, classes=classes)
        text = json.dumps(dict(settings, tests={**stored, **done}), indent=1)
        put_text(text, store, backend_args=dict(backend='atomic_local'))
        left = (time.monotonic() - start) / count * (len(todo) - count)
        shown = ', '.join(f'{k} {v:.1f}' for k, v in scalars.items() if 'mIoU' in k and v)
        print(f'[{count}/{len(todo)}] {name}: {shown}; about {left:.0f} s left', flush=True)

    # files of earlier versions have no classes
    results = {name: done[name]['scalars'] | done[name].get('classes', {}) for name in tests}
    sources = [name for name in modalities if f'{name}/mIoU' in results[CLEAN]]
    table = f'{args.checkpoint} of {args.config}: mIoU (%)\n\n'
    table += format_robustness(ladder, sources, results)
    (args.out / 'table.md').write_text(table)
    plot_robustness(ladder, sources, results, args.out / 'figure.png')
    print(f'{table}\n{args.out}')
