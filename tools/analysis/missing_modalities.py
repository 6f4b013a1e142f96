"""Tests a checkpoint on all subsets of its modalities; writes a table and a figure.

Every subset is one test of the config in which all other modalities are absent. results.json keeps
each when it is done: interrupted, the same command continues from there.
"""

import argparse
import json
import sys
import time
from itertools import combinations
from pathlib import Path

try:
    import mmamf  # first: it cures the stack before anything else is imported
except ModuleNotFoundError as error:
    if error.name != 'mmamf':
        raise
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import mmamf  # noqa: F401

from mmengine.config import DictAction
from mmengine.fileio import put_text
from robustness import read_done, read_model, run_tests

from mmamf.visualization.missing_modalities_sheet import format_subsets, plot_subsets


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file of a segmentation')
    parser.add_argument('checkpoint', type=Path, help='checkpoint file')
    parser.add_argument(
        '--out',
        metavar='DIR',
        type=Path,
        help='where results.json, table.md and figure.png go; '
        'default: work_dirs/<name of the config>/missing_modalities',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={}, help='override the config'
    )
    args = parser.parse_args(argv)
    args.out = args.out or Path('work_dirs', Path(args.config).stem, 'missing_modalities')
    return args


def list_subsets(modalities: list[str]) -> dict[str, list[dict]]:
    """Name the 2^M - 1 subsets, largest first, and say what makes a sample of each.

    Returns:
        Name, such as ``rgb+depth``, and the steps behind the loading of the pipeline.
    """
    subsets = {}
    for size in range(len(modalities), 0, -1):
        for kept in combinations(modalities, size):
            prob = {name: 1.0 for name in modalities if name not in kept}
            steps = [dict(type='ModalityDropout', prob=prob)] if prob else []
            subsets['+'.join(kept)] = steps
    return subsets


def main(argv: list[str] | None = None) -> None:
    """Test what is not yet done, then write the table and the figure."""
    args = parse_args(argv)
    cfg, settings = read_model(args)
    modalities = list(cfg.test_dataloader.dataset.modalities)
    tests = list_subsets(modalities)

    store = args.out / 'results.json'
    done = read_done(store, settings)
    todo = {name: steps for name, steps in tests.items() if name not in done}
    print(f'{len(todo)} tests to do, {len(tests) - len(todo)} done', flush=True)

    cfg.update(work_dir=str(args.out / 'logs'), load_from=str(args.checkpoint), resume=False)
    cfg.log_level = 'WARNING'  # one line for each test is enough
    start = time.monotonic()
    for count, (name, scalars) in enumerate(run_tests(cfg, todo), 1):
        done[name] = scalars
        text = json.dumps(dict(settings, tests=done), indent=1)
        put_text(text, store, backend_args=dict(backend='atomic_local'))
        left = (time.monotonic() - start) / count * (len(todo) - count)
        print(
            f'[{count}/{len(todo)}] {name}: mIoU {scalars["mIoU"]:.1f}; about {left:.0f} s left',
            flush=True,
        )

    results = {name: done[name] for name in tests}
    table = f'{args.checkpoint} of {args.config}: mIoU (%)\n\n'
    table += format_subsets(modalities, results)
    (args.out / 'table.md').write_text(table)
    plot_subsets(modalities, results, args.out / 'figure.png')
    print(f'{table}\n{args.out}')


if __name__ == '__main__':
    main()
