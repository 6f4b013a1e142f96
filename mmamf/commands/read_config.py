import argparse
from pathlib import Path

from mmengine.config import Config

from mmamf.configuration import select_modalities


def read_config(args: argparse.Namespace) -> Config:
    """Read the config of a training or a test, and apply the options that both have.

    ``--work-dir`` comes before the work dir in the config. Without both, the config's name is used.

    Args:
        args: The parsed command line of `tools/train.py` or `tools/test.py`.

    Raises:
        FileNotFoundError: If the config does not exist.
        ValueError: If the config does not have the modalities.
    """
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    cfg.merge_from_dict(args.cfg_options)
    names = args.modalities or []
    if args.modalities is not None:
        select_modalities(cfg, names)
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', '_'.join([Path(args.config).stem, *names])))
    return cfg
