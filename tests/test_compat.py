"""Tests of the repairs: each does its work where it is needed and nothing where it is not."""

import importlib.util
import os
import re
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.registry import HOOKS

from mmamf import compat


@pytest.fixture
def stock_checkpoint(tmp_path):
    hub = MessageHub('stock')
    hub.update_scalars(dict(loss=0.5, lr=0.01))
    hub.update_scalar('loss', 0.25)
    hub.update_info('best_score', np.float64(61.5))
    hub.update_info('confusion', np.arange(4, dtype=np.int64))
    path = tmp_path / 'stock.pth'
    torch.save(
        dict(meta=dict(iter=2), state_dict=OrderedDict(), message_hub=hub.state_dict()), path
    )
    return path


def run_python(code: str) -> str:
    """Run `code` in a fresh interpreter where the package is `c` and nothing is repaired yet."""
    load = (
        'import importlib.util as u, sys\n'
        f's = u.spec_from_file_location("compat", {compat.__file__!r})\n'
        'c = sys.modules["compat"] = u.module_from_spec(s)\n'
        's.loader.exec_module(c)\n'
    )
    result = subprocess.run(
        [sys.executable, '-c', load + code], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_apply_twice_changes_nothing_more():
    compat.apply()
    finders, schemas = list(sys.meta_path), len(compat.imports._LIBRARIES)
    construct = __import__('mmengine.model').model.MMDistributedDataParallel.__init__
    compat.apply()
    assert sys.meta_path == finders
    assert len(compat.imports._LIBRARIES) == schemas
    assert __import__('mmengine.model').model.MMDistributedDataParallel.__init__ is construct


def test_duplicate_keys_of_bases_are_explained(tmp_path):
    runtime = Path(__file__).parents[1] / 'configs' / '_base_' / 'default_runtime.py'
    config = tmp_path / 'mine.py'
    config.write_text(f"_base_ = ['mmseg::_base_/schedules/schedule_20k.py', '{runtime}']\n")
    with pytest.raises(ValueError, match='mine.py: two of its bases .*default_hooks') as caught:
        Config.fromfile(config)
    (advice,) = re.findall(r'write (.*) below the bases', str(caught.value))
    bases = ['mmseg::_base_/schedules/schedule_20k.py', 'mmseg::_base_/default_runtime.py']
    config.write_text(f'_base_ = {bases}\n{advice}\n')
    hooks = Config.fromfile(config).default_hooks
    checkpoint = HOOKS.build(hooks.checkpoint)
    assert (type(checkpoint).__name__, checkpoint.interval) == ('AtomicCheckpointHook', 2000)
    assert type(HOOKS.build(hooks.exact_resume)).__name__ == 'ExactResumeHook'

    (tmp_path / 'a.py').write_text('classes = 1')
    (tmp_path / 'b.py').write_text('classes = 2')
    config.write_text("_base_ = ['a.py', 'b.py']")
    with pytest.raises(ValueError, match=r"merges only a file with its bases: .*{'classes'}$"):
        Config.fromfile(config)


@pytest.mark.parametrize('before, after', [(None, '1'), ('0', '0')])
def test_albumentations_update_check(monkeypatch, before, after):
    monkeypatch.delenv('NO_ALBUMENTATIONS_UPDATE', raising=False)
    if before is not None:
        monkeypatch.setenv('NO_ALBUMENTATIONS_UPDATE', before)
    compat.imports.skip_albumentations_update_check()
    assert os.environ['NO_ALBUMENTATIONS_UPDATE'] == after


def test_pkg_resources_stand_in(monkeypatch):
    from mmengine.utils import get_installed_path, is_installed

    expected = get_installed_path('mmsegmentation')
    with monkeypatch.context() as patch:
        patch.setattr(sys, 'meta_path', list(sys.meta_path))
        patch.setattr(importlib.util, 'find_spec', lambda name: None)
        compat.imports.provide_pkg_resources()
        finder = sys.meta_path[-1]
    assert isinstance(finder, compat.imports._PkgResourcesFinder)
    monkeypatch.setattr(sys, 'meta_path', [finder, *sys.meta_path])
    monkeypatch.delitem(sys.modules, 'pkg_resources', raising=False)
    assert is_installed('mmsegmentation')
    assert not is_installed('no-such-package')
    assert get_installed_path('mmsegmentation') == expected
    assert sys.modules['pkg_resources'].__spec__.loader is finder
    del sys.modules['pkg_resources']


def test_pkg_resources_left_alone_where_present(monkeypatch):
    monkeypatch.setattr(sys, 'meta_path', list(sys.meta_path))
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: object())
    before = list(sys.meta_path)
    compat.imports.provide_pkg_resources()
    assert sys.meta_path == before


@pytest.mark.parametrize('version, expected', [('2.0.0', True), ('1.26.4', False)])
def test_numpy_bool8(monkeypatch, version, expected):
    monkeypatch.setattr(np, '__version__', version)
    monkeypatch.setitem(vars(np), 'bool8', None)  # so that whatever was there comes back
    del vars(np)['bool8']
    compat.imports.provide_numpy_bool8()
    assert ('bool8' in vars(np)) is expected


def test_torchvision_imports_without_its_operators():
    out = run_python(
        'c.imports.import_torchvision_without_ops(); import torchvision.models;'
        'print(torchvision.models.resnet18(num_classes=2).fc.out_features)'
    )
    assert out.strip() == '2'


def test_torchvision_is_not_imported_for_the_cure():
    assert run_python('c.apply(); import sys; print("torchvision" in sys.modules)') == 'False\n'


def test_torchvision_other_errors_are_not_hidden(tmp_path):
    (tmp_path / 'torchvision').mkdir()
    (tmp_path / 'torchvision' / '__init__.py').write_text('raise RuntimeError("disk on fire")')
    out = run_python(
        f'import sys; sys.path.insert(0, {str(tmp_path)!r})\n'
        'c.imports.import_torchvision_without_ops()\n'
        'try:\n'
        '    import torchvision\n'
        'except RuntimeError as error:\n'
        '    print(error)\n'
    )
    assert out == 'disk on fire\n'


def test_torchvision_with_its_operators_is_left_alone():
    out = run_python(
        'import torch\n'
        "own = torch.library.Library('torchvision', 'FRAGMENT')\n"
        "for name in ('nms', 'qnms'):\n"
        "    own.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')\n"
        'c.imports.import_torchvision_without_ops(); import torchvision\n'
        'print(len(c.imports._LIBRARIES))'
    )
    assert out == '0\n'


def test_stock_checkpoint_loads_with_weights_only(stock_checkpoint):
    compat.checkpoints.load_mmengine_checkpoints_safely()
    loaded = torch.load(stock_checkpoint, weights_only=True)
    buffer = loaded['message_hub']['log_scalars']['loss']
    assert isinstance(buffer, HistoryBuffer)
    assert buffer.data[0].tolist() == [0.5, 0.25]
    assert buffer.statistics('mean') == 0.375
    assert loaded['message_hub']['runtime_info']['best_score'] == 61.5


def test_getattr_is_not_allowed():
    compat.checkpoints.load_mmengine_checkpoints_safely()
    allowed = [g[0] if isinstance(g, tuple) else g for g in torch.serialization.get_safe_globals()]
    assert getattr not in allowed


@pytest.mark.parametrize('owner, name', [(HistoryBuffer, '__init__'), (np.ndarray, 'tofile')])
def test_checkpoint_cannot_reach_other_attributes(tmp_path, owner, name):
    class Reach:
        def __reduce__(self):
            return getattr, (owner, name)

    compat.checkpoints.load_mmengine_checkpoints_safely()
    torch.save(Reach(), tmp_path / 'reach.pth')
    with pytest.raises(Exception, match='only the statistics methods'):
        torch.load(tmp_path / 'reach.pth', weights_only=True)


def test_mmcv_stub_where_mmcv_has_no_operators():
    out = run_python(
        'find = u.find_spec\n'
        "u.find_spec = lambda name, *a: None if name == 'mmcv._ext' else find(name, *a)\n"
        'c.imports.import_torchvision_without_ops(); c.imports.provide_mmcv_ops_stub()\n'
        'u.find_spec = find\n'
        'import torch, mmcv.ops\n'
        'try:\n'
        '    mmcv.ops.nms(torch.rand(2, 4), torch.rand(2), 0.5)\n'
        'except NotImplementedError as error:\n'
        '    print(error)\n'
    )
    assert "'nms' needs mmcv built with its operators" in out


def test_mmcv_operators_left_alone(tmp_path):
    (tmp_path / 'mmcv').mkdir()
    (tmp_path / 'mmcv' / '__init__.py').touch()
    (tmp_path / 'mmcv' / '_ext.py').write_text("nms = 'compiled'")
    out = run_python(
        f'import sys; sys.path.insert(0, {str(tmp_path)!r})\n'
        'c.imports.provide_mmcv_ops_stub(); c.imports.provide_mmcv_ops_stub()\n'
        'print("mmcv._ext" in sys.modules)\n'
        'import mmcv._ext; print(mmcv._ext.nms)\n'
    )
    assert out == 'False\ncompiled\n'


def test_no_mmcv_at_all_says_what_to_install():
    out = run_python(
        "u.find_spec = lambda name: None if name == 'mmcv' else object()\n"
        'try:\n'
        '    c.imports.provide_mmcv_ops_stub()\n'
        'except ModuleNotFoundError as error:\n'
        '    print(error.name, error)\n'
    )
    assert out.startswith('mmcv mmamf needs mmcv') and 'pip install mmcv-lite==2.1.0' in out


@pytest.mark.skipif(torch.cuda.is_available(), reason='the repair is for machines without a GPU')
@pytest.mark.parametrize('launcher', ['pytorch', 'slurm'])
def test_distributed_on_cpu(launcher):
    out = run_python(
        'import atexit, os, torch\n'
        'atexit.register(lambda: print(torch.distributed.is_initialized()))\n'  # runs last
        "os.environ.update(RANK='0', LOCAL_RANK='0', WORLD_SIZE='1', MASTER_ADDR='127.0.0.1',\n"
        "    MASTER_PORT='0', SLURM_PROCID='0', SLURM_NTASKS='1', SLURM_NODELIST='localhost',\n"
        "    SLURM_LOCALID='0')\n"
        'c.distributed.distribute_on_cpu()\n'
        'from mmengine.dist import init_dist, get_backend\n'
        'from mmengine.model import MMDistributedDataParallel\n'
        'def is_synchronized(): return hasattr(torch.nn.SyncBatchNorm.forward, "__wrapped__")\n'
        'print(is_synchronized())\n'
        f'init_dist({launcher!r}, backend="nccl")\n'
        'print(is_synchronized())\n'
        'model = MMDistributedDataParallel(module=torch.nn.Linear(2, 2), device_ids=[0])\n'
        'print(get_backend(), model.device_ids, torch.cuda.set_device.__name__)\n'
    )
    assert out.split() == ['False', 'True', 'gloo', 'None', 'set_device', 'False']


def test_without_a_launch_torch_keeps_its_own_synchronized_norm():
    assert not hasattr(torch.nn.SyncBatchNorm.forward, '__wrapped__')


def test_configs_are_inherited_by_the_packages_name(tmp_path):
    """Works where the package is installed, editable or not, as `make test` has it."""
    child = tmp_path / 'child.py'
    child.write_text("_base_ = 'mmamf::amf/amf_r50_refinenet_1xb6-sgd-3x100e_nyudv2-500x500.py'\n")
    config = Config.fromfile(child)
    assert config.model.backbone.type == 'SharedMultimodalResNet'
    assert '_scope_' not in str(config)  # mmengine would look for registries of mmamf


def test_text_of_a_config_is_formatted_once(monkeypatch):
    calls = []

    def format_code(text: str, **kwargs) -> tuple[str, bool]:
        calls.append(text)
        return f'{text}  # formatted', True

    monkeypatch.setattr('mmengine.config.config.FormatCode', format_code)
    compat.configs.format_configs_once()
    compat.configs.format_configs_once()
    cfg, other = Config(dict(a=1)), Config(dict(a=2))
    assert cfg.pretty_text == Config(dict(a=1)).pretty_text
    assert cfg.pretty_text.endswith('# formatted')
    assert other.pretty_text != cfg.pretty_text
    cfg.a = 3
    assert 'a=3' in cfg.pretty_text
    assert len(calls) == 3


@pytest.mark.parametrize(
    ('named', 'files', 'expected'),
    [
        ('iter_4.pth', ['here/iter_4.pth'], 'here/iter_4.pth'),
        ('iter_4.pth', ['iter_4.pth'], 'here/iter_4.pth'),  # not one of the current directory
        ('{}/there/iter_4.pth', ['here/iter_4.pth', 'there/iter_4.pth'], 'here/iter_4.pth'),
        ('{}/there/iter_4.pth', ['there/iter_4.pth'], '{}/there/iter_4.pth'),
        ('{}/there/iter_4.pth', [], 'here/iter_4.pth'),
        ('s3://there/iter_4.pth', ['here/iter_4.pth'], 's3://there/iter_4.pth'),
        (None, [], None),
    ],
)
def test_mmengine_resumes_from_the_own_folder(tmp_path, monkeypatch, named, files, expected):
    from mmengine.runner import runner

    monkeypatch.chdir(tmp_path)
    for folder in ('here', 'there'):
        (tmp_path / folder).mkdir()
    for name in files:
        (tmp_path / name).touch()
    if named:
        (tmp_path / 'here' / 'last_checkpoint').write_text(named.format(tmp_path) + '\n')
    found = runner.find_latest_checkpoint('here')
    assert found == (expected and expected.format(tmp_path))


def test_only_rates_of_zero_stay_at_zero():
    from mmengine.optim import PolyLR

    parameters = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
    groups = [dict(params=[p], lr=lr) for p, lr in zip(parameters, (0.0, 0.001))]
    optimizer = torch.optim.SGD(groups, lr=1)
    scheduler = PolyLR(optimizer, eta_min=0.01, begin=0, end=4)
    for _ in range(4):
        optimizer.step()
        scheduler.step()
    assert [group['lr'] for group in optimizer.param_groups] == [0, pytest.approx(0.01)]
    assert scheduler.get_last_value() == [0, pytest.approx(0.01)]
