import math
from pathlib import Path

import pytest
from mmengine.config import Config

from mmamf.weights import read_embedded_config

CONFIGS = sorted((Path(__file__).parents[2] / 'configs' / 'amf').glob('*.py'))


def checkpoint(text):
    return dict(meta=dict(cfg=text))


@pytest.mark.parametrize('path', CONFIGS[::5], ids=lambda path: path.stem)
def test_equals_the_config_that_mmengine_wrote(path):
    config = Config.fromfile(path)
    text = config.pretty_text
    expected = Config.fromstring(text, '.py').to_dict()
    assert read_embedded_config(checkpoint(text)) == expected


def test_values_of_every_kind():
    text = "a = {1: [True, None], (2, 3): 'x'}\n"
    text += "b = dict(x=(1, -2.5), y=dict())\nc = float('nan')\nd = -inf\n"
    config = read_embedded_config(checkpoint(text))
    assert config['a'] == {1: [True, None], (2, 3): 'x'} and config['b'] == dict(x=(1, -2.5), y={})
    assert math.isnan(config['c']) and config['d'] == -math.inf


@pytest.mark.parametrize(
    'text',
    [
        "import os\nos.system('touch RAN')",
        "a = __import__('os').system('touch RAN')",
        'a = [x for x in (1, 2)]',
        "a = open('RAN', 'w')",
        'a = dict(**dict(b=1))',
        'a = b',
    ],
)
def test_code_is_refused_and_does_not_run(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match='got code at line [12]: '):
        read_embedded_config(checkpoint(text))
    assert not list(tmp_path.iterdir())


def test_damaged():
    with pytest.raises(ValueError, match='the config in the checkpoint is not Python'):
        read_embedded_config(checkpoint('a = dict('))


@pytest.mark.parametrize('content', [{}, dict(meta=None), dict(meta=dict(cfg='')), dict(meta={})])
def test_none(content):
    assert read_embedded_config(content) is None
