"""Extracts one modality from a trained model: its branch becomes an ordinary mmseg backbone."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS, init_default_scope
from torch import nn

from mmamf.whole_file import whole_file

from .load_segmentor import load_segmentor
from .single_modality import (
    find_fusion_points,
    find_modality,
    single_modality_model,
    stock_backbone,
)


def having(dataset: Sequence[dict], modality: str) -> Iterator[dict]:
    """Yield the samples that have the modality."""
    for index in range(len(dataset)):
        sample = dataset[index]
        if modality in sample['data_samples'].get('present', (modality,)):
            yield sample


@torch.no_grad()
def measure(
    model: nn.Module, single: nn.Module, index: int, samples: Iterable[dict]
) -> tuple[list[float], float]:
    """Compare a branch inside the whole model with the extracted branch.

    Args:
        model: The whole model.
        single: The model of one modality.
        index: Index of that modality in the whole model.
        samples: Samples of the data set.

    Returns:
        For every level of the pyramid, the norm of the difference of the features over all samples,
        relative to the norm of the whole model's features; and the share of pixels where the
        extracted branch predicts another class.
    """
    first = index * model.data_preprocessor.in_channels
    own = slice(first, first + single.data_preprocessor.in_channels)
    m = len(model.data_preprocessor.modalities)
    differences, norms, others, pixels = 0, 0, 0, 0
    for sample in samples:
        inputs = model.data_preprocessor(pseudo_collate([sample]))['inputs']
        inside = model.extract_feat(inputs)
        alone = single.extract_feat(inputs[:, own])
        pairs = [(level[index::m], maps) for level, maps in zip(inside, alone)]
        differences += torch.tensor([(a - b).square().sum() for a, b in pairs])
        norms += torch.tensor([a.square().sum() for a, _ in pairs])
        # the logits of the ensemble come first, then those of every modality
        expected = model.decode_head.forward_all(inside).chunk(1 + m, dim=1)[1 + index].argmax(1)
        found = single.decode_head(alone).argmax(1)
        others += (expected != found).sum().item()
        pixels += found.numel()
    return (differences / norms).sqrt().tolist(), others / pixels


def extract(args: argparse.Namespace) -> None:
    """Extract, write and measure, given the arguments of `tools/extract_modality.py`."""
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    config = cfg.model.to_dict()
    model = load_segmentor(cfg, args.checkpoint, args.allow_different_config)
    single = single_modality_model(model, config, args.modality)
    backbone_config, backbone = stock_backbone(single, config['backbone'])
    index = find_modality(model, args.modality)
    meta = dict(
        modality=args.modality,
        backbone=backbone_config,
        data_preprocessor=config['data_preprocessor']['modalities'][index],
    )
    with whole_file(args.out, durable=True) as draft:
        torch.save(dict(state_dict=backbone.state_dict(), meta=meta), draft)
    print(f'wrote {len(backbone.state_dict())} entries to {args.out}; they belong to')
    print(f'  {dict(backbone_config, init_cfg=dict(type="Pretrained", checkpoint=str(args.out)))}')
    print(f'and to images of {single.data_preprocessor.in_channels} channels, normalized by')
    print(f'  {meta["data_preprocessor"]}')

    lost = find_fusion_points(model)
    for name, kind in lost.items():
        print(f'lost: what {args.modality} received at {name} ({kind})')
    if not lost:
        print('lost: nothing, no modality received anything from another')
    if args.samples < 1:
        return
    try:
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
    except FileNotFoundError as error:
        print(f'what that means was not measured: {error}')
        return
    samples = list(islice(having(dataset, args.modality), args.samples))
    if not samples:
        print(f'what that means was not measured: no test image has {args.modality}')
        return
    levels, others = measure(model, single, index, samples)
    print(f'on {len(samples)} test images, by itself instead of inside the model:')
    print(f'  features differ by {", ".join(f"{level:.1%}" for level in levels)} (finest first)')
    print(f'  {others:.1%} of the pixels are predicted otherwise')
