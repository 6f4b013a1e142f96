"""Fits the temperatures of a checkpoint on its validation set, and writes a calibrated copy."""

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from rich.progress import track
from torch import Tensor
from torch.utils.data import DataLoader

from mmamf.datasets.transforms.load_label_map import IGNORE
from mmamf.deployment import fix_random_bases, load_segmentor
from mmamf.ensemble import ENSEMBLE, output_keys
from mmamf.evaluation.calibration_counts import CalibrationCounts
from mmamf.models import ModalityEnsembleHead, MultimodalSegmentor
from mmamf.visualization.markdown import format_table
from mmamf.weights import read_checkpoint, state_of
from mmamf.whole_file import whole_file

from .fit_temperature import fit_temperature, probabilities_of, temper

ABOVE = 1.001  # of the score that sets a threshold, which other programs round in another way
PIXELS = 100_000  # sampled from all images together, so memory does not grow with the data


class _Pixels(NamedTuple):
    """Random pixels of one image.

    Args:
        logits: Of the ensemble, or of a modality, (P, K).
        labels: Their classes, (P,).
    """

    logits: Tensor
    labels: Tensor


def calibrate(args: argparse.Namespace) -> None:
    """Fit and write, given the arguments of `tools/calibrate.py`.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ValueError: If the result exists already, the model is no MultimodalSegmentor, or there are
            too few images with labels.
    """
    out = Path(args.out)
    if out.exists():
        raise ValueError(f'--out: expected a new file, because nothing is overwritten, got {out}')
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    if cfg.get('val_dataloader') is None:
        raise ValueError(f'{args.config}: expected a val_dataloader to fit on, got none')
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    content = read_checkpoint(args.checkpoint)
    model = load_segmentor(cfg, args.checkpoint, args.allow_different_config)
    if not isinstance(model, MultimodalSegmentor):
        raise ValueError(
            f'model.type: expected MultimodalSegmentor, got {type(model).__name__}, which does not '
            'return the predictions of single modalities'
        )
    fix_random_bases(model)
    head = model.to(get_device()).decode_head
    head.temperature = None  # fitted anew
    loader = Runner.build_dataloader(cfg.val_dataloader, seed=0)
    images, scores = measure_images(model, loader)
    found = {name: fit_source(name, pixels, head.pivot) for name, pixels in images.items()}
    print(f'{_table(found)}\nmeasured on the half of the images that was not used for the fit')
    temperatures = torch.tensor([source.temperature for source in found.values()])
    head.calibrate(temperatures)  # checks them
    state = {k: v for k, v in state_of(content).items() if k != 'guard.threshold'}
    state['decode_head.temperature'] = temperatures
    meta = dict(content.get('meta') or {}, calibration=dict(images=len(loader.dataset)))
    try:
        model.guard.check_network(model.backbone)
        thresholds = find_thresholds(scores, args.false_alarms)
    except ValueError as error:
        print(f'no thresholds for the guard: {error}')
    else:
        state['guard.threshold'] = thresholds
        meta['calibration']['false_alarms'] = args.false_alarms
        listed = ', '.join(f'{n} {t:.3f}' for n, t in zip(scores, thresholds.tolist()))
        print(f'thresholds of the guard for {args.false_alarms:.1%} false alarms: {listed}')
    with whole_file(out) as draft:
        torch.save(dict(meta=meta, state_dict=state), draft)
    print(f'wrote {out}: the weights of {args.checkpoint}, calibrated')


@torch.no_grad()
def measure_images(
    model: MultimodalSegmentor, loader: DataLoader
) -> tuple[dict[str, list[_Pixels]], dict[str, list[float]]]:
    """Predict all images, and keep random pixels and the guard's scores of each.

    The choice of the pixels depends only on the place of the image in the data.

    Returns:
        The pixels for the ensemble and every modality, and the scores of every modality where it is
        present; no scores if the model can have no guard.

    Raises:
        ValueError: If an image has no label map.
    """
    count = max(1, PIXELS // len(loader.dataset))
    sources = (ENSEMBLE, *model.data_preprocessor.modalities)
    images: dict[str, list[_Pixels]] = {name: [] for name in sources}
    scores = {name: [] for name in model.data_preprocessor.modalities}
    model.test_cfg.guard = False  # it has no thresholds yet
    place = 0
    for data in track(loader, 'predicting'):
        data = model.data_preprocessor(data, False)
        for name, values in _rate(model, data).items():
            scores[name] += values
        for predicted in model.predict(**data):
            sample = predicted.to_dict()
            labels = _labels_of(sample, model.decode_head)
            known = (labels != IGNORE).nonzero()[:, 0]
            draw = torch.randperm(len(known), generator=torch.Generator().manual_seed(place))
            chosen = known[draw[:count]]
            for name, key in output_keys(sample, 'seg_logits').items():
                logits = sample[key]['data'].flatten(1)[:, chosen.to(sample[key]['data'].device)]
                if len(logits) == 1:  # mmseg's segmentors keep the probability
                    logits = logits.logit(eps=1e-6)
                images[name].append(_Pixels(logits.T.float().cpu(), labels[chosen]))
            place += 1
    return images, scores


def _rate(model: MultimodalSegmentor, data: dict) -> dict[str, list[float]]:
    """Compute the guard's scores of a batch, for every modality where it is present."""
    try:
        model.guard.check_network(model.backbone)
    except ValueError:
        return {}
    names = model.data_preprocessor.modalities
    scores, presence = (part.unbind(1) for part in model.rate_sensors(**data))
    return {n: s[there].tolist() for n, s, there in zip(names, scores, presence)}


def find_thresholds(scores: Mapping[str, Sequence[float]], false_alarms: float) -> Tensor:
    """Find the threshold of every modality that a clean sample exceeds at this rate.

    It is the smallest score that at least a share of (1 - rate) of n scores and one further does
    not exceed, so the rate holds for new samples like these, on average.

    Args:
        scores: Modality -> scores of clean samples.
        false_alarms: Rate for each modality, between 0 and 1.

    Shape:
        - Output: (M,).

    Raises:
        ValueError: If there are too few scores for this rate.
    """
    thresholds = []
    for name, values in scores.items():
        rank = math.ceil((len(values) + 1) * (1 - false_alarms) - 1e-9)
        if rank > len(values):
            raise ValueError(
                f'expected at least {math.ceil(1 / false_alarms) - 1} images with {name} for a '
                f'rate of false alarms of {false_alarms}, got {len(values)}; --false-alarms '
                f'{1 / (len(values) + 1):.3f} is the least for them'
            )
        thresholds.append(ABOVE * sorted(values)[rank - 1])
    return torch.tensor(thresholds)


class Fit(NamedTuple):
    """What was fitted for the ensemble or for a modality.

    Args:
        temperature: Fitted on all images.
        before: Counts without temperature.
        after: Counts of every image with the temperature of the half that it is not in.
    """

    temperature: float
    before: CalibrationCounts
    after: CalibrationCounts


def fit_source(name: str, images: Sequence[_Pixels], pivot: float = 0.0) -> Fit:
    """Fit one temperature on all images, and measure with those of two halves.

    The halves are the first and the last images, because neighbors may show the same scene.

    Args:
        name: The ensemble, or a modality, for the error.
        images: Its pixels, image by image.
        pivot: See :func:`fit_temperature`.

    Raises:
        ValueError: If there are fewer than two images with labels.
    """
    images = [pixels for pixels in images if len(pixels.labels)]
    if len(images) < 2:
        raise ValueError(
            f'val_dataloader: expected at least 2 images with labels and {name}, one to fit and '
            f'one to measure, got {len(images)}'
        )
    middle = len(images) // 2
    halves = [_Pixels(*map(torch.cat, zip(*part))) for part in (images[:middle], images[middle:])]
    before, after = [], []
    for ours, others in (halves, halves[::-1]):
        fitted = fit_temperature(*others, pivot)
        for counts, temperature in ((before, 1.0), (after, fitted)):
            tempered = temper(ours.logits, temperature, pivot)
            counts.append(CalibrationCounts.of(probabilities_of(tempered), ours.labels))
    whole = _Pixels(*map(torch.cat, zip(*halves)))
    return Fit(fit_temperature(*whole, pivot), before[0] + before[1], after[0] + after[1])


def _table(found: Mapping[str, Fit]) -> str:
    rows = [
        [
            name,
            f'{fit.temperature:.3f}',
            f'{100 * fit.before.ece:.2f} -> {100 * fit.after.ece:.2f}',
            f'{fit.before.brier:.4f} -> {fit.after.brier:.4f}',
            f'{fit.before.nll:.4f} -> {fit.after.nll:.4f}',
        ]
        for name, fit in found.items()
    ]
    return format_table(['', 'temperature', 'ECE (%)', 'Brier', 'NLL'], rows)


def _labels_of(sample: dict, head: ModalityEnsembleHead) -> Tensor:
    if 'gt_sem_seg' not in sample:
        raise ValueError(
            f'{sample.get("img_path")}: expected a label map in `gt_sem_seg`, got none; add '
            'LoadLabelMap to the pipeline of val_dataloader'
        )
    labels = sample['gt_sem_seg']['data'].flatten().long().cpu()
    if head.ignore_index is not None:
        labels = labels.masked_fill(labels == head.ignore_index, IGNORE)
    wrong = (labels != IGNORE) & ((labels < 0) | (labels >= head.num_classes))
    if wrong.any():
        raise ValueError(
            f'{sample.get("img_path")}: expected labels from 0 to {head.num_classes - 1}, or '
            f'{IGNORE} (ignored), got {labels[wrong].unique().tolist()}'
        )
    return labels
