"""tools/analysis/compare_fusion.py: a sweep of real trainings, interrupted in the middle."""

import json
import time

from PIL import Image


def wait_until(happened, process):
    deadline = time.monotonic() + 100
    while not happened():
        assert process.is_alive() and time.monotonic() < deadline
        time.sleep(0.01)


def test_interrupted_sweep_resumes_without_repeating(
    tmp_path, tiny_config, start_script, write_sweep, tool
):
    config = tiny_config(
        train_cfg=dict(max_iters=18, val_interval=6),
        custom_hooks=[],
        default_hooks=dict(checkpoint=dict(interval=6), logger=dict(interval=3)),
    )
    path = tool('compare_fusion').__file__
    command = (path, str(write_sweep(config)), '--results', 'results')
    runs, second = tmp_path / 'results' / 'runs', tmp_path / 'work_dirs/tiny_sweep/ours-3'
    interrupted = start_script(*command)
    wait_until(lambda: (second / 'last_checkpoint').is_file(), interrupted)
    interrupted.terminate()  # as Ctrl-C
    interrupted.join()
    assert interrupted.exitcode == 130
    assert [file.name for file in runs.iterdir()] == ['none-3.json']
    first = (runs / 'none-3.json').stat().st_mtime_ns

    again = start_script(*command)
    again.join(100)
    assert again.exitcode == 0
    assert (runs / 'none-3.json').stat().st_mtime_ns == first
    results = {file.stem: json.loads(file.read_text()) for file in runs.iterdir()}
    assert results['ours-3']['cpu_seconds'] is None and results['none-3']['cpu_seconds'] > 0
    for name, result in results.items():
        assert [step for step, _ in result['curve']] == [6, 12, 18]
        assert result['iterations'] == 18 and f'work_dirs/tiny_sweep/{name}' in result['command']
        assert {'PixAcc', 'mIoU', 'rgb/mIoU', 'depth/mAcc'} <= result['last'].keys()
        assert 'IoU.class 0' not in result['last'] and 'time' not in result['last']
        assert abs(sum(result['alpha']) - 1) < 1e-3
    assert (second / 'train.log').read_text().count('Iter(train) [ 3/18]') == 1
    assert not list((tmp_path / 'work_dirs').rglob('*.pth'))

    assert 'no fusion (`none`)' in (tmp_path / 'results' / 'table.md').read_text()
    assert (
        '--work-dir work_dirs/tiny_sweep/ours-3'
        in (tmp_path / 'results' / 'commands.sh').read_text()
    )
    assert Image.open(tmp_path / 'results' / 'chart.png').width > 1000
