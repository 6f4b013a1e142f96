"""Tests a checkpoint: prints the table of results and writes them as JSON into the work dir."""

import argparse
import copy
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import RUNNERS

from mmamf.apis.prediction_files import make_out_folder
from mmamf.configuration import select_modalities
from mmamf.datasets.file_formats import inner_configs
from mmamf.engine.concise_runner import ConciseRunner as Runner
from mmamf.weights.read_checkpoint import check_is_file

PICTURES = ('vis_data', 'vis_image')  # where mmengine's visualizers save


def is_translation(cfg: Config) -> bool:
    """Whether the config is of mmagic, not of mmseg."""
    return cfg.get('default_scope') == 'mmagic'


def use_hook(cfg: Config, kind: str, directory: str) -> None:
    """Let a hook, which the config may have already, write into a directory."""
    hooks = list(cfg.get('custom_hooks') or [])
    if all(hook['type'] != kind for hook in hooks):
        hooks.append(dict(type=kind))
    for hook in hooks:
        if hook['type'] == kind:
            hook['out_dir'] = directory
    cfg.custom_hooks = hooks


def draw_into(cfg: Config, directory: str) -> None:
    """Let hooks paint every prediction, and a sheet of some of them, into a directory.

    Of a translation, the sheet is drawn.

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
    if hook['type'] == 'SegVisualizationHook':  # ours names the pictures after their samples
        hook.update(type='PaintedPredictionsHook', out_dir=str(Path(directory, *PICTURES)))
    # mmengine keeps visualizers by name, with the folder of the first
    cfg.visualizer.update(name=directory, save_dir=directory)
    use_hook(cfg, 'PredictionSheetHook', directory)


def are_pictures(dataset: dict) -> bool:
    """Tell whether mmseg's hook can read the modality that it paints over.

    It takes the first, or of a sample that lacks that, any other.

    Args:
        dataset: Config of a data set, or of several in one.
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
    """Let a hook save every predicted label map, or picture, into a directory."""
    if is_translation(cfg):
        use_hook(cfg, 'TranslatedPicturesHook', directory)
        return
    use_hook(cfg, 'PredictedMasksHook', directory)
    # a metric that only saves has nothing to do beside the hook, and nowhere to save
    if isinstance(cfg.test_evaluator, list) or 'metrics' not in cfg.test_evaluator:
        given = cfg.test_evaluator
        cfg.test_evaluator = [
            metric
            for metric in (given if isinstance(given, list) else [given])
            if metric.get('output_dir') or not metric.get('format_only')
        ]


def use_tta(cfg: Config) -> None:
    """Wrap the model for test-time augmentation.

    Raises:
        ValueError: If the config does not say how, or there is none for its task.
    """
    if is_translation(cfg):
        raise ValueError('--tta: expected a segmentation config, got one of translation')
    missing = [key for key in ('tta_pipeline', 'tta_model') if cfg.get(key) is None]
    if missing:
        raise ValueError(f'--tta: expected {" and ".join(missing)} in the config')
    # SegTTAModel, which mmseg's configs name, would merge the ensemble alone, take the sigmoid of
    # binary heads twice, and exchange the data preprocessor of the model
    if cfg.tta_model.type in ('SegTTAModel', 'mmseg.SegTTAModel'):
        cfg.tta_model.type = 'MultimodalTTAModel'
    if str(cfg.test_dataloader.dataset.get('type')).endswith('MultiImageMixDataset'):
        raise ValueError('--tta: expected a test data set that mixes no images, got one that does')
    for dataset in inner_configs(cfg.test_dataloader.dataset):
        dataset.pipeline = cfg.tta_pipeline
    cfg.tta_model.module = cfg.model
    cfg.model = cfg.tta_model


def with_options(cfg: Config, args: argparse.Namespace, tta: bool, folder: str = '') -> Config:
    """Copy the config for a test with or without augmentation, whose files go into a folder."""
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
    """Test.

    Args:
        args: What `tools/test.py` has read.
    """
    check_is_file(args.checkpoint)
    for folder in (args.out, args.show_dir):
        if folder is not None:
            make_out_folder(folder)  # complains before an hour's test
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    cfg.merge_from_dict(args.cfg_options)
    names = args.modalities or []
    if args.modalities is not None:
        select_modalities(cfg, names)
    # command line, then config, then name of the config
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', '_'.join([Path(args.config).stem, *names])))
    cfg.load_from = args.checkpoint
    cfg.resume = False
    if args.tta != 'both':
        run_test(with_options(cfg, args, tta=args.tta == 'only'))
        return
    plain = with_options(cfg, args, tta=False)
    augmented = with_options(cfg, args, tta=True, folder='tta')  # complains before an hour's test
    augmented.experiment_name = 'tta'  # mmengine keeps loggers by name, too
    run_test(plain)
    run_test(augmented)
