"""Compares a plan with the default of the README: the same data, the same CPU time.

The default is a half-width ResNet-18 from scratch on whole images, in batches of 4, with flips and
plain cross-entropy, and a learning rate of 2e-3. It gets as many iterations as fit into the CPU
time of the planned training. Every finished training is saved in OUT/results.json, so the same
command continues after an interruption.

Usage: python docs/planning/compare_with_default.py DATA OUT --minutes 6 --seeds 0 1 2
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config

import mmamf  # noqa: F401  so that configs find its bases

ROOT = Path(__file__).resolve().parents[2]
SHORT, LONG = 20, 60  # iterations of two trainings that tell the cost of a step


def run(*command: object, out: Path) -> float:
    """Run a tool with one thread; return its CPU time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    threads = {**os.environ, 'OMP_NUM_THREADS': '1'}
    with out.open('w') as log:
        subprocess.run(
            [sys.executable, *map(str, command)], check=True, env=threads, stdout=log, stderr=log
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def train(config: Path, work_dir: Path, seed: int) -> dict:
    """Train; return the CPU time and the IoU of the last validation."""
    tool, option = ROOT / 'tools/train.py', f'randomness.seed={seed}'
    arguments = (tool, config, '--work-dir', work_dir, '--cfg-options', option)
    seconds = run(*arguments, out=work_dir.with_suffix('.log'))
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'))
    lines = [json.loads(line) for line in logs[-1].read_text().splitlines()]
    last = [line for line in lines if 'mIoU' in line][-1]
    iou = {key: value for key, value in last.items() if key == 'mIoU' or key.startswith('IoU.')}
    return dict(cpu_seconds=round(seconds), iterations=last['step'], **iou)


def describe_modalities(planned: Config, folder: Path) -> list[dict]:
    """Describe the modalities as people do without a plan: by mean and standard deviation."""
    described = []
    for modality in map(dict, planned.modalities):
        modality.pop('interpolation', None)
        if not modality.pop('calibrated', True):
            modality.pop('missing', None)
            with (folder / 'train.csv').open() as table:
                files = [row[modality['name']] for row in csv.DictReader(table)]
            images = [cv2.imread(f'{planned.data_root}/{name}', -1) for name in files if name]
            modality.update(mean=float(np.mean(images)), std=float(np.std(images)))
        described.append(modality)
    return described


def write_default(planned: Path, out: Path, iterations: int) -> Path:
    """Write the config of the default for the samples of a plan."""
    config = Config.fromfile(planned)
    modalities = describe_modalities(config, planned.parent)
    steps = [dict(type='LoadMultimodalImages'), config.load_labels]
    pack = dict(type='PackMultimodalSegInputs')
    dataset = dict(config.dataset, modalities=modalities)
    loading = dict(num_workers=1, persistent_workers=True)
    warm_up = max(1, iterations // 48)
    values = dict(
        train_dataloader=dict(
            loading,
            batch_size=4,
            sampler=dict(type='InfiniteSampler', shuffle=True),
            dataset=dict(
                dataset,
                ann_file=str(planned.with_name('train.csv')),
                pipeline=[*steps, dict(type='RandomFlip', prob=0.5), pack],
            ),
        ),
        val_dataloader=dict(
            loading,
            batch_size=1,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(
                dataset, ann_file=str(planned.with_name('val.csv')), pipeline=[*steps, pack]
            ),
        ),
        val_evaluator=dict(type='MultimodalIoUMetric'),
        model=dict(
            data_preprocessor=dict(modalities=modalities, size_divisor=32),
            decode_head=dict(head=dict(num_classes=len(config.classes))),
        ),
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.01, begin=0, end=warm_up, by_epoch=False),
            dict(type='PolyLR', power=0.9, begin=warm_up, end=iterations, by_epoch=False),
        ],
        train_cfg=dict(max_iters=iterations, val_interval=iterations),
        default_hooks=dict(checkpoint=dict(interval=iterations)),
    )
    values |= dict(test_dataloader=values['val_dataloader'], test_evaluator=values['val_evaluator'])
    bases = ('models/amf_r18_refinenet', 'schedules/adamw_1200', 'default_runtime')
    lines = [f'_base_ = {[f"mmamf::_base_/{base}.py" for base in bases]}']
    lines += [f'{key} = {value!r}' for key, value in Config(values).to_dict().items()]
    out.write_text('\n'.join(lines) + '\n')
    return out


def main() -> None:
    """Plan, then run the trainings that are not done yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('data')
    parser.add_argument('out', type=lambda text: Path(text).resolve())
    parser.add_argument('--minutes', default='6')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument('--split', nargs='+', default=[], help='as in tools/plan.py')
    args = parser.parse_args()
    plan = args.out / 'plan'
    plan.mkdir(parents=True, exist_ok=True)
    results = args.out / 'results.json'
    found = json.loads(results.read_text()) if results.is_file() else {}

    def once(name: str, config: Path, seed: int) -> dict:
        if name not in found:
            found[name] = train(config, args.out / name, seed)
            results.write_text(json.dumps(found, indent=1) + '\n')
            print(name, found[name], flush=True)
        return found[name]

    if not list(plan.glob('*.py')):
        split = ['--split', *args.split] if args.split else []
        arguments = (args.data, '--out', plan, '--minutes', args.minutes, *split)
        run(ROOT / 'tools/plan.py', *arguments, out=args.out / 'plan.log')
    (planned,) = plan.glob('*.py')
    seconds = [once(f'planned-{seed}', planned, seed)['cpu_seconds'] for seed in args.seeds]
    costs = [
        once(
            f'default-{count}-iterations',
            write_default(planned, args.out / f'{count}.py', count),
            0,
        )
        for count in (SHORT, LONG)
    ]
    step = (costs[1]['cpu_seconds'] - costs[0]['cpu_seconds']) / (LONG - SHORT)
    count = int((np.mean(seconds) - costs[0]['cpu_seconds']) / step) + SHORT
    default = write_default(planned, args.out / 'default.py', max(SHORT, count))
    for seed in args.seeds:
        once(f'default-{seed}', default, seed)


if __name__ == '__main__':
    main()
