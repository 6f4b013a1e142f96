import pytest
import torch
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

CFG = dict(type='StagedLR', stage_lrs=[3e-3, 1.5e-3, 7e-4], milestones=[2, 5])
OWN = [5e-4, 2.5e-4, 1e-4]


def make_wrapper(own=OWN):
    model = nn.ModuleDict(dict(backbone=nn.Linear(2, 2), decode_head=nn.Linear(2, 2)))
    return build_optim_wrapper(
        model,
        dict(
            optimizer=dict(type='SGD', lr=1.0, momentum=0.9),
            paramwise_cfg=dict(custom_keys=dict(backbone=dict(stage_lrs=own, lr_mult=7.0))),
        ),
    )


def make_scheduler(wrapper, **kwargs):
    return PARAM_SCHEDULERS.build({**CFG, **kwargs}, default_args=dict(optimizer=wrapper))


def epoch(wrapper, scheduler):
    """The learning rates of an epoch: weight and bias of both parts, and the one that is logged."""
    rates = [group['lr'] for group in wrapper.param_groups]
    assert wrapper.get_lr()['base_lr'] == [rates[-1]]
    wrapper.step()
    scheduler.step()
    return rates


def expected(number):
    stage = (number >= 2) + (number >= 5)
    return [OWN[stage]] * 2 + [CFG['stage_lrs'][stage]] * 3


def test_each_group_follows_its_own_stages():
    wrapper = make_wrapper()
    scheduler = make_scheduler(wrapper)
    assert [epoch(wrapper, scheduler) for _ in range(8)] == [expected(n) for n in range(8)]


@pytest.mark.parametrize('done', [0, 1, 2, 4, 5, 6])
def test_continues_from_a_state(done, tmp_path):
    wrapper = make_wrapper()
    scheduler = make_scheduler(wrapper)
    for _ in range(done):
        epoch(wrapper, scheduler)
    torch.save([wrapper.state_dict(), scheduler.state_dict()], tmp_path / 'state.pth')
    states = torch.load(tmp_path / 'state.pth', weights_only=True)

    wrapper = make_wrapper()
    scheduler = make_scheduler(wrapper)
    wrapper.load_state_dict(states[0])
    scheduler.load_state_dict(states[1])
    rest = [epoch(wrapper, scheduler) for _ in range(done, 8)]
    assert rest == [expected(n) for n in range(done, 8)]


def test_counts_from_its_beginning():
    wrapper = make_wrapper()
    scheduler = make_scheduler(wrapper, begin=3, by_epoch=False)
    rates = [epoch(wrapper, scheduler)[-1] for _ in range(9)]
    assert rates == [1.0] * 3 + [3e-3] * 2 + [1.5e-3] * 3 + [7e-4]


def test_single_group_and_bare_optimizer():
    """With one group the wrapper has no base rate; a bare optimizer never has."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    for target in (optimizer, OptimWrapper(optimizer)):
        make_scheduler(target, stage_lrs=[0.5], milestones=[])
        assert optimizer.param_groups[0]['lr'] == 0.5


@pytest.mark.parametrize('milestones', [[5, 2], [2, 2], [0, 5]])
def test_milestones_must_increase(milestones):
    with pytest.raises(ValueError, match=r'milestones 0 < a < b < ..., got \['):
        make_scheduler(make_wrapper(), milestones=milestones)


@pytest.mark.parametrize('own', [OWN, OWN[:2]])
def test_one_rate_for_every_stage(own):
    rates = [1.0, 2.0] if own is OWN else CFG['stage_lrs']
    with pytest.raises(ValueError, match=r'expected 3 learning rates .*\[2, 5\], got \[.*, .*\]'):
        make_scheduler(make_wrapper(own), stage_lrs=rates)
