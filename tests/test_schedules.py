"""The schedules of the benchmark configs, on the paper's network."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmseg.registry import MODELS

BASE = Path(__file__).parents[1] / 'configs' / '_base_'
ENCODER, DECODER = (5e-4, 2.5e-4, 1e-4), (3e-3, 1.5e-3, 7e-4)


@pytest.fixture(scope='module')
def model():
    """The paper's network, without values."""
    cfg = Config.fromfile(BASE / 'models/amf_r50_refinenet.py')
    described = Config.fromfile(BASE / 'modalities/nyudv2.py')
    cfg.model.data_preprocessor.modalities = [described.rgb, described.depth]
    with torch.device('meta'):
        return MODELS.build(cfg.model)


def build(model, name):
    """Config, optimizer wrapper, schedulers, and the parameters' names in the groups' order."""
    cfg = Config.fromfile(BASE / 'schedules' / f'{name}.py')
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    schedulers = cfg.param_scheduler
    schedulers = [
        PARAM_SCHEDULERS.build(scheduler, default_args=dict(optimizer=wrapper))
        for scheduler in (schedulers if isinstance(schedulers, list) else [schedulers])
    ]
    names = {id(parameter): key for key, parameter in model.named_parameters()}
    order = [names[id(p)] for group in wrapper.optimizer.param_groups for p in group['params']]
    assert sorted(order) == sorted(names.values())
    return cfg, wrapper, schedulers, order


def advance(wrapper, schedulers):
    """One epoch, or iteration, without training."""
    wrapper.optimizer.step()
    for scheduler in schedulers:
        scheduler.step()


@pytest.mark.parametrize('resumed_after', [None, 0, 1, 99, 100, 137, 200, 299])
@pytest.mark.parametrize('stage', [100, 150])
def test_learning_rates_are_the_papers(model, stage, resumed_after):
    cfg, wrapper, schedulers, order = build(model, f'sgd_3x{stage}e')
    assert cfg.train_cfg.max_epochs == 3 * stage
    assert 'decode_head.alpha' in order
    for epoch in range(3 * stage):
        for name, group in zip(order, wrapper.optimizer.param_groups, strict=True):
            rates = ENCODER if name.startswith('backbone.') else DECODER
            assert group['lr'] == rates[epoch // stage], (epoch, name)
        assert wrapper.get_lr()['base_lr'] == [DECODER[epoch // stage]]
        if epoch == resumed_after:
            states = wrapper.state_dict(), [scheduler.state_dict() for scheduler in schedulers]
            _, wrapper, schedulers, _ = build(model, f'sgd_3x{stage}e')
            wrapper.load_state_dict(states[0])
            for scheduler, state in zip(schedulers, states[1], strict=True):
                scheduler.load_state_dict(state)
        advance(wrapper, schedulers)


def test_the_papers_sgd_exempts_nothing_from_weight_decay(model):
    _, wrapper, _, _ = build(model, 'sgd_3x100e')
    assert type(wrapper.optimizer) is torch.optim.SGD
    for group in wrapper.optimizer.param_groups:
        assert (group['momentum'], group['weight_decay']) == (0.9, 1e-5)
        assert not group['nesterov'] and group['dampening'] == 0


def test_norms_keep_their_statistics_and_learn_their_affine_parameters(model):
    norms = {
        name: module
        for name, module in model.train().backbone.named_modules()
        if isinstance(module, torch.nn.BatchNorm2d)
    }
    assert len(norms) == 53  # ResNet-50's, each for all modalities
    assert not any(norm.training for norm in norms.values())
    assert all(p.requires_grad for norm in norms.values() for p in norm.parameters())


def test_adamw_spares_vectors_and_hurries_the_head(model):
    _, wrapper, _, order = build(model, 'adamw_40k')
    assert type(wrapper.optimizer) is torch.optim.AdamW
    for name, group in zip(order, wrapper.optimizer.param_groups, strict=True):
        factor = 10 if name.startswith('decode_head.') else 1
        assert group['initial_lr'] == pytest.approx(factor * 6e-5), name
        decay = 0 if group['params'][0].ndim == 1 else 0.01
        assert group['weight_decay'] == decay, name


def test_adamw_warms_up_and_decays():
    cfg, wrapper, schedulers, _ = build(torch.nn.Linear(1, 1), 'adamw_40k')
    rates = []
    for _ in range(cfg.train_cfg.max_iters):
        rates.append(wrapper.optimizer.param_groups[0]['lr'])
        advance(wrapper, schedulers)
    assert rates[0] == pytest.approx(6e-11)
    assert max(rates) == pytest.approx(6e-5) and rates.index(max(rates)) in (1499, 1500)
    assert rates[20750] == pytest.approx(6e-5 * 0.5**0.9, rel=1e-3)
    assert rates[-1] < 6e-5 * 1e-3
