import os
import re
import signal
import socket
import time

import pytest

from mmamf.engine.work_dir_lock import WorkDirLock


@pytest.fixture
def holder(tmp_path):
    """Process that holds the lock of `tmp_path`, with a child, as of a data loader."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        with WorkDirLock(tmp_path):
            if os.fork() == 0:
                time.sleep(30)
                os._exit(0)
            os.write(told, b'.')
            signal.pause()
        os._exit(0)
    os.setpgid(pid, pid)
    os.read(ready, 1)
    yield pid
    os.killpg(pid, signal.SIGKILL)


def test_second_process_is_told_of_the_first(tmp_path, holder):
    text = f'{tmp_path}: another training .* (process {holder} on {socket.gethostname()}).*work-dir'
    text = text.replace('(', re.escape('(')).replace(')', re.escape(')'))
    (tmp_path / '.iter_4.pth.tmp').touch()  # of the one that runs
    with pytest.raises(ValueError, match=text), WorkDirLock(tmp_path):
        pass
    assert (tmp_path / '.iter_4.pth.tmp').exists()
    with WorkDirLock(tmp_path, enabled=False), WorkDirLock(tmp_path / 'other'):
        pass


def test_killed_process_holds_it_no_longer(tmp_path, holder):
    os.kill(holder, signal.SIGKILL)  # its child lives on
    os.waitpid(holder, 0)
    with WorkDirLock(tmp_path):
        pass


def test_same_process_may_train_again(tmp_path):
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), WorkDirLock(tmp_path):
            raise KeyboardInterrupt
    with WorkDirLock(tmp_path):
        assert f'process {os.getpid()} ' in (tmp_path / '.training.lock').read_text()
    assert (tmp_path / '.training.lock').read_text() == ''


def test_only_our_own_temporary_files_are_cleared(tmp_path):
    ours = ['.iter_4.pth.tmp', '.best_mIoU_iter_4.pth.tmp', '.last_checkpoint.tmp']
    others = ['iter_4.pth', 'a.tmp', '.notes.tmp', 'sub/.iter_4.pth.tmp']
    (tmp_path / 'sub').mkdir()
    for name in [*ours, *others]:
        (tmp_path / name).touch()
    (tmp_path / '.folder.pth.tmp').mkdir()
    with WorkDirLock(tmp_path):
        left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*')}
    assert left == {*others, 'sub', '.folder.pth.tmp', '.training.lock'}
