"""Files that appear complete or not at all."""

import json
import os

import pytest

from mmamf.whole_file import whole_file, write_json


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    for text in ('old', 'new'):
        with whole_file(path) as draft:
            draft.write_text(text)
            assert not path.exists() or path.read_text() == 'old'
        assert path.read_text() == text
    assert os.listdir(path.parent) == ['a.txt']


@pytest.mark.parametrize('error', [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_no_draft(tmp_path, error):
    (tmp_path / 'a.txt').write_text('old')
    with pytest.raises(error), whole_file(tmp_path / 'a.txt') as draft:
        draft.write_text('half')
        raise error
    assert (tmp_path / 'a.txt').read_text() == 'old'
    assert os.listdir(tmp_path) == ['a.txt']


def test_the_draft_of_a_killed_process_is_overwritten(tmp_path):
    with whole_file(tmp_path / 'a.txt') as draft:
        draft.touch()
        name = draft.name
    (tmp_path / 'precious').write_text('precious')
    (tmp_path / 'a.txt').unlink()
    (tmp_path / name).symlink_to(tmp_path / 'precious')
    with whole_file(tmp_path / 'a.txt') as draft:
        draft.write_text('new')
    assert sorted(os.listdir(tmp_path)) == ['a.txt', 'precious']
    assert (tmp_path / 'precious').read_text() == 'precious'


def test_a_link_is_replaced(tmp_path):
    (tmp_path / 'target').write_text('target')
    (tmp_path / 'a.json').symlink_to(tmp_path / 'target')
    write_json(tmp_path / 'a.json', dict(a=[1]))
    assert json.loads((tmp_path / 'a.json').read_text()) == dict(a=[1])
    assert (tmp_path / 'target').read_text() == 'target'


def test_only_durable_files_wait_for_the_disk(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, 'fsync', flushed.append)
    for durable, count in ((False, 0), (True, 2)):  # the file and its folder
        with whole_file(tmp_path / 'a', durable) as draft:
            draft.touch()
        assert len(flushed) == count


def test_the_file_is_named_if_it_cannot_be_written(tmp_path):
    (tmp_path / 'a').mkdir()
    with (
        pytest.raises(IsADirectoryError, match=str(tmp_path / 'a')),
        whole_file(tmp_path / 'a') as d,
    ):
        d.touch()
    (tmp_path / 'b').touch()
    with pytest.raises(OSError, match=str(tmp_path / 'b')), whole_file(tmp_path / 'b' / 'c'):
        pytest.fail('a file is no folder')
