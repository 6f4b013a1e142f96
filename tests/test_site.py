"""The site of `make docs`: its build, its links, its reference, and the notebook."""

import importlib
import importlib.util
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ('mkdocs', 'mkdocstrings', 'nbformat')),
    reason='mkdocs is not installed: pip install -r requirements/docs.txt (Python 3.11 or later)',
)


def build(folder, out):
    """Build a site; return the exit status and what mkdocs says."""
    command = [sys.executable, '-m', 'mkdocs', 'build', '--config-file', folder / 'mkdocs.yml']
    done = subprocess.run(
        [*command, '--site-dir', out],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
    )
    return done.returncode, done.stdout


def test_the_site_is_built_without_a_warning_and_needs_no_network(tmp_path):
    code, said = build(ROOT, tmp_path / 'site')
    assert code == 0, said[-4000:]
    pages = {str(p.relative_to(tmp_path / 'site')): p for p in tmp_path.rglob('*.html')}
    text = {name: page.read_text() for name, page in pages.items()}
    for name, page in text.items():
        tags = re.findall(r'<(?:link|script|img|iframe)\b[^>]*(?:src|href)="?https?:[^>]*>', page)
        assert not tags, (name, tags)
        assert 'fonts.googleapis' not in page, name
    assert 'Run it' in text['index.html']

    # the reference has what tests/test_public_api.py pins
    pinned = runpy.run_path(str(Path(__file__).with_name('test_public_api.py')))['NAMES']
    names = {name for kind in pinned.values() for name in kind} - {'MultimodalSegDataPreProcessor'}
    keys = text['reference/config_keys.html']
    assert not [name for name in sorted(names) if f'<h3 id="{name.lower()}">' not in keys]
    api = ''.join(page for name, page in text.items() if name.startswith('reference/api/'))
    names |= {'segment_raster', 'set_length', 'deploy', 'plot_curves', 'MultimodalInferencer'}
    assert not [name for name in sorted(names) if f'.{name}"' not in api]
    commands = text['reference/commands.html']
    for command in ('mmamf-train', 'mmamf-infer', 'mmamf-doctor'):
        assert f'<h2 id="{command}">' in commands


@pytest.fixture
def small_site(tmp_path):
    """A site of two pages with our hooks for links, whose pages a test writes."""
    (tmp_path / 'docs').mkdir()
    shutil.copy(ROOT / 'docs' / 'hooks' / 'links.py', tmp_path / 'links.py')
    (tmp_path / 'mkdocs.yml').write_text(
        'site_name: small\nstrict: true\nuse_directory_urls: false\nhooks: [links.py]\n'
        'validation: {links: {anchors: warn, unrecognized_links: warn}}\nplugins: []\n'
    )
    (tmp_path / 'README.md').write_text('# Home\n\n[page](docs/page.md#a-part)\n')
    (tmp_path / 'tool.py').write_text('print(1)\n')

    def make(line):
        (tmp_path / 'docs' / 'page.md').write_text(f'# Page\n\n## A part\n\n{line}\n')
        return *build(tmp_path, tmp_path / 'site'), tmp_path / 'site'

    return make


def test_links_to_files_and_folders_lead_to_pages(small_site):
    code, said, site = small_site('[tool](../tool.py) [all](../docs) [home](../README.md#home)')
    assert code == 0, said
    page = (site / 'page.html').read_text()
    for target in ('files/tool.py.html', 'files/docs.html', 'index.html#home'):
        assert f'href="{target}"' in page
    assert 'print' in (site / 'files' / 'tool.py.html').read_text()
    assert 'page.md' in (site / 'files' / 'docs.html').read_text()
    assert 'href="page.html#a-part"' in (site / 'index.html').read_text()


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('[tool](../no_tool.py)', 'neither a page nor a file'),
        ('[page](no_page.md)', 'neither a page nor a file'),
        ('[part](#no-part)', 'no-part'),
        ('[part](../README.md#no-part)', 'no-part'),
    ],
)
def test_a_dead_link_fails(small_site, line, message):
    code, said, _ = small_site(line)
    assert code != 0 and message in said


def test_the_notebook_runs_from_top_to_bottom(tmp_path, monkeypatch):
    nbclient = pytest.importorskip('nbclient', reason='pip install nbclient ipykernel')
    pytest.importorskip('mitsuba', reason='pip install -r requirements/demo.txt')
    import nbformat

    path = ROOT / 'docs' / 'tutorials' / 'first_segmenter.ipynb'
    assert path.stat().st_size < 300_000
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == 'code']
    saved = [cell.outputs for cell in cells]
    for cell in cells:  # a shorter training does all the same
        cell.source = cell.source.replace('150', '30').replace('--train 24', '--train 6')
    monkeypatch.setenv('NOTEBOOK_OUT', str(tmp_path))
    monkeypatch.setenv('PYTHONPATH', str(ROOT))
    folder = dict(metadata=dict(path=str(path.parent)))
    nbclient.NotebookClient(notebook, timeout=600, resources=folder).execute()
    new = [cell.outputs for cell in cells]
    kinds = [[sorted(out.get('data', out)) for out in outputs] for outputs in new]
    # the page shows outputs of the same kinds: the notebook was saved after a run
    assert kinds == [[sorted(out.get('data', out)) for out in outputs] for outputs in saved]
    assert sum('image/png' in out.get('data', {}) for outputs in new for out in outputs) == 2


def test_what_is_not_documented_is_a_warning(tmp_path, monkeypatch, caplog):
    import griffe

    monkeypatch.syspath_prepend(str(ROOT / 'docs' / 'hooks'))
    reference = importlib.import_module('reference')
    (tmp_path / 'mmamf').mkdir()
    (tmp_path / 'mmamf' / '__init__.py').write_text(
        'from mmengine.registry import HOOKS\n__all__ = ["Bare"]\n\n\n'
        '@HOOKS.register_module()\nclass Bare:\n    def __init__(self, interval=1):\n        pass\n'
    )
    package = griffe.load('mmamf', search_paths=[tmp_path], try_relative_path=False)
    parts = dict(reference._registered(package))
    assert list(parts) == [('HOOKS', 'Bare')]
    assert '::: mmamf.Bare' in reference._api(package, parts)['api/mmamf']
    assert 'mmamf.Bare has no docstring' in caplog.text
    parts['HOOKS', 'Bare'].docstring = griffe.Docstring('Does nothing.', parent=package['Bare'])
    reference._table(package['Bare'])
    assert 'mmamf.Bare: the docstring does not explain interval' in caplog.text
