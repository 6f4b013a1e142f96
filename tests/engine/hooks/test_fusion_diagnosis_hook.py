from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import nn

from mmamf.engine.hooks import FusionDiagnosisHook
from mmamf.models import ModalitySpecificBN
from mmamf.visualization import read_fusion_diagnosis

FUSION = dict(type='ChannelShufflePixelShiftFusion')
NORM = dict(type='ModalitySpecificBN', num_modalities=2)


@HOOKS.register_module(force=True)
class InterruptingHook(Hook):
    """Ends a training in its middle."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == 7:
            raise KeyboardInterrupt


@pytest.fixture
def make_runner(tmp_path, rgbd_dataset_cfg, rgbd_preprocessor_cfg):
    """Maker of a tiny training with dropout: 10 iterations, validations after 4, 8 and 10."""

    def make(name: str, *hooks: dict, exact: bool = True, resume: bool = False) -> Runner:
        root = tmp_path / 'rgbd'
        loader = dict(batch_size=2, num_workers=0)
        head = dict(
            type='FCNHead',
            in_channels=64,
            in_index=3,
            channels=8,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0.5,
            num_classes=5,
            norm_cfg=NORM,
        )
        backbone = dict(
            type='SharedMultimodalResNet',
            depth=18,
            num_modalities=2,
            base_channels=8,
            stem_channels=8,
            fusion=FUSION,
        )
        cfg = Config(
            dict(
                default_scope='mmseg',
                model=dict(
                    type='MultimodalSegmentor',
                    data_preprocessor=rgbd_preprocessor_cfg,
                    backbone=backbone,
                    decode_head=dict(type='ModalityEnsembleHead', num_modalities=2, head=head),
                    train_cfg=dict(),
                    test_cfg=dict(mode='whole'),
                ),
                train_dataloader=dict(
                    **loader,
                    sampler=dict(type='InfiniteSampler', shuffle=True),
                    dataset=rgbd_dataset_cfg([dict(type='RandomFlip', prob=0.5)], root=root),
                ),
                val_dataloader=dict(
                    **loader,
                    sampler=dict(type='DefaultSampler', shuffle=False),
                    dataset=rgbd_dataset_cfg(root=root, test_mode=True),
                ),
                val_evaluator=dict(type='MultimodalIoUMetric'),
                val_cfg=dict(type='ValLoop'),
                train_cfg=dict(type='IterBasedTrainLoop', max_iters=10, val_interval=4),
                optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
                default_hooks=dict(
                    logger=dict(type='LoggerHook', interval=2, log_metric_by_epoch=False),
                    checkpoint=dict(type='AtomicCheckpointHook', by_epoch=False, interval=3),
                ),
                custom_hooks=[dict(type='ExactResumeHook')] * exact + list(hooks),
                log_processor=dict(by_epoch=False),
                log_level='ERROR',
                randomness=dict(seed=1),
                work_dir=str(tmp_path / name),
                resume=resume,
                experiment_name=f'{tmp_path.name}_{name}_{resume}',
            )
        )
        return Runner.from_cfg(cfg)

    return make


def test_training_is_the_same_without_it(make_runner):
    states = []
    for name, hooks in (('with', [dict(type='FusionDiagnosisHook', interval=3)]), ('without', [])):
        runner = make_runner(name, *hooks, exact=False)
        runner.train()
        states.append((runner.model.state_dict(), torch.rand(3)))
    torch.testing.assert_close(*states, rtol=0, atol=0)


def test_resumed_diagnosis_is_that_of_an_uninterrupted_run(make_runner, tmp_path):
    hook = dict(type='FusionDiagnosisHook', interval=2)
    make_runner('whole', hook).train()
    whole = read_fusion_diagnosis(tmp_path / 'whole')
    assert list(whole['alpha']) == ['rgb', 'depth']
    assert [step for step, _ in whole['alpha']['rgb']] == [0, 2, 4, 6, 8, 10]
    weights = [[value for _, value in curve] for curve in whole['alpha'].values()]
    assert weights[0][0] == 0.5 != weights[0][-1]
    assert [sum(pair) for pair in zip(*weights)] == pytest.approx([1] * 6)
    assert list(whole['divergence'])[:2] == ['backbone.bn1', 'backbone.layer1.0.bn1']
    assert list(whole['divergence'])[-1] == 'decode_head.head.convs.0.bn'
    first, *_, last = whole['divergence']['backbone.bn1']
    assert first == (0, 0) and last[1] > 0
    points = [f'backbone.layer{i}.1.fusion/{side}' for i in '1234' for side in ('enter', 'leave')]
    assert list(whole['share']) == points
    for curve in whole['share'].values():
        assert [step for step, _ in curve] == [4, 8, 10]
        assert all(0 < share < 1 for _, share in curve)
    assert list(whole['agreement'])[0] == 'backbone.conv1'
    for curve in whole['agreement'].values():
        assert [step for step, _ in curve] == [2, 4, 6, 8, 10]
        assert all(-1 <= value <= 1 for _, value in curve)
    assert (tmp_path / 'whole' / 'fusion_diagnosis.png').stat().st_size > 10_000

    with pytest.raises(KeyboardInterrupt):
        make_runner('parts', hook, dict(type='InterruptingHook')).train()
    assert not (tmp_path / 'parts' / 'fusion_diagnosis.png').exists()
    # mmengine names the folder of a run by the second: the next run must not write into this one
    (scalars,) = (tmp_path / 'parts').glob('*/vis_data')
    scalars.parent.rename(tmp_path / 'parts' / '20000101_000000')
    make_runner('parts', hook, resume=True).train()
    assert read_fusion_diagnosis(tmp_path / 'parts') == whole
    assert (tmp_path / 'parts' / 'fusion_diagnosis.png').exists()


class Scalars:
    """A visualizer that keeps the scalars."""

    def __init__(self):
        self.kept = {}

    def add_scalars(self, scalars, step):
        self.kept[step] = scalars


def stub_runner(model: nn.Module, iteration: int = 0) -> SimpleNamespace:
    return SimpleNamespace(
        model=model,
        iter=iteration,
        max_iters=100,
        visualizer=Scalars(),
        logger=MMLogger.get_current_instance(),
    )


def diagnose(model: nn.Module, inputs: torch.Tensor, names: tuple[str, ...] | None) -> dict:
    """Let the hook see the first iteration and a validation of two batches."""
    metainfo = {} if names is None else dict(modalities=names)
    batch = dict(data_samples=[BaseDataElement(metainfo=metainfo)])
    hook, runner = FusionDiagnosisHook(), stub_runner(model)
    hook.before_train_iter(runner, 0, batch)
    start = runner.visualizer.kept.pop(0, {})
    for i in range(2):
        hook.before_val_iter(runner, i)
        with torch.no_grad():
            model.eval()(inputs)
        hook.after_val_iter(runner, i)
    hook.before_train_iter(stub_runner(model, 1), 1, batch)
    return start | runner.visualizer.kept.get(0, {})


@pytest.mark.parametrize('names', [('normal', 'depth'), None])
def test_translator(names):
    generator = dict(
        type='SharedMultimodalUnetGenerator',
        num_modalities=2,
        base_channels=5,
        image_size=32,
        fusion=FUSION,
        fusion_levels=(1,),
    )
    model = MODELS.build(
        dict(
            type='MultimodalPix2Pix',
            data_preprocessor=dict(type='MultimodalTranslationDataPreprocessor'),
            generator=generator,
            discriminator=dict(
                type='MultimodalPatchDiscriminator', num_modalities=2, base_channels=4
            ),
        )
    )
    model.init_weights()  # random scales
    found = diagnose(model, torch.randn(1, 6, 32, 32), names)
    expected = [f'fusion/alpha/{name}' for name in names or ('modality0', 'modality1')]
    layers = [f'encoder.{i}.in' for i in (1, 2, 3)] + [f'decoder.{i}.in' for i in range(4)]
    expected += [f'fusion/divergence/generator.{layer}' for layer in layers]
    expected += [f'fusion/share/generator.fusions.1/{side}' for side in ('enter', 'leave')]
    assert list(found) == [*expected[:9], 'iter', *expected[9:]]
    assert found['iter'] == 0
    assert all(found[key] > 0 for key in expected)


@pytest.mark.parametrize(
    ('scales', 'expected'),
    [
        ([[1, 2], [1, 2]], 0),
        ([[0, 0], [0, 0]], 0),
        ([[1, -1], [-1, 1]], 2),
        # pairs differ by 2, 4 and 2 on average; the scales are 3 on average
        ([[1, 1], [3, 3], [5, 5]], (2 + 4 + 2) / 3 / 3),
    ],
)
def test_divergence_by_hand(scales, expected):
    norm = ModalitySpecificBN(2, num_modalities=len(scales))
    nn.init.constant_(norm.weight, 0)
    norm.weight.data += torch.tensor(scales).flatten()
    model = nn.ModuleDict(dict(private=norm, plain=nn.BatchNorm2d(2)))
    model['bare'] = ModalitySpecificBN(2, num_modalities=2, affine=False)
    runner = stub_runner(model)
    FusionDiagnosisHook().before_train_iter(runner, 0)
    assert list(runner.visualizer.kept[0]) == ['fusion/divergence/private', 'iter']
    assert runner.visualizer.kept[0]['fusion/divergence/private'] == pytest.approx(expected)


def test_one_modality_has_nothing_to_compare(tmp_path):
    model = nn.Sequential(ModalitySpecificBN(2, num_modalities=1))
    assert diagnose(model, torch.zeros(1, 2, 3, 3), None) == {}


def test_work_dir_without_scalars_gets_no_figure(tmp_path):
    said = []
    runner = stub_runner(nn.Identity())
    runner.work_dir, runner.logger = str(tmp_path), SimpleNamespace(warning=said.append)
    FusionDiagnosisHook().after_train(runner)
    assert said[0].startswith('No fusion_diagnosis.png:') and 'expected the scalars' in said[0]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('interval', [0, -5])
def test_interval_must_be_positive(interval):
    with pytest.raises(ValueError, match=f'interval: expected at least 1, got {interval}'):
        FusionDiagnosisHook(interval)
