"""Results of the runs: one small JSON file for each, checked against the sweep file."""

import hashlib
import json
import math
import platform
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import mmcv
import mmengine
import mmseg
import torch

import mmamf
from mmamf.analysis.results_table import collect_results
from mmamf.visualization.curves import read_scalars

from .sweep import Method, Run, Sweep

RUNS = 'runs'  # subfolder of the results folder, for these files
# Sections of a config that affect the result of a run; a digest of each is stored.
SECTIONS = (
    'model',
    'train_dataloader',
    'val_dataloader',
    'val_evaluator',
    'optim_wrapper',
    'param_scheduler',
    'train_cfg',
    'custom_hooks',
    'load_from',
)


def identify(method: Method, **more: Any) -> dict[str, Any]:
    """Describe a method, so that its measurements are not taken for those of another.

    Args:
        method: The method.
        more: Further entries that distinguish the measurement.
    """
    cfg = method.loaded.to_dict()
    digests = {}
    for section in SECTIONS:
        if cfg.get(section) is not None:
            text = json.dumps(cfg[section], sort_keys=True, default=str)
            digests[section] = hashlib.sha256(text.encode()).hexdigest()[:12]
    options = json.loads(json.dumps(method.options))
    identity = dict(method=method.name, config=method.config.name, options=options, digests=digests)
    return {**more, **identity}


def identify_run(run: Run) -> dict[str, Any]:
    """Describe a run, so that its result is not taken for that of another."""
    return identify(run.method, sweep=run.sweep, seed=run.seed)


def check_identity(path: Path, found: dict, identity: dict) -> None:
    """Check that a file belongs to what the sweep file describes now.

    Raises:
        ValueError: If it does not; the message names the file and the key.
    """
    for key, expected in identity.items():
        got = found.get(key)
        if got == expected:
            continue
        if key == 'digests':
            changed = [s for s in SECTIONS if (got or {}).get(s) != expected.get(s)]
            key, expected = 'config', f'{identity["config"]} as it is now'
            got = f'another {" and another ".join(changed)}'
        raise ValueError(
            f'{path}, {key}: expected {expected}, got {got}; move this file away to measure again'
        )


def result_path(folder: Path, run: Run) -> Path:
    """Return the path of a run's result."""
    return folder / RUNS / f'{run.name}.json'


def load_results(sweep: Sweep, folder: Path) -> dict[tuple[str, int], dict]:
    """Load the results that exist, by (method, seed).

    Raises:
        ValueError: If a file is damaged, or does not belong to a run of the sweep.
    """
    runs = {result_path(folder, run): run for run in sweep.runs()}
    results = {}
    for path in sorted((folder / RUNS).glob('*.json')):
        if path not in runs:
            raise ValueError(
                f'{path}: expected the result of a run of {sweep.name}, got another file'
            )
        run, result = runs[path], read_json(path)
        check_identity(path, result, identify_run(run))
        if sweep.metric not in result['last']:
            raise ValueError(f'{path}, last: expected {sweep.metric}, got {[*result["last"]]}')
        results[run.method.name, run.seed] = result
    return results


def collect_result(run: Run, metric: str, seconds: float | None) -> dict:
    """Collect the result of a finished run.

    Args:
        run: The run.
        metric: Metric that compares the validations.
        seconds: CPU time of the run.

    Raises:
        FileNotFoundError: If the work dir has no scalars or no checkpoint.
        ValueError: If the validation after the last iteration lacks the metric.
    """
    records = read_scalars(run.work_dir)
    validations = [
        (step, record) for step, record in records if math.isfinite(record.get(metric, math.nan))
    ]
    iterations = max(step for step, _ in records)
    if not validations or validations[-1][0] != iterations:
        raise ValueError(
            f'{run.work_dir}: expected a validation with {metric} after iteration {iterations}, '
            f'got them after {[step for step, _ in validations]}'
        )
    best = max(validations, key=lambda item: item[1][metric])
    return {
        **identify_run(run),
        'command': shlex.join(run.command()),
        'iterations': iterations,
        'last': _means(validations[-1][1]),
        'best': dict(iteration=best[0], **_means(best[1])),
        'curve': [[step, round(record[metric], 3)] for step, record in validations],
        'cpu_seconds': seconds and round(seconds, 1),
        'alpha': _ensemble_weights(run.work_dir),
        'versions': dict(versions(), data=_data_digest(run.method)),
    }


def versions() -> dict[str, str]:
    """Return the versions of the software."""
    packages = (mmamf, torch, mmengine, mmcv, mmseg)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else 'CPU'
    versions = {package.__name__: str(package.__version__) for package in packages}
    return dict(python=platform.python_version(), **versions, device=device)


def describe_mixture(results: Iterable[dict]) -> str:
    """Describe different versions or data among the results; empty if there are none."""
    kinds: dict[str, set[str]] = {}
    for result in results:
        for name, value in result.get('versions', {}).items():
            kinds.setdefault(name, set()).add(str(value))
    return '; '.join(
        f'{name}: {", ".join(sorted(values))}' for name, values in kinds.items() if len(values) > 1
    )


def read_json(path: Path) -> dict:
    """Read a JSON file.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f'{path}: expected JSON, got {path.read_text()[:80]!r}') from error


def _data_digest(method: Method) -> str | None:
    """Identify a data set by its manifest, which has a checksum of every file."""
    loader = method.loaded.get('train_dataloader', {})
    root = Path(loader.get('dataset', {}).get('data_root') or '')
    for path in (root / 'manifest.json', root.parent / 'manifest.json'):  # data_root may be a split
        if path.is_file():
            return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return None


def _means(record: dict) -> dict[str, float | None]:
    """Take the ensemble's and the modalities' metrics from a record, without single classes."""
    record = {key: value for key, value in record.items() if key != 'step'}
    return {
        metric if source == 'ensemble' else f'{source}/{metric}': value and round(value, 3)
        for source, entry in collect_results(record).items()
        for metric, value in entry.items()
        if not isinstance(value, dict)
    }


def _ensemble_weights(work_dir: Path) -> list[float] | None:
    """Read softmax(alpha) from the last checkpoint; None for a model without an ensemble."""
    path = work_dir / Path((work_dir / 'last_checkpoint').read_text()).name
    state = torch.load(path, map_location='cpu', weights_only=True)['state_dict']
    alpha = next((state[key] for key in state if key.endswith('alpha')), None)
    return None if alpha is None else [round(a, 4) for a in alpha.softmax(0).tolist()]
