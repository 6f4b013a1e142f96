import errno
import os

import pytest
from mmengine.fileio import get_file_backend

from mmamf.engine import AtomicLocalBackend


def test_registered_and_writes(tmp_path):
    backend = get_file_backend(backend_args=dict(backend='atomic_local'))
    assert isinstance(backend, AtomicLocalBackend)
    backend.put(b'12', tmp_path / 'new' / 'a.pth')
    backend.put_text('3', tmp_path / 'new' / 'a.txt')
    assert backend.get(tmp_path / 'new' / 'a.pth') == b'12'
    assert sorted(os.listdir(tmp_path / 'new')) == ['a.pth', 'a.txt']


def test_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    backend = AtomicLocalBackend()
    backend.put(b'old', path)

    def interrupt(file):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', interrupt)
        with pytest.raises(KeyboardInterrupt):
            backend.put(b'new', path)
    assert path.read_bytes() == b'old'
    # what it left behind is overwritten, not piled up
    backend.put(b'newer', path)
    assert path.read_bytes() == b'newer'
    assert os.listdir(tmp_path) == ['a.pth']


def test_full_disk_leaves_nothing_behind_and_is_named(tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    AtomicLocalBackend().put(b'old', path)

    def full(file):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        AtomicLocalBackend().put(b'new', path)
    assert path.read_bytes() == b'old'
    assert os.listdir(tmp_path) == ['a.pth']
