"""Tests a checkpoint: prints the table of results and writes them as JSON into the work dir."""

import argparse
import copy
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import RUNNERS

from mmamf.apis.prediction_files import make_out_folder
from mmamf.datasets.nested_datasets import inner_configs
from mmamf.engine.concise_runner import ConciseRunner as Runner
from mmamf.weights.read_checkpoint import check_is_file

from .read_config import read_config

PICTURES = ('vis_data', 'vis_image')  # folder in which mmengine's visualizers save


def is_translation(cfg: Config) -> bool:
    """Whether the config is of mmagic, not of mmseg."""
    return cfg.get('default_scope') == 'mmagic'


def use_hook(cfg: Config, kind: str, directory: str) -> None:
    """Let a hook of this kind write into a directory; add it if the config has none."""
    hooks = list(cfg.get('custom_hooks') or [])
    if all(hook['type'] != kind for hook in hooks):
        hooks.append(dict(type=kind))
    for hook in hooks:
        if hook['type'] == kind:
            hook['out_dir'] = directory
    cfg.custom_hooks = hooks


def draw_into(cfg: Config, directory: str) -> None:
    """Let hooks draw every prediction, and a sheet with some of them, into a directory.

    For a translation, only the sheet is drawn.

    Raises:
        ValueError: If the config has no visualization hook or no visualizer.
    """
    if is_translation(cfg):
        use_hook(cfg, 'TranslationSheetHook', directory)
        return
    hook = cfg.get('default_hooks', {}).get('visualization')
    if hook is None or cfg.get('visualizer') is None:
        raise ValueError(
            '--show-dir: expected default_hooks.visualization and visualizer in the config'
        )
    hook.update(draw=are_pictures(cfg.test_dataloader.dataset), interval=1)
    if hook['type'] == 'SegVisualizationHook':  # our hook names the pictures after their samples
        hook.update(type='PaintedPredictionsHook', out_dir=str(Path(directory, *PICTURES)))
    # mmengine keeps visualizers by name, and a second one of that name would keep the first's
    # folder
    cfg.visualizer.update(name=directory, save_dir=directory)
    use_hook(cfg, 'PredictionSheetHook', directory)


def are_pictures(dataset: dict) -> bool:
    """Tell whether mmseg's hook can read the modality on which it draws.

    It draws on the first modality, or on any other if a sample lacks the first.

    Args:
        dataset: Config of a data set, or of one that combines several.
    """
    if (inner := inner_configs(dataset)) != [dataset]:
        return all(are_pictures(one) for one in inner)
    names = dataset.get('modalities', [])
    painted = names if dataset.get('optional') else names[:1]
    suffix = dataset.get('img_suffix', '')
    suffixes = [suffix] if isinstance(suffix, str) else [suffix[name] for name in painted]
    specs = [step['modalities'] for step in dataset.get('pipeline', []) if 'modalities' in step]
    channels = [spec[name]['channels'] for spec in specs for name in painted if name in spec]
    is_read = not any(suffix.lower().endswith('.npy') for suffix in suffixes)
    return is_read and set(channels) <= {1, 3}


def save_into(cfg: Config, directory: str) -> None:
    """Let a hook save every predicted label map, or image, into a directory."""
    if is_translation(cfg):
        use_hook(cfg, 'TranslatedPicturesHook', directory)
        return
    use_hook(cfg, 'PredictedMasksHook', directory)
    # a metric that only saves is not needed with the hook, and has no folder to save into
    if isinstance(cfg.test_evaluator, list) or 'metrics' not in cfg.test_evaluator:
        given = cfg.test_evaluator
        cfg.test_evaluator = [
            metric
            for metric in (given if isinstance(given, list) else [given])
            if metric.get('output_dir') or not metric.get('format_only')
        ]


def report_into(cfg: Config, directory: str) -> None:
    """Let a hook write a report of the test into a directory.

    Raises:
        ValueError: If the config is of translation.
    """
    if is_translation(cfg):
        raise ValueError('--report: expected a segmentation config, got one of translation')
    use_hook(cfg, 'SegmentationReportHook', directory)


def use_tta(cfg: Config) -> None:
    """Wrap the model for test-time augmentation.

    Raises:
        ValueError: If the config lacks the settings for it, or its task has no such augmentation.
    """
    if is_translation(cfg):
        raise ValueError('--tta: expected a segmentation config, got one of translation')
    missing = [key for key in ('tta_pipeline', 'tta_model') if cfg.get(key) is None]
    if missing:
        raise ValueError(f'--tta: expected {" and ".join(missing)} in the config')
    # mmseg's configs name SegTTAModel. It would merge the ensemble alone, apply the sigmoid of
    # binary heads twice, and replace the data preprocessor of the model.
    if cfg.tta_model.type in ('SegTTAModel', 'mmseg.SegTTAModel'):
        cfg.tta_model.type = 'MultimodalTTAModel'
    if str(cfg.test_dataloader.dataset.get('type')).endswith('MultiImageMixDataset'):
        raise ValueError('--tta: expected a test data set that mixes no images, got one that does')
    for dataset in inner_configs(cfg.test_dataloader.dataset):
        dataset.pipeline = cfg.tta_pipeline
    cfg.tta_model.module = cfg.model
    cfg.model = cfg.tta_model


def with_options(cfg: Config, args: argparse.Namespace, tta: bool, folder: str = '') -> Config:
    """Copy the config for a test with or without augmentation, with a folder for its files."""
    cfg = copy.deepcopy(cfg)
    cfg.work_dir = str(Path(cfg.work_dir, folder))
    check = dict(
        type='CheckedWeightsHook',
        partial=args.partial,
        allow_different_config=args.allow_different_config,
    )
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), check]
    if args.show_dir is not None:
        draw_into(cfg, str(Path(args.show_dir, folder)))
    if args.report is not None:
        report_into(cfg, str(Path(args.report, folder)))
    if tta:
        use_tta(cfg)
    if args.out is not None:
        save_into(cfg, str(Path(args.out, folder)))
    return cfg


def run_test(cfg: Config) -> None:
    """Run one test."""
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    runner.test()
    runner.logger.info(f'The results are in {runner.log_dir}')


def evaluate(args: argparse.Namespace) -> None:
    """Run the test or tests, given the arguments of `tools/test.py`."""
    check_is_file(args.checkpoint)
    for folder in (args.out, args.show_dir, args.report):
        if folder is not None:
            make_out_folder(folder)  # fails before an hour of testing
    cfg = read_config(args)
    cfg.update(load_from=args.checkpoint, resume=False)
    if args.tta != 'both':
        run_test(with_options(cfg, args, tta=args.tta == 'only'))
        return
    plain = with_options(cfg, args, tta=False)
    augmented = with_options(cfg, args, tta=True, folder='tta')  # fails before an hour of testing
    augmented.experiment_name = 'tta'  # mmengine also keeps loggers by name
    run_test(plain)
    run_test(augmented)
