"""Measures networks of configs beside published networks, which a user's checkouts provide."""

import argparse
import ctypes
import gc
import json
from collections.abc import Callable
from functools import partial

import torch
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from mmamf.analysis.complexity import complexity
from mmamf.scenes.usage import peak_memory
from mmamf.visualization.markdown import format_table
from mmamf.whole_file import write_json

from .apart import run_apart
from .interleaved import Spread, ratio, seconds_of, spread, take_turns
from .peers.networks import DEPLOYED, Builders, FullSize, list_networks
from .speed import machine
from .task import keep_memory

CHANNELS = 2 * 3  # of RGB and depth
COLUMNS = ('network', 'parameters', 'GMACs', 'latency', 'latency / first row', 'peak memory')


def measure_once(build: Callable[[], nn.Module], x: Tensor) -> dict[str, float]:
    """Measure what does not vary, in a process of its own: memory, parameters, multiply-adds."""

    def measure() -> dict[str, float]:
        _free()  # what the process before has left
        before = run_apart(peak_memory)  # of a new process: what it has at its start
        network = _ready(build)
        _free()  # deploy makes a copy, and what it copied has to go
        # one more process, because this one may have had its peak while it built the network
        peak = run_apart(lambda: (_run(network, x), peak_memory())[1])
        counts = complexity(network.to('meta'), x.to('meta'))
        return dict(counts._asdict(), memory=peak - before)

    return run_apart(measure)


def _free() -> None:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def compare_with_peers(args: argparse.Namespace) -> None:
    """Measure and report, given the arguments of `tools/analysis/benchmark_peers.py`."""
    torch.set_num_threads(1)
    init_default_scope('mmseg')
    width, height = map(int, args.size.split('x'))
    x = torch.randn(1, CHANNELS, height, width)
    builders = list_networks(args)
    results = json.loads(args.out.read_text()) if args.out.is_file() else {}
    own = results.setdefault(f'{args.size}, {args.classes} classes, {machine()}', {})
    once, rounds = own.setdefault('once', {}), own.setdefault('rounds', [])
    for name, build in builders.items():
        if name not in once:
            once[name] = measure_once(build, x)
            print(f'{name}: {once[name]["memory"]:.0f} MiB', flush=True)
            write_json(args.out, results)
    if _count_rounds(rounds, builders) < args.repeats:
        keep_memory()
        networks = {name: _ready(build) for name, build in builders.items()}
        steps = {name: partial(_run, network, x) for name, network in networks.items()}
        for name, step in steps.items():
            print(f'{name}: {seconds_of(step):.2f} s to warm up', flush=True)
        while (done := _count_rounds(rounds, builders)) < args.repeats:
            measured = take_turns({name: partial(seconds_of, s) for name, s in steps.items()}, 1)
            rounds.append({name: seconds for name, (seconds,) in measured.items()})
            write_json(args.out, results)
            print(f'round {done + 1} of {args.repeats}', flush=True)
    print(make_table(once, rounds, [*builders]))


def make_table(once: dict[str, dict], rounds: list[dict[str, float]], names: list[str]) -> str:
    """Make the Markdown table: median of the rounds, and range."""
    full = [found for found in rounds if set(names) <= set(found)]
    first = [found[names[0]] for found in full]
    rows = []
    for name in names:
        counts, seconds = once[name], [found[name] for found in full]
        # folded norms are no parameters any more, but it is the same network
        same = once[name.removesuffix(DEPLOYED)]
        rows.append(
            [
                name,
                f'{same["parameters"] / 1e6:.1f} M',
                f'{same["gmacs"]:.1f}',
                f'{_format(spread([1000 * value for value in seconds]), 0)} ms',
                _format(ratio(seconds, first), 2),
                f'{counts["memory"]:.0f} MiB',
            ]
        )
    return format_table(COLUMNS, rows)


def _ready(build: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return FullSize(build()).eval().requires_grad_(False)


def _run(network: nn.Module, x: Tensor) -> Tensor:
    with torch.inference_mode():
        return network(x)


def _count_rounds(rounds: list[dict[str, float]], names: Builders) -> int:
    return sum(set(names) <= set(found) for found in rounds)


def _format(value: Spread, digits: int) -> str:
    median, smallest, largest = (f'{number:.{digits}f}' for number in value)
    return f'{median} ({smallest}..{largest})'
