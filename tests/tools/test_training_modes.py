"""Mixed precision, accumulation and torch.compile agree with the plain run of the demo's model."""

import copy
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from torch import nn

DEMO = Path('configs', 'amf', 'amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py')
SIZE = (64, 64)
STEPS = 3
# rounding must not grow, as Adam would let it
SGD = dict(type='SGD', lr=0.01)


@pytest.fixture
def demo_config(rgbd_dataset_cfg):
    """The demo's config with generated data in small maps, and without dropout."""
    cfg = Config.fromfile(Path(__file__).resolve().parents[2] / DEMO)
    cfg.model.data_preprocessor.size = SIZE
    cfg.model.decode_head.head.dropout_ratio = 0
    classes = cfg.model.decode_head.head.num_classes
    cfg.train_dataloader.dataset = rgbd_dataset_cfg(count=8, size=SIZE, classes=classes)
    cfg.train_dataloader.update(batch_size=4, num_workers=0, persistent_workers=False)
    cfg.optim_wrapper.optimizer = SGD
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.test_dataloader = cfg.test_cfg = cfg.test_evaluator = None
    return cfg


@pytest.fixture
def parts(demo_config):
    """Model with frozen norms, and one batch of four samples."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(demo_config.model)
    model.init_weights()
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    batch = next(iter(Runner.build_dataloader(demo_config.train_dataloader, seed=0)))
    for sample in batch['data_samples']:
        label = sample.gt_sem_seg.data
        label[label == 255] = 0  # as many pixels in every sample
    return model, batch


def train(model: nn.Module, batches: list[dict], **options) -> tuple[list[float], torch.Tensor]:
    """Train a copy of the model and return the losses and the change of all parameters."""
    model = copy.deepcopy(model)
    before = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    wrapper = build_optim_wrapper(model, dict(type='OptimWrapper', optimizer=SGD) | options)
    losses = [
        model.train_step(copy.deepcopy(batch), wrapper)['loss'].item()
        for _ in range(STEPS)
        for batch in batches
    ]
    change = nn.utils.parameters_to_vector(model.parameters()).detach() - before
    assert change.dtype == torch.float32
    return losses, change


def test_bfloat16_agrees_with_float32(parts):
    model, batch = parts
    losses, change = train(model, [batch])
    losses_16, change_16 = train(model, [batch], type='Bfloat16OptimWrapper')
    assert losses_16 != losses  # it was used
    assert losses_16 == pytest.approx(losses, rel=2e-2)
    assert torch.cosine_similarity(change_16, change, dim=0) > 0.98


def test_accumulation_agrees_with_the_joint_batch(parts):
    model, batch = parts
    _, expected = train(model, [batch])
    halves = [
        {key: value[part] for key, value in batch.items()} for part in (slice(2), slice(2, 4))
    ]
    _, change = train(model, halves, accumulative_counts=2)
    print((change - expected).abs().max(), expected.abs().max())
    torch.testing.assert_close(change, expected, rtol=1e-4, atol=1e-6)


def assert_compiles(net: nn.Module, inputs: torch.Tensor, **options) -> None:
    """Compare outputs and gradients of a network and of its compiled self, which is one graph."""
    outputs = [run(inputs) for run in (net, torch.compile(net, fullgraph=True, **options))]
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-4, atol=1e-5)
    wanted = [inputs, *net.parameters()]
    eager, compiled = (
        torch.autograd.grad(output.square().mean(), wanted, allow_unused=True) for output in outputs
    )
    torch.testing.assert_close(compiled, eager, rtol=1e-3, atol=1e-5)


def test_compile_captures_the_model_as_one_graph(parts):
    model, _ = parts
    # at 64 px mmseg's resize would warn, which breaks a graph
    assert_compiles(model, torch.randn(2, 6, 65, 65, requires_grad=True), backend='aot_eager')


@pytest.mark.skipif(not shutil.which('c++'), reason='needs a C++ compiler: apt-get install g++')
def test_inductor_compiles_a_fused_block(parts):
    model, _ = parts
    assert_compiles(model.backbone.layer1[-1], torch.randn(4, 32, 9, 9, requires_grad=True))


def test_compile_agrees_with_eager(tmp_path, demo_config, run_tool):
    # aot_eager: the whole step is traced and differentiated, without minutes of C++ compilation.
    # Two stages have every kind of layer.
    # All four are in test_compile_captures_the_model_as_one_graph.
    first = dict(num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(0, 1))
    demo_config.model.backbone.update(first, fusion_stages=(0, 1))
    levels = dict(widths=(64, 32), in_channels=[32, 64], in_index=[0, 1])
    demo_config.model.decode_head.head.update(levels)
    demo_config.train_cfg.max_iters = STEPS
    settings = dict(eager=False, compiled=dict(backend='aot_eager'))
    states = []
    for name, setting in settings.items():
        demo_config.compile = setting
        config = tmp_path / f'{name}.py'
        # not dump, which sorts every dict, and with it the modalities
        config.write_text('\n'.join(f'{k} = {v!r}' for k, v in demo_config.to_dict().items()))
        work_dir = tmp_path / name
        assert run_tool('train.py', str(config), '--work-dir', str(work_dir)) == 0
        (log,) = work_dir.glob('*/*.log')
        assert ('Model has been "compiled"' in log.read_text()) == bool(setting)
        states.append(torch.load(work_dir / f'iter_{STEPS}.pth')['state_dict'])
    eager, compiled = states
    assert eager.keys() == compiled.keys()
    for key, value in eager.items():
        torch.testing.assert_close(compiled[key], value, rtol=1e-4, atol=1e-5, msg=key)
