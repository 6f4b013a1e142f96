from types import SimpleNamespace

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.model import BaseModel
from torch import nn

from mmamf.engine.hooks import FiniteTrainingHook

HOOK = [dict(type='FiniteTrainingHook')]


class Diverging(BaseModel):
    """A model whose loss or weight or running mean becomes ``value`` in the 4th iteration."""

    def __init__(self, what, value):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.register_buffer('running_mean', torch.zeros(1))
        self.register_buffer('mask', torch.tensor([0.0, -torch.inf]))
        self.what, self.value, self.count = what, value, 0

    def forward(self, inputs, mode='tensor'):
        return [float(self.weight)]

    def train_step(self, data, optim_wrapper):
        self.count += 1
        losses = dict(loss=self.weight.sum(), loss_part=self.weight.sum() / 2, acc=torch.nan)
        if self.count == 4:
            if self.what == 'loss':
                losses['loss_part'] = losses['loss'] = self.weight.sum() * self.value
            elif self.what in ('weight', 'running_mean'):
                getattr(self, self.what).data.fill_(self.value)
        return losses

    def val_step(self, data):
        return self.forward(data)


def iterations(folder) -> set[str]:
    return {path.name for path in folder.glob('*.pth')}


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
@pytest.mark.parametrize(
    ('what', 'text'),
    [
        (
            'loss',
            'diverged at iteration 4: expected finite losses, got loss .*, loss_part (nan|inf)',
        ),
        ('weight', 'diverged by iteration 4: expected finite weights, .* in weight. .*not saved'),
        ('running_mean', 'diverged by iteration 4: .* in running_mean'),
    ],
)
@pytest.mark.parametrize('by_epoch', [False, True])
def test_the_last_finite_checkpoint_stays(tmp_path, make_runner, what, value, text, by_epoch):
    if by_epoch:  # 3 iterations each: the 4th is in the second one
        text = text.replace('by iteration 4', 'by iteration 6')
        if what == 'weight':  # seen in the next loss
            text = 'diverged at iteration 5: expected finite losses'
        options = dict(by_epoch=True, interval=1, max_keep_ckpts=1)
    else:
        options = dict(interval=1, max_keep_ckpts=1)
    runner = make_runner(
        tmp_path,
        model=Diverging(what, value),
        custom_hooks=HOOK,
        checkpoint=options,
        **(dict(train_cfg=dict(by_epoch=True, max_epochs=3)) if by_epoch else {}),
    )
    with pytest.raises(ValueError, match=text):
        runner.train()
    name = 'epoch_1.pth' if by_epoch else 'iter_3.pth'
    assert iterations(tmp_path) == {name}
    assert (tmp_path / 'last_checkpoint').read_text() == name
    assert all(v.isfinite().all() for k, v in _state(tmp_path / name).items() if k != 'mask')


def _state(path):
    return torch.load(path)['state_dict']


def test_the_best_checkpoint_is_looked_at_too(tmp_path, make_runner):
    evaluator = Evaluator([])
    evaluator.process = lambda *args, **kwargs: None
    scores = iter((1, 2, 3))
    evaluator.evaluate = lambda size: dict(mIoU=next(scores))
    runner = make_runner(
        tmp_path,
        model=Diverging('weight', float('nan')),
        custom_hooks=HOOK,
        evaluator=evaluator,
        checkpoint=dict(interval=100, save_best='mIoU'),
    )
    with pytest.raises(ValueError, match='diverged by iteration 4'):
        runner.train()
    assert iterations(tmp_path) == {'best_mIoU_iter_2.pth'}


def test_averaged_weights_are_looked_at(tmp_path, make_runner):
    model = Diverging('weight', float('nan'))
    hooks = [dict(type='EMAHook', momentum=0.5), *HOOK]
    runner = make_runner(tmp_path, model=model, custom_hooks=hooks, checkpoint=dict(interval=4))
    with pytest.raises(ValueError, match='diverged by iteration 4: .* in weight, module.weight'):
        runner.train()


def test_weights_to_start_from_are_looked_at(tmp_path, make_runner):
    torch.save(dict(state_dict=dict(weight=torch.tensor([torch.nan]))), tmp_path / 'nan.pth')
    options = dict(model=Diverging('nothing', 0), load_from=str(tmp_path / 'nan.pth'))
    runner = make_runner(tmp_path / 'a', custom_hooks=HOOK, **options)
    with pytest.raises(ValueError, match='not finite: weight.*another checkpoint than .*nan.pth'):
        runner.train()
    # a mask may hold minus infinity
    make_runner(tmp_path / 'b', model=Diverging('nothing', 0), custom_hooks=HOOK).train()


def test_a_step_that_loss_scaling_skips_is_no_divergence():
    hook = FiniteTrainingHook()
    scaled = SimpleNamespace(loss_scaler=None)
    runner = SimpleNamespace(
        message_hub=SimpleNamespace(log_scalars={}), optim_wrapper=scaled, iter=7, work_dir='there'
    )
    for _ in range(3):  # a finite loss in between starts the count anew
        for _ in range(19):
            hook.after_train_iter(runner, 0, None, dict(loss=torch.tensor(torch.inf)))
        hook.after_train_iter(runner, 0, None, dict(loss=torch.tensor(1.0)))
    for _ in range(19):
        hook.after_train_iter(runner, 0, None, dict(loss=torch.tensor(torch.nan)))
    with pytest.raises(ValueError, match='diverged at iteration 8'):
        hook.after_train_iter(runner, 0, None, dict(loss=torch.tensor(torch.nan)))


def test_logged_losses_are_read_not_those_on_the_device(tmp_path, make_runner):
    """Reading a tensor waits for the GPU; the log has done so before."""

    class OnDevice(dict):
        def __getitem__(self, key):
            raise AssertionError(f'{key} was read again')

    runner = make_runner(tmp_path)
    runner.message_hub.update_scalar('train/loss', 0.5)
    FiniteTrainingHook().after_train_iter(runner, 0, None, OnDevice(loss=1.0))
