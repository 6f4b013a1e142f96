"""tools/analysis/robustness.py on a tiny network without training."""

import json

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmseg.registry import MODELS

LADDER = [
    dict(
        name='noise',
        title='noise on depth',
        unit='mm',
        argument='std',
        levels=[200, 2000],
        transform=dict(type='GaussianNoise', modality='depth'),
    ),
    dict(
        name='dead',
        title='RGB dead',
        unit='every pixel',
        argument='fill',
        levels=[0, (0, 256)],
        labels=['zero', 'noise'],
        transform=dict(type='DeadModality', modality='rgb'),
    ),
]
TESTS = ['clean', 'noise/200', 'noise/2000', 'dead/zero', 'dead/noise']


@pytest.fixture
def call(tool, tiny_config, tmp_path):
    """Runner of the tool: ``call(*arguments, ladder=LADDER)`` returns what results.json holds."""
    config = tiny_config(custom_hooks=[])
    checkpoint = tmp_path / 'untrained.pth'
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    model.decode_head.head.conv_seg.weight.data.normal_()  # or the depth would not matter
    torch.save(dict(state_dict=model.state_dict()), checkpoint)

    def run(*arguments, ladder=LADDER, checkpoint=checkpoint):
        path = tmp_path / 'ladder.py'
        path.write_text(f'ladder = {ladder!r}')
        out = tmp_path / 'out'
        tool('robustness').main(
            [config, str(checkpoint), f'--ladder={path}', f'--out={out}', *arguments]
        )
        return json.loads((out / 'results.json').read_text())

    run.config = config
    run.checkpoint = checkpoint
    return run


def test_table_and_figure_of_all_levels(call, tmp_path, capsys):
    tests = call()['tests']
    assert list(tests) == TESTS
    scalars = {name: test['scalars'] for name, test in tests.items()}
    assert set(scalars['clean']) == {
        f'{source}{mean}'
        for source in ('', 'rgb/', 'depth/')
        for mean in ('mIoU', 'mAcc', 'PixAcc')
    }
    # the same seed and name: a level is corrupted the same way in each test, and not like another
    assert len({test['mIoU'] for test in scalars.values()}) == 5
    table = (tmp_path / 'out' / 'table.md').read_text()
    assert table.count('| noise on depth (mm) |') == table.count('| RGB dead (every pixel) |') == 2
    assert f'| {scalars["noise/200"]["depth/mIoU"]:.1f} |' in table
    assert (tmp_path / 'out' / 'figure.png').stat().st_size > 10_000
    said = capsys.readouterr().out
    assert '5 tests to do, 0 done' in said and '[5/5] dead/noise: mIoU' in said


def test_equals_the_standard_test(call, tmp_path):
    """The clean level, and one behind it, are what a runner of their own gives."""
    tests = call()['tests']
    for name in ('clean', 'noise/2000'):
        cfg = Config.fromfile(call.config)
        cfg.test_dataloader.dataset.pipeline[1:1] = tests[name]['corruption']
        cfg.update(work_dir=str(tmp_path / 'alone'), load_from=str(call.checkpoint))
        cfg.experiment_name = f'alone-{name}'.replace('/', '-')
        metrics = Runner.from_cfg(cfg).test()
        assert {key: metrics[key] for key in tests[name]['scalars']} == tests[name]['scalars']


def test_continues_after_an_interruption(call, monkeypatch, capsys):
    tested = []
    build = Runner.build_dataloader

    def interrupt(dataloader, *args, **kwargs):
        if len(tested) == 2:
            raise KeyboardInterrupt
        tested.append(str(dataloader))
        return build(dataloader, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Runner, 'build_dataloader', staticmethod(interrupt))
        with pytest.raises(SystemExit) as stop:
            call()
    assert stop.value.code == 130 and 'interrupted: the same command' in capsys.readouterr().out
    assert len(tested) == 2
    # the runner that was interrupted took the scope with it
    with DefaultScope.overwrite_default_scope('mmseg'):
        resumed = call()
    assert '3 tests to do, 2 done' in capsys.readouterr().out
    again = call()
    assert '0 tests to do, 5 done' in capsys.readouterr().out
    assert again == resumed
    changed = [dict(LADDER[0], levels=[200, 1000]), LADDER[1]]
    assert list(call(ladder=changed)['tests']) == [*TESTS, 'noise/1000']
    assert '1 tests to do, 4 done' in capsys.readouterr().out


def test_results_of_another_config_or_checkpoint_are_not_continued(call, tmp_path):
    ladder = [dict(LADDER[0], levels=[200])]
    call(ladder=ladder)
    with pytest.raises(SystemExit, match='results.json, config_sha256: expected .* another config'):
        call('--cfg-options', 'test_dataloader.batch_size=2', ladder=ladder)
    other = tmp_path / 'other.pth'
    other.write_bytes(call.checkpoint.read_bytes() + b' ')
    with pytest.raises(SystemExit, match='checkpoint_sha256: .* another checkpoint; remove'):
        call(checkpoint=other, ladder=ladder)


def test_corruptions_of_other_modalities_are_left_out(call, capsys):
    elsewhere = dict(type='GaussianNoise', modality='thermal')
    ladder = [dict(LADDER[0], levels=[200]), dict(LADDER[1], transform=elsewhere, argument='std')]
    assert list(call(ladder=ladder)['tests']) == ['clean', 'noise/200']
    assert "left out: RGB dead, for the config has only ['rgb', 'depth']" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="expected a corruption of one of .'rgb', 'depth'., got"):
        call(ladder=ladder[1:])


def test_missing_checkpoint(call):
    with pytest.raises(SystemExit, match='error: none.pth: there is no such checkpoint'):
        call(checkpoint='none.pth')
