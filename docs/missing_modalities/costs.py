"""Measures what missing sensors and exchange dropout cost, as ratios of CPU time.

The unit is the same step with all modalities, without exchange dropout. All cases take turns in one
process, on one thread. The result is saved in costs.json beside this file.

Usage: python docs/missing_modalities/costs.py
"""

import json
import statistics
import time
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

import mmamf

ROOT = Path(__file__).resolve().parents[2]
NAME = 'configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120{}.py'
CONFIGS = {2: NAME.format(''), 4: NAME.format('_rgb-depth-normal-shade')}
REPETITIONS = 25
UNIT = 'all modalities'


def make_batch(names: tuple[str, ...], present: tuple[str, ...]) -> tuple:
    """Make a batch of two noisy images with labels, all of which have the same modalities."""
    x = torch.randn(2, len(names), 3, 120, 160)
    x[:, [name not in present for name in names]] = torch.nan
    samples = []
    for _ in range(2):
        meta = dict(modalities=names, present=present, img_shape=(120, 160))
        sample = SegDataSample(metainfo=meta)
        sample.gt_sem_seg = PixelData(data=torch.randint(14, (1, 120, 160)))
        samples.append(sample)
    return x.flatten(1, 2), samples


def train(model: torch.nn.Module, batch: tuple, parts: list | None) -> None:
    """Run forward and backward, without the optimizer, which is the same in all cases."""
    model.exchange_dropout.draw = lambda: parts
    model.parse_losses(model.loss(*batch))[0].backward()
    model.zero_grad()


def infer(model: torch.nn.Module, batch: tuple) -> None:
    """Predict all maps."""
    with torch.no_grad():
        model.encode_decode(batch[0], [sample.metainfo for sample in batch[1]])


def list_cases(names: tuple[str, ...]) -> dict[str, tuple[tuple[str, ...], list | None]]:
    """List the cases: the modalities that are present, and the parts that exchange."""
    apart = [[index] for index in range(len(names))]
    cases = {UNIT: (names, None), 'nothing exchanged': (names, apart)}
    if len(names) > 2:
        cases['pairs exchange'] = (names, [[0, 1], [2, 3]])
    for count in range(len(names) - 1, 0, -1):
        cases[f'{count} present'] = (names[:count], None)
    return cases


def measure(num_modalities: int) -> dict[str, dict[str, list[float]]]:
    """Return the lower quartile, the median and the upper quartile of every ratio."""
    config = Config.fromfile(ROOT / CONFIGS[num_modalities])
    config.model.train_cfg = dict(exchange_dropout=0.5)
    model = MODELS.build(config.model)
    fast = mmamf.deploy(model)
    cases = list_cases(model.data_preprocessor.modalities)
    names = model.data_preprocessor.modalities
    batches = {case: make_batch(names, present) for case, (present, _) in cases.items()}
    seconds: dict[tuple[str, str], list[float]] = {}
    for repetition in range(REPETITIONS):
        for case, (_, parts) in cases.items():
            jobs = {'training': lambda c=case, p=parts: train(model.train(), batches[c], p)}
            if parts is None:
                jobs['inference'] = lambda c=case: infer(model.eval(), batches[c])
                jobs['deployed'] = lambda c=case: infer(fast, batches[c])
            for job, function in jobs.items():
                start = time.process_time()
                function()
                if repetition > 1:  # after a warm-up
                    seconds.setdefault((job, case), []).append(time.process_time() - start)
    ratios: dict[str, dict[str, list[float]]] = {}
    for (job, case), values in seconds.items():
        shares = [value / unit for value, unit in zip(values, seconds[job, UNIT])]
        quartiles = statistics.quantiles(shares, n=4)
        ratios.setdefault(job, {})[case] = [round(value, 2) for value in quartiles]
    return ratios


def main() -> None:
    """Measure two and four modalities, and save the ratios."""
    torch.set_num_threads(1)
    init_default_scope('mmseg')
    found = {f'{count} modalities': measure(count) for count in CONFIGS}
    text = json.dumps(found, indent=1)
    Path(__file__).with_name('costs.json').write_text(text + '\n')
    print(text)


if __name__ == '__main__':
    main()
