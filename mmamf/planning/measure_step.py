"""Measures what a training step of a network costs on this machine."""

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .rules.batch import FREE, PAYS

WARM_UPS = dict(cpu=1, cuda=3)  # steps; the first ones allocate memory and choose kernels
TIMED = dict(cpu=2, cuda=5)  # the fastest counts: others were disturbed
PATIENCE = 600  # seconds


@dataclass(frozen=True)
class StepCost:
    """The cost of one training step.

    Args:
        seconds: Its time, without loading.
        memory_gib: Peak memory of the process (CPU) or of its tensors (GPU).
    """

    seconds: float
    memory_gib: float


def measure_steps(
    model: Mapping[str, Any],
    optim_wrapper: Mapping[str, Any],
    size: tuple[int, int],
    batch_sizes: Sequence[int],
    memory_gib: float,
    longest: float = math.inf,
    patience: float = PATIENCE,
) -> dict[int, StepCost]:
    """Measure steps with random images in a process of its own, for growing batches.

    It stops at the first batch in which a sample does not become cheaper, that does not fit, or
    whose step takes too long.

    Args:
        model: Config of the model.
        optim_wrapper: Config of the optimizer and its wrapper.
        size: (H, W) of the images.
        batch_sizes: Batch sizes, growing.
        memory_gib: Free memory.
        longest: Seconds of the longest step after which a larger batch is of interest.
        patience: Seconds until the process is ended.

    Returns:
        The cost by batch size; empty if not even the first fits into memory and patience.

    Raises:
        RuntimeError: If the model cannot be trained.
    """
    with tempfile.TemporaryDirectory() as folder:
        job, out = Path(folder, 'job.json'), Path(folder, 'costs.json')
        values = dict(
            model=model,
            optim_wrapper=optim_wrapper,
            size=size,
            batch_sizes=[*batch_sizes],
            memory_gib=memory_gib,
            longest=longest,
        )
        job.write_text(json.dumps(values))
        command = [sys.executable, '-W', 'ignore', '-m', __spec__.name, str(job), str(out)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=patience)
        except subprocess.TimeoutExpired:
            return _read(out)
        if done.returncode > 0:
            raise RuntimeError(f'measuring a training step failed:\n{done.stderr[-2000:]}')
        return _read(out)  # a negative code: the system ended the process for its memory


def _read(path: Path) -> dict[int, StepCost]:
    lines = path.read_text().splitlines() if path.is_file() else []
    return {batch: StepCost(*cost) for batch, *cost in map(json.loads, lines)}


def run_job(job: Path, out: Path) -> None:
    """Measure what a job file says; write a line for each batch size."""
    from mmengine.model import revert_sync_batchnorm
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import MODELS, init_default_scope

    import mmamf  # noqa: F401  registers the parts

    values = json.loads(job.read_text())
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    init_default_scope('mmseg')
    model = revert_sync_batchnorm(MODELS.build(values['model'])).to(device).train()
    optimizer = build_optim_wrapper(model, values['optim_wrapper'])
    limit, last = FREE * values['memory_gib'], None
    with out.open('w') as file:
        for batch_size in values['batch_sizes']:
            try:
                cost = _measure(model, optimizer, values['size'], batch_size, device)
            except torch.cuda.OutOfMemoryError:
                return
            if cost.memory_gib > limit:
                return
            print(json.dumps([batch_size, cost.seconds, cost.memory_gib]), file=file, flush=True)
            each = cost.seconds / batch_size
            too_slow = (last and each > PAYS * last) or cost.seconds > values['longest']
            if too_slow or 2 * cost.memory_gib > limit:
                return
            last = each


def _measure(model: Any, optimizer: Any, size: Sequence[int], batch_size: int, device: str) -> Any:
    batch = _make_batch(model, size, batch_size)
    times = []
    for _ in range(WARM_UPS[device] + TIMED[device]):
        start = time.perf_counter()
        model.train_step(batch, optimizer)
        if device == 'cuda':
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return StepCost(min(times[WARM_UPS[device] :]), _peak_gib(device))


def _make_batch(model: Any, size: Sequence[int], batch_size: int) -> dict:
    """Make random images and labels, as PackMultimodalSegInputs gives them."""
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    preprocessor = model.data_preprocessor
    meta = dict(modalities=preprocessor.modalities, img_shape=size, ori_shape=size)
    shape = (preprocessor.num_raw_channels, *size)
    classes = model.decode_head.num_classes
    inputs = [torch.randint(0, 256, shape, dtype=torch.uint8) for _ in range(batch_size)]
    samples = [SegDataSample(metainfo=meta) for _ in inputs]
    for sample in samples:
        sample.gt_sem_seg = PixelData(data=torch.randint(0, classes, (1, *size), dtype=torch.uint8))
    return dict(inputs=inputs, data_samples=samples)


def _peak_gib(device: str) -> float:
    if device == 'cuda':
        return torch.cuda.max_memory_allocated() / 2**30
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == 'darwin' else 2**20)


if __name__ == '__main__':
    run_job(*map(Path, sys.argv[1:]))
