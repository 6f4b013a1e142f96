"""A training touches files of its own folder only."""

import os
import shutil

import pytest
import torch
from mmengine.evaluator import Evaluator

BEST = dict(interval=1, max_keep_ckpts=2, save_best='mIoU', rule='greater')


@pytest.fixture
def train(make_runner):
    """Train with a validation every 2 iterations whose scores are given; returns the runner."""

    def run(work_dir, scores=(1, 2, 3), **options):
        scores = iter(scores)
        evaluator = Evaluator([])
        evaluator.process = lambda *args, **kwargs: None

        def evaluate(size):
            score = float(next(scores))
            return dict(mIoU=score, mAcc=score)

        evaluator.evaluate = evaluate
        options = dict(checkpoint=BEST) | options
        runner = make_runner(work_dir, evaluator=evaluator, **options)
        runner.train()
        return runner

    return run


def files(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def names(folder) -> set[str]:
    return {path.name for path in folder.glob('*.pth')}


def info(path) -> dict:
    return torch.load(path)['message_hub']['runtime_info']


def give_old_paths(path, folder) -> None:
    """Write absolute paths into a checkpoint, as mmengine does."""
    checkpoint = torch.load(path)
    runtime = checkpoint['message_hub']['runtime_info']
    for key in runtime:
        if key == 'last_ckpt' or key.startswith('best_ckpt'):
            runtime[key] = str(folder / os.path.basename(runtime[key]))
    torch.save(checkpoint, path)


@pytest.mark.parametrize('save_best', ['mIoU', ['mIoU', 'mAcc'], 'auto'])
@pytest.mark.parametrize('old', [False, True], ids=['names', 'absolute paths'])
def test_resuming_into_another_folder_leaves_the_first_alone(tmp_path, train, save_best, old):
    a, b = tmp_path / 'a', tmp_path / 'b'
    options = dict(checkpoint=BEST | dict(save_best=save_best))
    train(a, stop_at=4, **options)
    if old:
        give_old_paths(a / 'iter_4.pth', a)
    before = files(a)
    train(b, (3, 4), load_from=str(a / 'iter_4.pth'), resume=True, stop_at=8, **options)
    assert files(a) == before
    metrics = ['mIoU'] if save_best == 'auto' else [save_best] if save_best == 'mIoU' else save_best
    best = {f'best_{metric}_iter_8.pth' for metric in metrics}
    assert names(b) == {'iter_7.pth', 'iter_8.pth'} | best


def test_files_of_the_same_name_in_the_new_folder_stay(tmp_path, train):
    a, b = tmp_path / 'a', tmp_path / 'b'
    train(a, stop_at=4)
    b.mkdir()
    for name in ('iter_3.pth', 'best_mIoU_iter_4.pth'):
        (b / name).write_text('of somebody else')
    train(b, (3, 4), load_from=str(a / 'iter_4.pth'), resume=True, stop_at=8)
    assert (b / 'iter_3.pth').read_text() == 'of somebody else'
    assert (b / 'best_mIoU_iter_4.pth').read_text() == 'of somebody else'


@pytest.mark.parametrize('old', [False, True], ids=['names', 'absolute paths'])
def test_copied_folder_resumes_from_its_own_files(tmp_path, train, old):
    a, b = tmp_path / 'a', tmp_path / 'b'
    train(a, stop_at=4)
    if old:
        give_old_paths(a / 'iter_4.pth', a)
        (a / 'last_checkpoint').write_text(str(a / 'iter_4.pth'))
    shutil.copytree(a, b)
    (a / 'iter_4.pth').write_text('trained again since')
    before = files(a)
    train(b, (3, 4), resume=True, stop_at=8)  # load_from is not given: mmengine looks for it
    assert files(a) == before
    assert names(b) == {'iter_7.pth', 'iter_8.pth', 'best_mIoU_iter_8.pth'}


def test_names_have_no_folder(tmp_path, train, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train('runs/a', (1, 2), stop_at=4)
    a = tmp_path / 'runs' / 'a'
    assert (a / 'last_checkpoint').read_text() == 'iter_4.pth'
    runtime = info(a / 'iter_4.pth')
    assert runtime['last_ckpt'] == 'iter_4.pth'
    assert runtime['best_ckpt'] == 'best_mIoU_iter_4.pth'
    assert str(tmp_path) not in str({key: value for key, value in runtime.items() if key != 'cfg'})


def test_out_dir_is_the_folder_of_checkpoints(tmp_path, train):
    out = tmp_path / 'out'
    options = dict(checkpoint=BEST | dict(out_dir=str(out)))
    train(tmp_path / 'run', (1, 2), stop_at=4, **options)
    assert (tmp_path / 'run' / 'last_checkpoint').read_text() == str(out / 'run' / 'iter_4.pth')
    train(tmp_path / 'run', (3, 4), resume=True, stop_at=8, **options)
    assert names(out / 'run') == {'iter_7.pth', 'iter_8.pth', 'best_mIoU_iter_8.pth'}
    before = files(out / 'run')
    load_from = str(out / 'run' / 'iter_8.pth')
    train(tmp_path / 'other', (5,), load_from=load_from, resume=True, stop_at=10, **options)
    assert files(out / 'run') == before
    assert names(out / 'other') == {'iter_9.pth', 'iter_10.pth', 'best_mIoU_iter_10.pth'}


@pytest.mark.parametrize('stale', ['iter_3.pth', 'best_mIoU_iter_2.pth'])
def test_what_a_killed_run_could_not_remove_goes_at_the_next_start(
    tmp_path, train, monkeypatch, stale
):
    original = os.remove

    def die(path):
        if os.path.basename(path) == stale:
            raise KeyboardInterrupt
        original(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'remove', die)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path)
    assert stale in names(tmp_path)
    done = int((tmp_path / 'last_checkpoint').read_text().removeprefix('iter_').split('.')[0])
    train(tmp_path, (4, 5), resume=True, stop_at=done + 1)
    assert stale not in names(tmp_path)


def test_publishing_skips_the_best_one_of_another_folder(tmp_path, train):
    a, b = tmp_path / 'a', tmp_path / 'b'
    published = dict(checkpoint=BEST | dict(published_keys=['state_dict', 'meta']))
    train(a, stop_at=4)
    before = files(a)
    train(b, (0,), load_from=str(a / 'iter_4.pth'), resume=True, stop_at=6, **published)
    assert files(a) == before
    (name,) = names(b) - {'iter_5.pth', 'iter_6.pth'}
    assert name.startswith('iter_6-')


def test_averaged_weights_stay_in_their_folder_too(tmp_path, train):
    a, b = tmp_path / 'a', tmp_path / 'b'
    train(a, stop_at=4, custom_hooks=[dict(type='EMAHook')])
    before = files(a)
    options = dict(load_from=str(a / 'iter_4.pth'), resume=True, stop_at=6)
    train(b, (3,), custom_hooks=[dict(type='EMAHook')], **options)
    assert files(a) == before
    assert names(b) == {'iter_5.pth', 'iter_6.pth', 'best_mIoU_iter_6.pth'}
