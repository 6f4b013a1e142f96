"""tools/infer.py: the same masks as of tools/test.py, from a checkpoint and from its ONNX file."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

TOOLS = Path(__file__).resolve().parents[2] / 'tools'

# what is taken from a package, not from a module of it, is there all the same
LIGHT = f"""
import runpy, sys
sys.argv[0] = 'infer.py'
sys.path.insert(0, {str(TOOLS)!r})
runpy.run_path({str(TOOLS / 'infer.py')!r}, run_name='__main__')
loaded = {{'mmseg', 'mmengine.model', 'torchvision'}} & set(sys.modules)
assert not loaded, loaded
from mmamf.visualization import picture_of
assert callable(picture_of)
"""


def load_tool(name):
    spec = importlib.util.spec_from_file_location(f'tool_{name}', TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tool():
    return load_tool('infer')


def read_masks(folder):
    paths = sorted((folder / 'masks').iterdir())
    return {path.name: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths}


def test_masks_are_those_of_a_test(tmp_path, tiny_config, run_tool, tool, capsys):
    config = tiny_config(train_cfg=dict(max_iters=4, val_interval=4))
    assert run_tool('train.py', config, '--work-dir', str(tmp_path / 'work')) == 0
    work_dir = tmp_path / 'work'
    checkpoint = str(work_dir / (work_dir / 'last_checkpoint').read_text())
    places = ('--work-dir', str(tmp_path / 'test'), '--out', str(tmp_path / 'expected'))
    assert run_tool('test.py', config, checkpoint, *places) == 0

    inputs = [f'{name}={tmp_path}/rgbd/{name}' for name in ('depth', 'rgb')]
    tool.main([checkpoint, *inputs, '--out', str(tmp_path / 'out'), '--device', 'cpu'])
    assert f'8 samples: {tmp_path}/out/masks' in capsys.readouterr().out
    masks = read_masks(tmp_path / 'out')
    assert len(masks) == 8
    for name, mask in masks.items():
        expected = cv2.imread(str(tmp_path / 'expected' / name), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, expected)


def test_an_onnx_file_gives_the_same_masks(tmp_path, tiny_config, tool, capsys):
    config, checkpoint = tiny_config(), tmp_path / 'untrained.pth'
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    load_tool('export_onnx').main([config, str(checkpoint), str(tmp_path / 'model.onnx')])
    inputs = [f'{name}={tmp_path}/rgbd/{name}/*.png' for name in ('rgb', 'depth')]
    options = ['--device', 'cpu', '--batch-size', '3']
    tool.main(
        [str(checkpoint), *inputs, '--out', str(tmp_path / 'a'), '--config', config, *options]
    )
    tool.main([str(tmp_path / 'model.onnx'), *inputs, '--out', str(tmp_path / 'b'), *options])
    one, other = read_masks(tmp_path / 'a'), read_masks(tmp_path / 'b')
    assert list(one) == list(other) and len(one) == 8
    # between two classes that are equally likely, rounding may decide
    assert np.mean([one[name] != other[name] for name in one]) < 1e-3
    assert (tmp_path / 'b' / 'montage.png').is_file()
    # in a process of its own, it does without what takes seconds to import
    arguments = [str(tmp_path / 'model.onnx'), *inputs, '--out', str(tmp_path / 'e'), *options]
    command = [sys.executable, '-W', 'ignore', '-c', LIGHT, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    alone = read_masks(tmp_path / 'e')
    assert all((alone[name] == other[name]).all() for name in other) and len(alone) == 8

    capsys.readouterr()
    for path in list((tmp_path / 'rgbd' / 'depth').iterdir())[::2]:
        path.unlink()
    with pytest.raises(SystemExit, match='error: .* 4 of 8 names lack some'):
        tool.main([str(tmp_path / 'model.onnx'), *inputs, '--out', str(tmp_path / 'c')])
    for model, out in ((checkpoint, 'c'), (tmp_path / 'model.onnx', 'd')):
        more = ['--config', config] if out == 'c' else []
        more += ['--out', str(tmp_path / out), '--optional', 'depth']
        tool.main([str(model), *inputs, *options, *more])
    one, other = read_masks(tmp_path / 'c'), read_masks(tmp_path / 'd')
    assert len(one) == 8
    assert np.mean([one[name] != other[name] for name in one]) < 1e-3
    tool.main([str(checkpoint), inputs[0], *options, '--config', config, '--out', str(tmp_path)])
    assert 'all without depth' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['rgb'], "expected MODALITY=IMAGES, got 'rgb'"),
        (['rgb='], "expected MODALITY=IMAGES, got 'rgb='"),
        (['rgb=a', 'rgb=b'], "expected each modality once, got ['rgb', 'rgb']"),
    ],
)
def test_bad_arguments(tool, capsys, arguments, message):
    with pytest.raises(SystemExit):
        tool.main(['model.pth', *arguments, '--out', 'out'])
    assert message in capsys.readouterr().err


def test_an_error_is_one_message(tool, tmp_path):
    with pytest.raises(SystemExit, match='error: .*none.pth: there is no such checkpoint'):
        tool.main([str(tmp_path / 'none.pth'), 'rgb=a=b', '--out', str(tmp_path / 'out')])


def test_the_output_folder_is_looked_at_first(tool, tmp_path):
    (tmp_path / 'out').touch()
    with pytest.raises(SystemExit, match='error: .*out: expected a folder for the results'):
        tool.main([str(tmp_path / 'none.pth'), 'rgb=a', '--out', str(tmp_path / 'out')])
