from pathlib import Path

import pytest
from mmengine.config import Config

from mmamf.engine.concise_runner import ConciseRunner


@pytest.fixture
def config(tmp_path, rgbd_dataset_cfg, rgbd_preprocessor_cfg):
    """Config of a small segmentor with the hooks of our trainings."""
    cfg = Config.fromfile(
        Path(__file__).resolve().parents[2] / 'configs' / '_base_' / 'default_runtime.py'
    )
    norm = dict(type='ModalitySpecificBN', num_modalities=2)
    cfg.model = dict(
        type='MultimodalSegmentor',
        data_preprocessor=rgbd_preprocessor_cfg,
        backbone=dict(
            type='SharedMultimodalResNet',
            depth=18,
            num_modalities=2,
            base_channels=8,
            stem_channels=8,
            norm_cfg=norm,
        ),
        decode_head=dict(
            type='ModalityEnsembleHead',
            num_modalities=2,
            head=dict(type='FCNHead', in_channels=64, channels=8, num_classes=5),
        ),
    )
    # mmengine keeps loggers by name
    cfg.update(work_dir=str(tmp_path / 'work'), experiment_name=tmp_path.name)
    return cfg


def test_console_has_what_a_person_reads_and_the_file_has_all(config, capsys, recwarn):
    runner = ConciseRunner.from_cfg(config)
    runner.logger.info('Iter(train) [1/2]  loss: 3')
    (log,) = Path(config.work_dir).glob('*/*.log')
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) <= 3 and 'loss: 3' in shown
    assert f'environment, config and hooks: {log}' in shown and 'GPU number: 1, seed: 0' in shown
    texts = ('System environment:', 'custom_imports', 'ExactResumeHook', 'loss: 3')
    assert all(text in log.read_text() for text in texts)
    assert not [w for w in recwarn if 'build_loss' in str(w.message) or 'draw' in str(w.message)]
