"""Tests a checkpoint on all subsets of its modalities; writes a table and a figure."""

import argparse
from itertools import combinations

from mmengine.registry import DATASETS, init_default_scope

from mmamf.evaluation.corruption_ladder import with_corruption
from mmamf.visualization.missing_modalities_sheet import format_subsets, plot_subsets

from .series import read_model, run_series, write_table


def list_subsets(dataloader: dict) -> dict[str, dict]:
    """Name the 2^M - 1 subsets, largest first, and configure a data loader for each.

    Args:
        dataloader: Config of a data loader for a MultimodalSegDataset. For each subset it gets the
            samples that have at least one modality of the subset.

    Raises:
        ValueError: If the data set consists of several, or no sample has any modality of a subset.
    """
    if not (modalities := dataloader['dataset'].get('modalities')):
        raise ValueError(
            'test_dataloader.dataset: expected one data set with `modalities`, got '
            f'{dataloader["dataset"].get("type")}'
        )
    samples = list_present(dataloader['dataset'])
    subsets = {}
    for size in range(len(modalities), 0, -1):
        for kept in combinations(modalities, size):
            prob = {name: 1.0 for name in modalities if name not in kept}
            steps = [dict(type='ModalityDropout', prob=prob)] if prob else []
            subset = with_corruption(dataloader, steps)
            usable = [index for index, present in samples.items() if present & {*kept}]
            if not usable:
                raise ValueError(
                    f'test_dataloader.dataset: expected a sample with one of {kept}, got none'
                )
            subset['dataset']['indices'] = usable
            subsets['+'.join(kept)] = subset
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


def measure_missing(args: argparse.Namespace) -> None:
    """Test and report, given the arguments of `tools/analysis/missing_modalities.py`."""
    cfg, settings = read_model(args)
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    tests = list_subsets(cfg.test_dataloader)
    marks = {name: dict(samples=len(tests[name]['dataset']['indices'])) for name in tests}
    results = run_series(args, (cfg, settings), tests, marks)
    modalities = list(cfg.test_dataloader.dataset.modalities)
    plot_subsets(modalities, results, args.out / 'figure.png')
    write_table(args, format_subsets(modalities, results))
