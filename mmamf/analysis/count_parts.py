"""Counts parameters and multiply-adds of a config's model, and of separate networks."""

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from rich import box
from rich.console import Console
from rich.table import Table

from mmamf.deployment import single_modality_config
from mmamf.models.fit_model import fit_model

from .complexity import Complexity, complexity_of_parts

IMAGE_CHANNELS = 3  # of one modality, in networks for translation


def input_size(model: dict) -> Sequence[int]:
    """Find the size of the images in a model's config.

    Raises:
        ValueError: If the config does not have one.
    """
    size = model['data_preprocessor'].get('size') or model.get('generator', {}).get('image_size')
    if size is None:
        raise ValueError(
            '--shape: expected H W, as the config has neither model.data_preprocessor.size nor '
            'model.generator.image_size'
        )
    return (size, size) if isinstance(size, int) else size


def count_modalities(model: dict) -> int:
    """Find the number of modalities in a model's config; the default is 1."""
    return model.get('generator', model.get('backbone')).get('num_modalities', 1)


def count_parts(model: dict, size: Sequence[int]) -> dict[str, Complexity]:
    """Build a model from its config and count its parts, for one image of every modality."""
    model = fit_model(model)
    with torch.device('meta'):
        built = MODELS.build(copy.deepcopy(model))
        channels = getattr(built.data_preprocessor, 'in_channels', IMAGE_CHANNELS)
        inputs = torch.zeros(1, count_modalities(model) * channels, *size)
        return complexity_of_parts(built, inputs)


def show_parts(args: argparse.Namespace) -> None:
    """Count and print, given the arguments of `tools/analysis/get_flops.py`."""
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.default_scope)
    model = cfg.model.to_dict()
    size = args.shape or input_size(model)
    parts = count_parts(model, size)
    single = count_parts(single_modality_config(fit_model(model)), size)
    modalities = count_modalities(fit_model(model))
    table = Table(
        title=f'{Path(args.config).stem}\n{modalities} x {size[0]} x {size[1]} px', box=box.SIMPLE
    )
    separate = f'{modalities} networks:\n'
    for column in ('', '\nparameters', '\nGMACs', f'{separate}parameters', f'{separate}GMACs'):
        table.add_column(column, justify='right' if column else 'left', no_wrap=True)

    def row(title: str, own: Complexity, separate: Complexity) -> None:
        table.add_row(
            title,
            f'{own.parameters / 1e6:.2f} M',
            f'{own.gmacs:.2f}',
            f'{modalities * separate.parameters / 1e6:.2f} M',
            f'{modalities * separate.gmacs:.2f}',
        )

    nothing = Complexity(0, 0.0)
    used = [name for name in parts if parts[name].gmacs]
    for name in used:
        row(name, parts[name], single.get(name, nothing))
    table.add_section()
    sums = [
        Complexity(*map(sum, zip(*(counts.get(name, nothing) for name in used))))
        for counts in (parts, single)
    ]
    row('total', *sums)
    for name in parts:
        if name not in used:
            table.add_row(f'{name} *', f'{parts[name].parameters / 1e6:.2f} M')
            table.caption = '* training only'
    Console().print(table)
