"""Sweeps of tiny runs, and the scripts of tools/analysis by their names."""

import importlib
from pathlib import Path

import pytest

ANALYSIS = Path(__file__).resolve().parents[3] / 'tools' / 'analysis'


@pytest.fixture
def tool(monkeypatch):
    """Importer of a script in tools/analysis, or of a module of mmamf."""
    monkeypatch.syspath_prepend(str(ANALYSIS))
    return importlib.import_module


@pytest.fixture
def write_sweep(tmp_path, monkeypatch):
    """Writer of a sweep file in a folder that becomes the current one.

    ``write_sweep(config, methods=[...], seeds=(3,), **more)`` returns its path; by default it has
    two methods, one of them the reference. ``more`` replaces what the file has, None removes it.
    """

    def write(
        config: str | Path, methods: list[dict] | None = None, seeds: tuple = (3,), **more
    ) -> Path:
        methods = methods or [
            dict(name='none', title='no fusion', options={'model.backbone.fusion': None}),
            dict(name='ours', title='ours'),
        ]
        group = dict(title='methods', methods=methods, seeds=list(seeds))
        content = dict(config=str(config), metric='mIoU', reference='none', groups=[group]) | more
        path = tmp_path / 'tiny_sweep.py'
        lines = [f'{key} = {value!r}' for key, value in content.items() if value is not None]
        path.write_text('\n'.join(lines))
        monkeypatch.chdir(tmp_path)
        return path

    return write
