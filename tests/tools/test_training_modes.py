"""Mixed precision, gradient accumulation and torch.compile agree with the plain run."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from torch import nn

STEPS = 3


@pytest.fixture
def parts(tiny_config):
    """Model without dropout, with frozen norms, and one batch of four unaugmented samples."""
    cfg = Config.fromfile(tiny_config())
    init_default_scope('mmseg')
    torch.manual_seed(0)
    cfg.model.decode_head.head.dropout_ratio = 0
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    cfg.val_dataloader.batch_size = 4
    batch = next(iter(Runner.build_dataloader(cfg.val_dataloader)))
    for sample in batch['data_samples']:
        label = sample.gt_sem_seg.data
        label[label == 255] = 0  # as many pixels in every sample
    return model, batch


def train(model: nn.Module, batches: list[dict], **options) -> tuple[list[float], torch.Tensor]:
    """Train a copy of the model and return the losses and the change of all parameters."""
    model = copy.deepcopy(model)
    before = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    wrapper = build_optim_wrapper(
        model, dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05)) | options
    )
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
    torch.testing.assert_close(change, expected, rtol=1e-4, atol=1e-6)


def test_compile_agrees_with_eager(tmp_path, tiny_config, run_tool):
    # aot_eager: the whole step is traced and differentiated, without minutes of C++ compilation
    settings = dict(eager=False, compiled=dict(backend='aot_eager'))
    states = []
    for name, setting in settings.items():
        options = {'train_cfg.max_iters': STEPS, 'compile': setting}
        # rounding must not grow: no Adam, and more than a few pixels for the last norms
        options['optim_wrapper.optimizer'] = dict(type='SGD', lr=0.05)
        options['model.backbone.strides'] = (1, 2, 1, 1)
        config = tiny_config(**options)
        work_dir = tmp_path / name
        assert run_tool('train.py', config, '--work-dir', str(work_dir)) == 0
        states.append(torch.load(work_dir / f'iter_{STEPS}.pth')['state_dict'])
    eager, compiled = states
    assert eager.keys() == compiled.keys()
    for key, value in eager.items():
        torch.testing.assert_close(compiled[key], value, rtol=1e-4, atol=1e-5, msg=key)
