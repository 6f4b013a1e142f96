"""The hooks in small runs of mmengine's Runner, without a segmentor."""

import os

import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import BaseLoop
from torch.utils.data import DataLoader

from mmamf.engine.hooks import ExactResumeHook


class OtherLoop(BaseLoop):
    """A loop that the hook does not know."""

    def run(self):
        pass


class Score:
    """An evaluator whose score rises from validation to validation."""

    count = 0

    def process(self, data_samples, data_batch=None):
        pass

    def evaluate(self, size):
        Score.count += 1
        return dict(mIoU=float(Score.count))


def plain(path):
    allowed = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    try:
        return torch.load(path, weights_only=True)
    finally:
        torch.serialization.add_safe_globals(allowed)


def test_checkpoint_needs_no_allow_list(make_runner, tmp_path):
    make_runner(tmp_path).train()
    checkpoint = plain(tmp_path / 'iter_6.pth')
    losses = checkpoint['message_hub']['log_scalars']['train/loss']
    assert len(losses['log_history']) == 6


def test_resumed_hub_has_history_again(make_runner, tmp_path):
    make_runner(tmp_path, stop_at=3).train()
    runner = make_runner(tmp_path, resume=True)
    runner.train()
    history = runner.message_hub.log_scalars['train/loss']
    assert isinstance(history, HistoryBuffer)
    assert len(history.data[0]) == 6


@pytest.mark.parametrize('seed', [None, 3])
def test_resumed_run_equals_straight_run(make_runner, tmp_path, seed):
    # the seed is not in the config: both runs start from the one that the first chose
    keep = dict(max_keep_ckpts=3)
    first = make_runner(tmp_path / 'a', stop_at=3, randomness=dict(seed=seed), checkpoint=keep)
    first.train()
    straight = make_runner(
        tmp_path / 'b', load_from=str(tmp_path / 'a' / 'iter_1.pth'), resume=True
    )
    straight.train()
    resumed = make_runner(tmp_path / 'a', resume=True)
    resumed.train()
    a, b = (plain(tmp_path / name / 'iter_6.pth') for name in 'ab')
    assert a['exact_resume'] == b['exact_resume']
    for key, value in a['state_dict'].items():
        assert torch.equal(value, b['state_dict'][key])


def test_foreign_checkpoint_is_named(make_runner, tmp_path):
    make_runner(tmp_path, stop_at=3, hooks=('atomic',)).train()
    runner = make_runner(tmp_path, resume=True)
    warnings = []
    runner.logger.warning = warnings.append
    runner.train()
    assert any('written without ExactResumeHook' in text for text in warnings)


def test_other_batch_size_is_named(make_runner, tmp_path):
    make_runner(tmp_path, stop_at=3).train()
    path = tmp_path / 'iter_3.pth'
    checkpoint = torch.load(path)
    checkpoint['exact_resume']['batch_size'] = 4
    torch.save(checkpoint, path)
    runner = make_runner(tmp_path, resume=True)
    warnings = []
    runner.logger.warning = warnings.append
    runner.train()
    assert any("'batch_size': 4" in text and "'batch_size': 2" in text for text in warnings)


@pytest.mark.parametrize('fails_at', ['first checkpoint', 'last_checkpoint'])
def test_old_checkpoint_outlives_the_new_one(make_runner, tmp_path, monkeypatch, fails_at):
    make_runner(tmp_path, stop_at=2, checkpoint=dict(max_keep_ckpts=1)).train()
    assert {p.name for p in tmp_path.glob('*.pth')} == {'iter_2.pth'}
    original, calls = os.replace, []

    def fail(source, target):
        calls.append(target)
        if len(calls) == (1 if fails_at == 'first checkpoint' else 2):
            raise KeyboardInterrupt
        original(source, target)

    runner = make_runner(tmp_path, resume=True, checkpoint=dict(max_keep_ckpts=1))
    monkeypatch.setattr(os, 'replace', fail)
    with pytest.raises(KeyboardInterrupt):
        runner.train()
    named = (tmp_path / 'last_checkpoint').read_text()
    assert named.endswith('iter_2.pth')
    assert plain(tmp_path / named)['meta']['iter'] == 2


def test_validation_that_was_interrupted_runs_after_resumption(make_runner, tmp_path):
    class Interrupting(Score):
        def evaluate(self, size):
            raise KeyboardInterrupt

    options = dict(checkpoint=dict(save_best='mIoU'))
    with pytest.raises(KeyboardInterrupt):
        make_runner(tmp_path, evaluator=make_evaluator(Interrupting()), **options).train()
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_2.pth')
    Score.count = 0
    make_runner(tmp_path, evaluator=make_evaluator(Score()), resume=True, **options).train()
    assert Score.count == 3  # at 2, 4 and 6
    assert [p.name for p in tmp_path.glob('best_*.pth')] == ['best_mIoU_iter_6.pth']
    # nothing is due after a finished run
    make_runner(tmp_path, evaluator=make_evaluator(Score()), resume=True, **options).train()
    assert Score.count == 3


def make_evaluator(score):
    from mmengine.evaluator import Evaluator

    evaluator = Evaluator([])
    evaluator.process, evaluator.evaluate = score.process, score.evaluate
    return evaluator


def test_unknown_loop_is_refused(make_runner, tmp_path):
    runner = make_runner(tmp_path)
    runner._train_loop = OtherLoop(runner, DataLoader(range(6)))
    with pytest.raises(ValueError, match='expected an IterBasedTrainLoop or EpochBasedTrainLoop'):
        ExactResumeHook().before_train(runner)
