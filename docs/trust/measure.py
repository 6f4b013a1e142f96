"""Measures what finds a broken sensor, and what the guard gains, on a ladder of corruptions.

Every third image of the validation set is tested. The thresholds come from the other images, which
are clean. The guard's score is computed for 100 of the images; predictions, which cost more, for 30
of them. The results go to docs/trust/<name of the network>.json, test by test, so the same command
continues after an interruption. `--report` prints their tables.

Usage: python docs/trust/measure.py CONFIG CHECKPOINT NAME
       python docs/trust/measure.py --report NAME ...
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope
from scipy.stats import rankdata

from mmamf.analysis.calibrate import find_thresholds
from mmamf.deployment import load_segmentor
from mmamf.ensemble import class_probabilities
from mmamf.evaluation.corruption_ladder import CLEAN, list_tests, read_ladder, with_corruption

ROOT = Path(__file__).resolve().parents[2]
OUT = Path(__file__).parent
LADDER = ROOT / 'configs/_base_/robustness_rgbd.py'
STEP = 3  # every third image is tested
RATE = 0.01  # of false alarms
EVERY = ('stem', 'branch', 'entropy', 'stem+branch')  # scores that are compared


def batch_of(model, dataset, index: int) -> dict:
    """Load an image as the model gets it."""
    item = dataset[index]
    data = dict(inputs=[item['inputs']], data_samples=[item['data_samples']])
    return model.data_preprocessor(data, False)


def entropy_of(p: torch.Tensor) -> float:
    """Compute the mean entropy of a prediction, (K, H, W)."""
    return -(p * p.clamp_min(1e-12).log()).sum(0).mean().item()


def divergence_of(p: torch.Tensor, q: torch.Tensor) -> float:
    """Compute the mean divergence of one prediction from another."""
    return (p * (p.clamp_min(1e-12).log() - q.clamp_min(1e-12).log())).sum(0).mean().item()


def count(sample, classes: int) -> np.ndarray:
    """Count the pixels of each class (row) that are predicted as each class."""
    label, guess = (s.data[0].numpy() for s in (sample.gt_sem_seg, sample.pred_sem_seg))
    known = label < classes
    pairs = label[known] * classes + guess[known]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def miou(confusion: np.ndarray) -> float:
    """Compute the mIoU of a confusion matrix in percent."""
    right, total = confusion.diagonal(), confusion.sum(0) + confusion.sum(1)
    union = total - right
    return 100 * float(np.mean(right[union > 0] / union[union > 0]))


def auroc(clean: list[float], broken: list[float]) -> float:
    """Compute the chance that a broken image has a higher score than a clean one."""
    ranks = rankdata([*clean, *broken])[len(clean) :]
    n, k = len(clean), len(broken)
    return float((ranks.sum() - k * (k + 1) / 2) / (n * k))


@torch.no_grad()
def run(model, dataset, indices: list[int], predicted: int) -> dict:
    """Predict images without and with the guard, and compute the scores of all kinds."""
    names, classes = model.data_preprocessor.modalities, model.decode_head.num_classes
    scores = {kind: {name: [] for name in names} for kind in EVERY[:3]}
    totals = dict(without=0, guarded=0)
    caught = dict.fromkeys(names, 0)
    chosen = set(indices[:: max(1, len(indices) // predicted)][:predicted])
    for index in indices:
        data = batch_of(model, dataset, index)
        stem, _ = model.rate_sensors(**data)
        for name, value in zip(names, stem[0].tolist()):
            scores['stem'][name].append(value)
        used, lost = model.guard(model.backbone, data['inputs'])
        for name, is_lost in zip(names, lost[0].tolist()):
            caught[name] += is_lost
        if index not in chosen:
            continue
        model.test_cfg.guard = False
        (sample,) = model.predict(**data)
        totals['without'] += count(sample, classes)
        whole = class_probabilities(sample.seg_logits.data)
        for name in names:
            own = class_probabilities(sample.get(f'seg_logits_{name}').data)
            scores['branch'][name].append(divergence_of(own, whole))
            scores['entropy'][name].append(entropy_of(own))
        if lost.any():
            model.test_cfg.guard = True
            (sample,) = model.predict(**batch_of(model, dataset, index))
        totals['guarded'] += count(sample, classes)
    found = {key: miou(total) for key, total in totals.items()}
    shares = {name: number / len(indices) for name, number in caught.items()}
    places = [place for place, index in enumerate(indices) if index in chosen]
    scores['of_predicted'] = {n: [scores['stem'][n][place] for place in places] for n in names}
    return dict(**found, caught=shares, scores=scores)


@torch.no_grad()
def run_alone(model, dataset, indices: list[int]) -> dict[str, float]:
    """Test each modality of clean images alone."""
    model.test_cfg.guard = False
    names, classes = model.data_preprocessor.modalities, model.decode_head.num_classes
    totals = dict.fromkeys(names, 0)
    for index in indices:
        for name in names:
            item = dataset[index]
            item['data_samples'].set_metainfo(dict(present=(name,)))
            data = dict(inputs=[item['inputs']], data_samples=[item['data_samples']])
            (sample,) = model.predict(**model.data_preprocessor(data, False))
            totals[name] += count(sample, classes)
    return {name: miou(total) for name, total in totals.items()}


def combine(kinds: dict, clean: dict, name: str) -> list[float]:
    """Add the logarithms of two scores, each in standard deviations of the clean images."""
    total = 0
    for kind in ('of_predicted', 'branch'):
        usual = np.log(clean[kind][name])
        total = total + (np.log(kinds[kind][name]) - usual.mean()) / usual.std()
    return list(total)


@torch.no_grad()
def fit_thresholds(model, dataset, indices: list[int]) -> torch.Tensor:
    """Find the thresholds from clean images, as tools/calibrate.py does."""
    clean = {name: [] for name in model.data_preprocessor.modalities}
    for index in indices:
        rated, _ = model.rate_sensors(**batch_of(model, dataset, index))
        for name, value in zip(clean, rated[0].tolist()):
            clean[name].append(value)
    return find_thresholds(clean, RATE)


def measure(args: argparse.Namespace) -> None:
    """Run the tests that are not done yet."""
    cfg = Config.fromfile(args.config)
    init_default_scope('mmseg')
    model = load_segmentor(cfg, args.checkpoint)
    names = model.data_preprocessor.modalities
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    tested = list(range(0, len(dataset), STEP))[: args.images]
    chosen = tested[:: max(1, len(tested) // args.predicted)][: args.predicted]
    store = OUT / f'{args.name}.json'
    if store.exists():
        results = json.loads(store.read_text())
        model.guard.calibrate(torch.tensor([*results['thresholds'].values()]))
    else:
        others = [index for index in range(len(dataset)) if index % STEP]
        model.guard.calibrate(fit_thresholds(model, dataset, others))
        results = dict(
            rated_images=len(tested),
            predicted_images=len(chosen),
            false_alarms=RATE,
            clean_images_of_thresholds=len(others),
            thresholds=dict(zip(names, model.guard.threshold.tolist())),
            alone=run_alone(model, dataset, chosen),
            tests={},
        )
    reference = results.get('reference')
    for test, steps in list_tests(read_ladder(LADDER)):
        if args.only not in test and test != CLEAN:
            continue
        if test in results['tests']:
            continue
        loader = with_corruption(cfg.test_dataloader, steps)
        found = run(model, DATASETS.build(loader['dataset']), tested, len(chosen))
        kinds = found.pop('scores')
        if test == CLEAN:
            reference = kinds
            reference['stem+branch'] = {n: combine(kinds, reference, n) for n in names}
            results['reference'] = reference
        else:
            kinds['stem+branch'] = {n: combine(kinds, reference, n) for n in names}
            found['auroc'] = {
                kind: {n: round(auroc(reference[kind][n], kinds[kind][n]), 3) for n in names}
                for kind in EVERY
            }
        results['tests'][test] = found
        store.write_text(json.dumps(results) + '\n')
        print(test, json.dumps(found), flush=True)


def report(name: str) -> None:
    """Print the tables of a network."""
    results = json.loads((OUT / f'{name}.json').read_text())
    print(f'\n{name}: alone {results["alone"]}, thresholds {results["thresholds"]}\n')
    print('| corruption | level | AUROC stem | branch | entropy | both | caught | ', end='')
    print('without guard | with guard |\n|---|---|---:|---:|---:|---:|---:|---:|---:|')
    for test, found in results['tests'].items():
        kind, _, level = test.partition('/')
        broken = kind.split('_')[0]
        rated = found.get('auroc', {})
        scores = [f'{rated[k][broken]:.2f}' if k in rated else '-' for k in EVERY]
        caught = ', '.join(f'{100 * v:.0f}' for k, v in found['caught'].items() if k == broken)
        if test == CLEAN:
            caught = ', '.join(f'{k} {100 * v:.0f}' for k, v in found['caught'].items())
        cells = [
            kind,
            level,
            *scores,
            caught,
            *(f'{found[k]:.1f}' if k in found else '-' for k in ('without', 'guarded')),
        ]
        print(f'| {" | ".join(cells)} |')


def main() -> None:
    """Measure, or report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', nargs='?')
    parser.add_argument('checkpoint', nargs='?')
    parser.add_argument('name', nargs='?')
    parser.add_argument('--images', type=int, default=100, help='images that are rated')
    parser.add_argument('--predicted', type=int, default=30, help='images that are predicted')
    parser.add_argument('--only', default='', help='a part of the names of the tests')
    parser.add_argument('--report', nargs='+', metavar='NAME')
    args = parser.parse_args()
    if args.report is None:
        measure(args)
    for name in args.report or [args.name]:
        report(name)


if __name__ == '__main__':
    main()
