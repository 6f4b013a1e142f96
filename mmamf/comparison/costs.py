"""Costs of the methods: parameters, multiply-adds, and time as a ratio to the reference."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner

from mmamf.analysis.complexity import complexity
from mmamf.benchmarks.interleaved import Spread, ratio, seconds_of, take_turns
from mmamf.whole_file import write_json

from .results import check_identity, identify, read_json, versions
from .sweep import Method, Sweep

COSTS = 'costs.json'
REPEATS = 9
WARM_UP = 2  # steps


class MeasuredNetwork:
    """A method's network with its initial weights, a batch for training and one for testing.

    Args:
        cfg: Config of the method. Its data must exist.
    """

    def __init__(self, cfg: Config) -> None:
        init_default_scope(cfg.default_scope)
        torch.manual_seed(0)
        self.model = MODELS.build(cfg.model).to(get_device())
        self.optim_wrapper = build_optim_wrapper(self.model, cfg.optim_wrapper)
        self.train_batch = _first_batch(cfg.train_dataloader)
        self.test_batch = _first_batch(cfg.val_dataloader)

    def train_step(self) -> float:
        """Run one iteration of training; return its seconds per image."""
        self.model.train()
        step = partial(self.model.train_step, self.train_batch, self.optim_wrapper)
        return _seconds(step) / len(self.train_batch['data_samples'])

    def test_step(self) -> float:
        """Predict; return the seconds per image."""
        self.model.eval()
        with torch.no_grad():
            seconds = _seconds(partial(self.model.test_step, self.test_batch))
        return seconds / len(self.test_batch['data_samples'])

    def complexity(self) -> dict[str, float]:
        """Count parameters, and the multiply-adds for one image."""
        inputs = self.model.data_preprocessor(self.test_batch, False)['inputs'][:1]
        counted = complexity(self.model, inputs)
        return dict(parameters=counted.parameters, gmacs=round(counted.gmacs, 4))


def measure_costs(sweep: Sweep, names: list[str], path: Path) -> dict[str, dict]:
    """Measure the costs of methods, and add them to a file.

    A method and the reference take turns, so that each ratio is of measurements that directly
    follow each other. On a CPU there is one thread, as in the runs.

    Args:
        sweep: The methods.
        names: Methods to measure. If empty, all except controls, which have the network of another
            row.
        path: The file.
    """
    torch.set_num_threads(1)
    costs = load_costs(sweep, path)
    chosen = names or [name for name, method in sweep.methods.items() if not method.control]
    for number, name in enumerate(chosen, 1):
        method, reference = sweep.methods[name], sweep.methods[sweep.reference]
        costs[name] = dict(**_measure(method, reference), versions=versions())
        write_json(path, costs)
        training = costs[name]['training']['ratio']
        print(f'[{number}/{len(chosen)}] {name}: training x {training:.2f}', flush=True)
    return costs


def load_costs(sweep: Sweep, path: Path) -> dict[str, dict]:
    """Load the measured costs by method; empty if there is no file.

    Raises:
        ValueError: If a method's costs were measured with other settings than in the sweep file.
    """
    if not path.is_file():
        return {}
    costs = read_json(path)
    for name, entry in costs.items():
        if name not in sweep.methods:
            raise ValueError(f'{path}: expected methods of {sweep.name}, got {name!r}')
        check_identity(path, entry, identify(sweep.methods[name]))
    return costs


def _measure(method: Method, reference: Method) -> dict:
    ours, theirs = MeasuredNetwork(method.loaded), MeasuredNetwork(reference.loaded)
    turns = {
        'training': ours.train_step,
        'training of reference': theirs.train_step,
        'inference': ours.test_step,
        'inference of reference': theirs.test_step,
    }
    for measure in turns.values():
        for _ in range(WARM_UP):
            measure()
    values = take_turns(turns, REPEATS)
    times = {
        step: _describe(ratio(values[step], values[f'{step} of reference']), values[step])
        for step in ('training', 'inference')
    }
    return {**identify(method), **ours.complexity(), **times}


def _describe(ratios: Spread, seconds: list[float]) -> dict[str, float]:
    names = ('ratio', 'smallest', 'largest')
    described = {name: round(value, 3) for name, value in zip(names, ratios, strict=True)}
    return dict(**described, milliseconds=round(1000 * min(seconds), 2))


def _first_batch(loader: dict) -> dict:
    loader = {**loader, 'num_workers': 0, 'persistent_workers': False}
    return next(iter(Runner.build_dataloader(loader, seed=0)))


def _seconds(step: Callable) -> float:
    """Time a step right after an equal step, which fills the caches again."""
    seconds_of(step)
    return seconds_of(step)
