"""Tests a checkpoint on all subsets of its modalities; writes a table and a figure."""

import argparse
from itertools import chain

from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from mmamf.evaluation.corruption_ladder import with_corruption, with_damaged_input
from mmamf.evaluation.failure_protocol import list_losses, list_noises, name_tests
from mmamf.structures import read_modalities
from mmamf.visualization.missing_modalities_sheet import (
    format_protocol,
    format_subsets,
    plot_subsets,
)

from .series import name_modalities, read_model, run_series, write_table


def list_subsets(dataloader: dict, complete: bool = False) -> dict[str, dict]:
    """Name the 2^M - 1 subsets, largest first, and configure a data loader for each.

    Args:
        dataloader: Config of a data loader for a MultimodalSegDataset. For each subset it gets the
            samples that have at least one modality of the subset.
        complete: Whether each gets only the samples that have all modalities.

    Raises:
        ValueError: If the data set consists of several, or there is no sample for a subset.
    """
    modalities = name_modalities(dataloader)
    samples = list_present(dataloader['dataset'])
    if complete:
        samples = {index: has for index, has in samples.items() if has == {*modalities}}
        if not samples:
            raise ValueError(
                f'test_dataloader.dataset: expected a sample with all of {modalities}, got none: '
                'test without --complete'
            )
    subsets = {}
    for kept, test in name_tests(modalities).items():
        prob = {name: 1.0 for name in modalities if name not in kept}
        steps = [dict(type='ModalityDropout', prob=prob)] if prob else []
        subset = with_corruption(dataloader, steps)
        usable = [index for index, present in samples.items() if present & {*kept}]
        if not usable:
            raise ValueError(
                f'test_dataloader.dataset: expected a sample with one of {kept}, got none'
            )
        subset['dataset']['indices'] = usable
        subsets[test] = subset
    return subsets


def list_present(dataset: dict) -> dict[int, set[str]]:
    """List the modalities of every sample in a data set, by its index without `indices`."""
    built = DATASETS.build(dataset)
    given = dataset.get('indices')
    indices = given if isinstance(given, list | tuple) else range(len(built))
    entries = (built.get_data_info(place)['modality_paths'] for place in range(len(built)))
    return {
        index: {name for name, path in paths.items() if path is not None}
        for index, paths in zip(indices, entries, strict=True)
    }


def list_damages(args: argparse.Namespace, cfg: Config) -> list[tuple[str, list[dict]]]:
    """List the names and the transforms of the further tests that the command line asks for.

    Raises:
        ValueError: If there shall be noise, and the data preprocessor describes no modalities.
    """
    losses = list_losses(name_modalities(cfg.test_dataloader)) if args.random_missing else ()
    noises = ()
    if args.noise:
        preprocessor = cfg.model.get('data_preprocessor') or {}
        if not (described := preprocessor.get('modalities')):
            raise ValueError(
                'model.data_preprocessor: expected `modalities` with mean and std, the units of '
                f'the noise, got the keys {sorted(preprocessor)}'
            )
        noises = list_noises(read_modalities(described))
    return [*chain(losses, noises)]


def measure_missing(args: argparse.Namespace) -> None:
    """Test and report, given the arguments of `tools/analysis/missing_modalities.py`."""
    cfg, settings = read_model(args)
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    tests = list_subsets(cfg.test_dataloader, args.complete)
    marks = {name: dict(samples=len(tests[name]['dataset']['indices'])) for name in tests}
    whole, *_ = subsets = list(tests)
    for name, steps in list_damages(args, cfg):
        tests[name] = with_damaged_input(tests[whole], steps)
        marks[name] = dict(marks[whole], corruption=steps)
    results = run_series(args, (cfg, settings), tests, marks)
    modalities = name_modalities(cfg.test_dataloader)
    of_subsets = {name: results[name] for name in subsets}
    plot_subsets(modalities, of_subsets, args.out / 'figure.png')
    protocol = format_protocol(modalities, results)
    write_table(args, f'{format_subsets(modalities, of_subsets)}\n{protocol}')
