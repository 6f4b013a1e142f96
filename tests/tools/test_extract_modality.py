"""tools/extract_modality.py on a tiny model, whose branch a stock config loads."""

import importlib
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS as MMSEG_MODELS

from mmamf.deployment import extract_modality, load_segmentor

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module('extract_modality')


@pytest.mark.parametrize(('name', 'index'), [('rgb', 0), ('depth', 1)])
def test_stock_config_loads_it(tool, trained, tmp_path, capsys, name, index):
    config, checkpoint = trained(**{'model.backbone.fusion': None})
    model = load_segmentor(Config.fromfile(config), checkpoint)
    out = tmp_path / 'new' / 'branch.pth'
    tool.main([config, checkpoint, str(out), '--modality', name, '--samples', '2'])
    printed = capsys.readouterr().out
    assert 'lost: nothing' in printed
    assert 'features differ by 0.0%, 0.0%, 0.0%, 0.0%' in printed
    assert '0.0% of the pixels are predicted otherwise' in printed

    saved = torch.load(out, weights_only=True)
    backbone = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8)
    assert saved['meta']['backbone'] == backbone | dict(norm_cfg=dict(type='BN'))
    assert saved['meta']['modality'] == saved['meta']['data_preprocessor']['name'] == name
    stock = MMSEG_MODELS.build(
        backbone | dict(init_cfg=dict(type='Pretrained', checkpoint=str(out)))
    )
    assert stock.state_dict().keys() == saved['state_dict'].keys()
    stock.init_weights()
    stock.eval()
    x = torch.randn(2, 6, 40, 56)
    for own, level in zip(stock(x[:, 3 * index : 3 * index + 3]), model.extract_feat(x)):
        torch.testing.assert_close(own, level[index::2], rtol=1e-4, atol=1e-5)


def test_what_fusion_loses_is_said_and_measured(tool, trained, tmp_path, capsys):
    config, checkpoint = trained()
    tool.main([config, checkpoint, str(tmp_path / 'branch.pth'), '--samples', '3'])
    printed = capsys.readouterr().out
    for stage in range(1, 5):
        assert f'lost: what rgb received at backbone.layer{stage}.1.fusion' in printed
    assert 'on 3 test images' in printed
    assert 'features differ by 0.0%' not in printed


def test_images_that_lack_it_are_not_measured_on(tool, trained, tmp_path, capsys):
    config, checkpoint = trained(**{'test_dataloader.dataset.optional': ['rgb', 'depth']})
    root = Path(Config.fromfile(config).test_dataloader.dataset.data_root)
    first, second, *others = sorted(root.glob('**/rgb/*'))
    arguments = [config, checkpoint, str(tmp_path / 'branch.pth'), '--samples', '1']
    first.unlink()
    tool.main(arguments)
    printed = capsys.readouterr().out
    assert 'on 1 test images' in printed and 'nan' not in printed
    for path in (second, *others):
        path.unlink()
    tool.main(arguments)
    assert 'was not measured: no test image has rgb' in capsys.readouterr().out


def test_measure_by_hand(tool, trained):
    config, checkpoint = trained()
    cfg = Config.fromfile(config)
    model = load_segmentor(cfg, checkpoint)
    single = extract_modality.single_modality_model(model, cfg.model.to_dict(), 'depth')
    sample = extract_modality.DATASETS.build(cfg.test_dataloader.dataset)[0]
    levels, others = extract_modality.measure(model, single, 1, [sample])
    with torch.no_grad():
        x = model.data_preprocessor(extract_modality.pseudo_collate([sample]))['inputs']
        inside, alone = model.extract_feat(x), single.extract_feat(x[:, 3:])
    expected = [((a[1:] - b).norm() / a[1:].norm()).item() for a, b in zip(inside, alone)]
    assert levels == pytest.approx(expected, rel=1e-4)
    assert 0 <= others <= 1


def test_without_images_nothing_is_measured(tool, trained, tmp_path, capsys):
    config, checkpoint = trained()
    options = ['--cfg-options', 'test_dataloader.dataset.data_root=nowhere']
    tool.main([config, checkpoint, str(tmp_path / 'branch.pth'), *options])
    assert 'was not measured' in capsys.readouterr().out
    tool.main([config, checkpoint, str(tmp_path / 'branch.pth'), *options, '--samples', '0'])
    assert 'measured' not in capsys.readouterr().out


def test_errors(tool, trained, tmp_path):
    config, checkpoint = trained()
    out = str(tmp_path / 'branch.pth')
    with pytest.raises(SystemExit, match="error: modality: expected one of .*, got 'thermal'"):
        tool.main([config, checkpoint, out, '--modality', 'thermal'])
    with pytest.raises(SystemExit, match='error: nothing.pth: there is no such checkpoint'):
        tool.main([config, 'nothing.pth', out])
