"""Every code block of the pages is run, or the page says in a comment before it why it cannot be.

Python blocks of a page run one after the other, in a folder with small files and checkpoints of
random weights. A block with `_base_` is a config: it is loaded, and its model is built without
values. Each part of a config must exist and take its keys.

Commands in bash blocks take minutes or hours. So bash runs the block with stand-ins for python,
mmamf, make, pip and git, which note their arguments. The arguments must suit the real parser of the
command, and files of this repository must exist. What the commands do is tested elsewhere.
"""

import argparse
import importlib.util
import inspect
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from mmengine import registry
from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS, DefaultScope

from mmamf.structures import read_modalities

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').rglob('*.md'))]
BLOCK = re.compile(
    r'(?:^ *<!-- not run: (?P<why>[^\n]+) -->\n+)?'
    r'^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^ *```$',
    re.DOTALL | re.MULTILINE,
)
LANGUAGES = ('python', 'bash', 'text', '')
OF_THE_REPOSITORY = ('tools/', 'docs/', 'requirements/', 'configs/amf/', 'configs/sweeps/')
# what those who build a part take out of its config
OF_THE_BUILDERS = {'type', 'priority', 'requires_grad', 'paramwise_cfg', 'constructor'}
STAND_IN = r"""
note() { local word; for word in "$@"; do printf '%s\0' "$word"; done; printf '\n\0'; } >> calls
for name in python pip make mmamf bash git; do eval "$name() { note $name \"\$@\"; }"; done
set -eu
PATH=
"""


def blocks(page, *languages):
    """Return the blocks of a page that are to be run, in these languages."""
    found = []
    for match in BLOCK.finditer(page.read_text()):
        assert match['language'] in LANGUAGES, match[0]
        if match['language'] in languages and not match['why']:
            indent = len(match['indent'])
            found.append('\n'.join(line[indent:] for line in match['code'].splitlines()) + '\n')
    return found


def pages_with(*languages):
    pages = [page for page in PAGES if blocks(page, *languages)]
    return pytest.mark.parametrize('page', pages, ids=lambda page: str(page.relative_to(ROOT)))


def test_no_block_escapes():
    for page in PAGES:
        fences = re.findall(r'^ *```', page.read_text(), flags=re.MULTILINE)
        assert len(fences) == 2 * len(BLOCK.findall(page.read_text())), page


# bash


class Parsed(Exception):
    """The parser of a command has accepted its arguments."""


def parse(script, arguments, monkeypatch):
    """Give arguments to the parser of a script, without running it."""
    monkeypatch.setattr(sys, 'argv', [str(script), *arguments])
    monkeypatch.syspath_prepend(str(script.parent))
    if 'argparse' not in script.read_text():
        return
    names = runpy.run_path(str(script), run_name='block')
    if 'parse_args' in names:
        names['parse_args']()
        return
    read = argparse.ArgumentParser.parse_args

    def stop(*args, **kwargs):
        read(*args, **kwargs)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', stop)
    takes_arguments = inspect.signature(names['main']).parameters
    with pytest.raises(Parsed):
        names['main'](*([arguments] if takes_arguments else []))


def check_call(program, arguments, monkeypatch):
    """Check one command of a block."""
    for word in arguments:
        if word.startswith(OF_THE_REPOSITORY) and '*' not in word:
            assert (ROOT / word).exists(), word
        if re.fullmatch(r'DATA|RAW|raw|data/[\w/-]+', word):  # what a parser wants to find
            Path(word).mkdir(parents=True, exist_ok=True)
    if program == 'make':
        rules = re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), flags=re.MULTILINE)
        assert all(word in rules or '=' in word for word in arguments)
    elif program == 'pip':
        assert arguments[0] == 'install' and len(arguments) > 1
    elif program == 'git':
        assert arguments[0] == 'clone' and arguments[1].startswith('https://')
        Path(arguments[2]).mkdir(parents=True, exist_ok=True)
    elif program == 'bash':
        assert arguments[0] in ('tools/dist_train.sh', 'tools/dist_test.sh')
    elif program == 'python' and arguments[0] == '-m':
        assert importlib.util.find_spec(arguments[1])
    elif program == 'mmamf':
        scripts = runpy.run_path(str(ROOT / 'mmamf_command.py'), run_name='block')['SCRIPTS']
        if arguments != ['--help']:
            parse(ROOT / 'tools' / scripts[arguments[0]], arguments[1:], monkeypatch)
    elif (ROOT / arguments[0]).is_file():
        parse(ROOT / arguments[0], arguments[1:], monkeypatch)
    else:  # a script that the page itself has
        assert any(f'# {arguments[0]}\n' in page.read_text() for page in PAGES), arguments[0]


@pages_with('bash')
def test_commands(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in blocks(page, 'bash'):
        (tmp_path / 'calls').write_text('')
        done = subprocess.run(
            ['/bin/bash', '-c', f'{STAND_IN}\n{block}'], capture_output=True, text=True
        )
        assert done.returncode == 0, f'{block}\n{done.stderr}'
        calls = (tmp_path / 'calls').read_text().split('\n\0')[:-1]
        for call in calls:
            program, *arguments = call.split('\0')[:-1]
            with monkeypatch.context() as patch:
                check_call(program, arguments, patch)


# Python


def write_checkpoint(path, names, kinds):
    """Write a checkpoint of random weights for these modalities, with its config."""
    modalities = [
        dict(name=name, mean=0, std=1, suffix='.png', **kind) for name, kind in zip(names, kinds)
    ]
    head = dict(type='FCNHead', in_channels=64, in_index=3, channels=8, num_convs=1, num_classes=3)
    model = dict(
        type='MultimodalSegmentor',
        data_preprocessor=dict(
            type='MultimodalSegDataPreprocessor', modalities=modalities, size_divisor=32
        ),
        backbone=dict(type='SharedMultimodalResNet', depth=18, base_channels=8, stem_channels=8),
        decode_head=dict(type='ModalityEnsembleHead', head=head),
        test_cfg=dict(mode='whole'),
    )
    dataset = dict(
        type='MultimodalSegDataset',
        modalities=modalities,
        metainfo=dict(classes=('floor', 'wall', 'table')),
        pipeline=[dict(type='LoadMultimodalImages'), dict(type='PackMultimodalSegInputs')],
    )
    config = Config(dict(default_scope='mmseg', model=model, test_dataloader=dict(dataset=dataset)))
    with DefaultScope.overwrite_default_scope('mmseg'):
        state = MODELS.build(config.model).state_dict()
    torch.save(dict(meta=dict(cfg=config.pretty_text), state_dict=state), path)


def write_translator(folder):
    """Write a checkpoint of random weights for the translator of docs/translation.md."""
    name = 'amf_unet_1xb4-adam-2k_rooms-128x96_rgb-depth2normal.py'
    with DefaultScope.overwrite_default_scope('mmagic'):
        model = MODELS.build(Config.fromfile(ROOT / 'configs' / 'amf' / name).model)
    torch.save(dict(state_dict=model.state_dict()), folder / 'iter_2000.pth')


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with what the blocks read, as the working directory."""
    color, gray = dict(channels=3, dtype='uint8'), dict(channels=1, dtype='uint16')
    write_checkpoint(tmp_path / 'iter_800.pth', ['rgb', 'depth'], [color, gray])
    write_checkpoint(tmp_path / 'model.pth', ['rgb', 'dsm'], [color, gray])
    rng = np.random.default_rng(0)
    images = dict(
        rgb=rng.integers(0, 255, (48, 64, 3), np.uint8),
        depth=rng.integers(1, 5000, (48, 64), np.uint16),
    )
    for name, image in images.items():
        for path in (f'photos/{name}/0001.png', f'data/rooms/val/{name}/000000.png'):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / path), image)
    tifffile.imwrite(tmp_path / 'town_rgb.tif', images['rgb'], photometric='rgb')
    tifffile.imwrite(tmp_path / 'town_dsm.tif', images['depth'])
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own_registry(monkeypatch):
    """Registries in which a block may register a class that another test has registered, too."""
    kept = {
        name: part for name, part in MODELS.module_dict.items() if part.__module__ != 'builtins'
    }
    monkeypatch.setattr(MODELS, '_module_dict', kept)


def find_part(name):
    """Find what a config names, in the registries of mmengine, and of mmseg or mmagic."""
    scopes = sorted(('mmseg', 'mmagic'), key=DefaultScope.get_current_instance().scope_name.__ne__)
    for kind in vars(registry).values():
        for scope in scopes if isinstance(kind, registry.Registry) else ():
            with kind.switch_scope_and_registry(scope) as inside:
                found = inside.get(name)
            if found is not None:
                return found
    pytest.fail(f'{name} is in no registry')


def accepts(part, key):
    """Tell whether a constructor, or one that it passes its keys on to, has a key."""
    for owner in part.__mro__:
        if '__init__' in vars(owner):
            parameters = inspect.signature(owner.__init__).parameters
            if key in parameters:
                return True
            if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                return False
    return False


def check_parts(value):
    """Check every part in a config or in the variables of a block."""
    if isinstance(value, dict):
        if isinstance(value.get('type'), str):
            part = find_part(value['type'])
            keys = value.keys() - OF_THE_BUILDERS
            wrong = [key for key in sorted(keys) if key[0] != '_' and not accepts(part, key)]
            assert inspect.isclass(part) and not wrong, f'{value["type"]} has no {wrong}'
        elif {'name', 'channels'} <= value.keys():
            read_modalities([dict(value)])
        for child in value.values():
            check_parts(child)
    elif isinstance(value, list | tuple):
        for child in value:
            check_parts(child)


def run_config(code):
    """Load a config and build its model."""
    name = re.match(r'# (\S+\.py)\n', code)
    path = Path(name[1] if name else 'configs/block.py')
    path.write_text(code)
    config = Config.fromfile(path)
    with DefaultScope.overwrite_default_scope(config.default_scope), torch.device('meta'):
        check_parts(config.to_dict())
        MODELS.build(ConfigDict(config.model))


@pages_with('python')
def test_python(page, files, own_registry):
    names, codes = {}, blocks(page, 'python')
    if any('init_translator' in code for code in codes):
        write_translator(files)
    for code in codes:
        if re.search(r'^_base_ = ', code, flags=re.MULTILINE):
            run_config(code)
        else:
            exec(compile(code, str(page), 'exec'), names)
    check_parts({name: value for name, value in names.items() if not name.startswith('_')})


def test_a_part_that_does_not_take_its_key_is_found():
    with pytest.raises(AssertionError, match=r"LoadLabelMap has no \['colour'\]"):
        check_parts(dict(pipeline=[dict(type='LoadLabelMap', colour={})]))
    with pytest.raises(pytest.fail.Exception, match='LoadLabels is in no registry'):
        check_parts([dict(type='LoadLabels')])


def test_a_wrong_option_is_found(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        check_call('mmamf', ['infer', 'model.pth', 'rgb=a.png', '--output', 'b'], monkeypatch)
    assert '--out' in capsys.readouterr().err
