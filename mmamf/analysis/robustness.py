"""Tests a checkpoint under corruptions of growing severity; writes a table and a figure."""

import argparse

from mmamf.evaluation.corruption_ladder import CLEAN, list_tests, read_ladder, with_corruption
from mmamf.visualization.markdown import CLASS
from mmamf.visualization.robustness_sheet import format_robustness, plot_robustness

from .series import name_modalities, read_model, run_series, write_table


def measure_robustness(args: argparse.Namespace) -> None:
    """Test and report, given the arguments of `tools/analysis/robustness.py`."""
    cfg, settings = read_model(args)
    modalities = name_modalities(cfg.test_dataloader)
    ladder = read_ladder(args.ladder)
    for corruption in [c for c in ladder if c['transform'].get('modality') not in modalities]:
        print(f'left out: {corruption["title"]}, for the config has only {modalities}')
        ladder.remove(corruption)
    if not ladder:
        raise ValueError(f'{args.ladder}: expected a corruption of one of {modalities}, got none')

    steps = dict(list_tests(ladder))
    tests = {name: with_corruption(cfg.test_dataloader, steps[name]) for name in steps}
    marks = {name: dict(corruption=steps[name]) for name in steps}
    done = run_series(args, (cfg, settings), tests, marks, _sort)

    # files of earlier versions have no classes
    results = {name: test['scalars'] | test.get('classes', {}) for name, test in done.items()}
    sources = [name for name in modalities if f'{name}/mIoU' in results[CLEAN]]
    plot_robustness(ladder, sources, results, args.out / 'figure.png')
    write_table(args, format_robustness(ladder, sources, results))


def _sort(scalars: dict) -> dict[str, dict]:
    classes = {key: value for key, value in scalars.items() if key.startswith(CLASS)}
    return dict(scalars={k: scalars[k] for k in scalars if k not in classes}, classes=classes)
