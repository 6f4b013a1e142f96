"""Networks of peers, built from stand-ins for checkouts of their code, and the benchmark of them.

A stand-in has files, names and signatures of the authors' code, and a tiny network of our own.
"""

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmamf.benchmarks.peers import (
    asymfusion,
    cmx,
    esanet,
    ready_logits_head,  # noqa: F401  (registers itself)
)
from mmamf.visualization.curves import read_scalars

ROOT = Path(__file__).resolve().parents[3]
CLOCK = 'mmamf.benchmarks.peers.training_clock_hook'
RGB = str(ROOT / 'configs/amf/amf_r18_refinenet_1xb4-adamw-2400_rooms-160x120_rgb.py')

ESANET = {
    'src/__init__.py': '',
    'src/models/resnet.py': """
import pandas as pd
from torch import nn


def stem(channels):
    return nn.Conv2d(channels, 4, 3, stride=2, padding=1)
""",
    'src/models/model.py': """
import warnings
from torch import nn
from src.models.resnet import stem


class ESANet(nn.Module):
    def __init__(self, height=480, width=640, num_classes=37, encoder_rgb='resnet18',
                 encoder_depth='resnet18', encoder_block='BasicBlock', channels_decoder=None,
                 pretrained_on_imagenet=True, pretrained_dir='.', activation='relu',
                 encoder_decoder_fusion='add', context_module='ppm', nr_decoder_blocks=None,
                 fuse_depth_in_rgb_encoder='SE-add', upsampling='bilinear'):
        super().__init__()
        assert not pretrained_on_imagenet
        warnings.warn('this block ignores arguments')
        self.rgb, self.depth = stem(3), stem(1)
        self.out = nn.ConvTranspose2d(4, num_classes, 2, stride=2)

    def forward(self, rgb, depth):
        side = self.rgb(rgb) + self.depth(depth)
        out = self.out(side)
        return (out, side) if self.training else out
""",
}
CMX = {
    'engine/__init__.py': '',
    'engine/logger.py': 'raise RuntimeError("this one changes the loggers of others")',
    'utils/__init__.py': '',
    'utils/init_func.py': 'def init_weight(module): module.is_initialized = True',
    'models/__init__.py': '',
    'models/builder.py': """
from torch import nn
from utils.init_func import init_weight
from engine.logger import get_logger

logger = get_logger()


class EncoderDecoder(nn.Module):
    def __init__(self, cfg=None, criterion=nn.CrossEntropyLoss(), norm_layer=nn.BatchNorm2d):
        super().__init__()
        logger.info('backbone')
        from .encoders.dual_segformer import mit_b0 as backbone
        assert (cfg.decoder, cfg.pretrained_model) == ('MLPDecoder', None)
        self.backbone = backbone(cfg.decoder_embed_dim, norm_layer)
        self.decode_head = nn.Conv2d(cfg.decoder_embed_dim, cfg.num_classes, 1)
        if criterion:
            init_weight(self.decode_head)

    def forward(self, rgb, modal_x, label=None):
        return self.decode_head(self.backbone(rgb) + 2 * self.backbone(modal_x))
""",
    'models/encoders/dual_segformer.py': """
from torch import nn
from timm.models.layers import DropPath, to_2tuple, trunc_normal_
from engine.logger import get_logger


def mit_b0(width, norm):
    conv = nn.Conv2d(3, width, to_2tuple(3), padding=1)
    trunc_normal_(conv.weight, std=.02)
    return nn.Sequential(conv, norm(width), DropPath(0.1))
""",
}
ASYMFUSION = {
    'models/parallel.py': """
from torch import nn


class ModuleParallel(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x_parallel):
        return [self.module(x) for x in x_parallel]
""",
    'models/model.py': """
from torch import nn
from utils.helpers import maybe_download
from .parallel import ModuleParallel


class RefineNet(nn.Module):
    def __init__(self, num_layers, num_parallel, num_classes):
        super().__init__()
        self.conv = ModuleParallel(nn.Conv2d(3, num_classes, 3, stride=4, padding=1))

    def forward(self, x):
        out = self.conv(x)
        return [*out, out[0] + 2 * out[1]], None


def refinenet(num_layers, num_classes, num_parallel, **kwargs):
    return RefineNet(num_layers, num_parallel, num_classes, **kwargs)
""",
}
PEERS = [
    (esanet.ESANet, ESANET, {}, 1, 'src/models/model.py'),
    (cmx.CMX, CMX, {'encoder': 'mit_b0'}, 1, 'models/builder.py'),
    (asymfusion.AsymFusion, ASYMFUSION, {}, 4, 'models/model.py'),
]
IDS = ['ESANet', 'CMX', 'AsymFusion']


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize('kind, files, options, stride, file', PEERS, ids=IDS)
def test_network_of_a_checkout(kind, files, options, stride, file, tmp_path, monkeypatch, recwarn):
    for name in ('src', 'models', 'models.model', 'utils', 'engine', 'timm', 'pandas'):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))  # somebody else's
    before, path = dict(sys.modules), list(sys.path)
    network = kind(write(tmp_path, files), num_classes=5, **options)
    assert sys.modules == before and sys.path == path
    written = [path for path in tmp_path.rglob('*') if path.is_file()]
    assert sorted(written) == sorted(tmp_path / name for name in files)  # no bytecode
    assert not any('ignores arguments' in str(warning.message) for warning in recwarn)
    x = torch.randn(2, 6, 32, 64)
    for training in (True, False):
        logits = network.train(training)(x)
        assert logits.shape == (2, 5, 32 // stride, 64 // stride)
    swapped = network(x.roll(3, 1))
    assert not torch.allclose(swapped, logits)  # RGB is RGB, and depth is depth


@pytest.mark.parametrize('kind, files, options, stride, file', PEERS, ids=IDS)
def test_what_is_no_such_checkout_is_refused(kind, files, options, stride, file, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'expected a checkout of https.*none is no folder'):
        kind(tmp_path / 'none', **options)
    (tmp_path / 'README.md').touch()
    with pytest.raises(FileNotFoundError, match=rf"expected {file} of https.*has \['README.md'\]"):
        kind(tmp_path, **options)
    write(tmp_path, files)
    (tmp_path / file).write_text('import no_such_package')
    with pytest.raises(ValueError, match='expected to import .* got: No module named .no_such'):
        kind(tmp_path, **options)
    (tmp_path / file).write_text('def another(): pass')
    with pytest.raises(ValueError, match=rf'expected to import .* from {file} .* has no attribute'):
        kind(tmp_path, **options)
    name = {esanet.ESANet: 'ESANet', cmx.CMX: 'EncoderDecoder'}.get(kind, 'refinenet')
    (tmp_path / file).write_text(f'def {name}(another): pass')
    with pytest.raises(ValueError, match='to take the arguments .* got: missing a required arg'):
        kind(tmp_path, **options)
    (tmp_path / file).write_text(f'def {name}(**arguments): return 5')
    with pytest.raises(ValueError, match='to build a torch module, got int'):
        kind(tmp_path, **options)


def test_cmx_has_no_other_encoders(tmp_path):
    with pytest.raises(ValueError, match="expected one of .*'mit_b0', 'mit_b2'.*got 'mit_b1'"):
        cmx.CMX(tmp_path, 'mit_b1')


def test_asymfusion_downloads_nothing(tmp_path):
    files = dict(ASYMFUSION)
    files['models/model.py'] += "\nmaybe_download('50', 'https://example.org')\n"
    with pytest.raises(ValueError, match='asks for a download'):
        asymfusion.AsymFusion(write(tmp_path, files))


def test_benchmark_measures_all_beside_each_other(tool, tmp_path, tiny_config, capsys):
    arguments = [tiny_config(), '--size', '64x64', '--classes', '7', '--repeats', '2']
    for name, files in (('esanet', ESANET), ('asymfusion', ASYMFUSION)):
        arguments += [f'--{name}', str(write(tmp_path / name, files))]
    out = tmp_path / 'speed.json'
    main = tool('benchmark_peers').main
    main([*arguments, '--out', str(out)])
    (found,) = json.loads(out.read_text()).values()
    names = ['tiny', 'tiny, deployed', 'ESANet resnet18', 'ESANet resnet34', 'AsymFusion resnet50']
    assert list(found['once']) == names and [list(r) for r in found['rounds']] == [names] * 2
    once = found['once']
    assert once['AsymFusion resnet50']['parameters'] == 7 * (27 + 1)
    assert once['AsymFusion resnet50']['gmacs'] == pytest.approx(2 * 16 * 16 * 7 * 27 / 1e9)
    assert once['tiny, deployed']['parameters'] < once['tiny']['parameters']
    assert once['tiny, deployed']['gmacs'] == once['tiny']['gmacs']
    assert all(0 < counts['memory'] < 500 for counts in once.values())
    table = capsys.readouterr().out
    assert 'round 2 of 2' in table and '| 1.00 (1.00..1.00) |' in table

    # the same command measures nothing again; one more round is added to those that are there
    first = out.read_bytes()
    main([*arguments, '--out', str(out)])
    assert out.read_bytes() == first and 'round' not in capsys.readouterr().out
    arguments[arguments.index('--repeats') + 1] = '3'
    main([*arguments, '--out', str(out)])
    (again,) = json.loads(out.read_text()).values()
    assert again['once'] == found['once'] and again['rounds'][:2] == found['rounds']
    assert len(again['rounds']) == 3


def test_memory_is_that_of_the_pass_beyond_the_process(tool):
    module = tool('mmamf.benchmarks.beside_peers')
    layer = torch.nn.Sequential(torch.nn.Upsample(scale_factor=16))  # 6 x 1024 x 1024 numbers
    before = torch.ones(2**25)  # 128 MiB that this process has already
    found = module.measure_once(lambda: layer, torch.ones(1, 6, 64, 64))
    assert 24 <= found['memory'] < 24 + 40 and len(before) == 2**25
    with pytest.raises(ValueError, match='a measuring process, but it ended with exit code 1'):
        tool('mmamf.benchmarks.apart').run_apart(lambda: 1 / 0)


def test_benchmark_says_what_is_wrong(tool, tmp_path, tiny_config):
    main, out = tool('benchmark_peers').main, str(tmp_path / 'speed.json')
    config, wrong = tiny_config(), str(tmp_path / 'none')
    arguments = ['--size', '40x64', '--out', out, '--repeats', '1']
    for paths, options, error in (
        ([config], ['--cmx', wrong], f'but {wrong} is no folder'),
        ([config], ['--esanet', str(write(tmp_path / 'e', ESANET))], '32, got 64 x 40 px'),
        ([config, config], [], "another name than 'tiny', as a config before"),
        ([RGB], [], f'{RGB}: expected a segmentor for two modalities, got 1'),
    ):
        with pytest.raises(SystemExit, match=re.escape(error)):
            main([*paths, *options, *arguments])


@pytest.mark.parametrize('wrong', [('--size', '640'), ('--repeats', '0')], ids=str)
def test_wrong_options(tool, capsys, wrong):
    with pytest.raises(SystemExit):
        tool('benchmark_peers').parse_args(['config.py', *wrong])
    assert f'{wrong[0]}: expected' in capsys.readouterr().err


def test_cmx_trains_as_ours_does(tmp_path):
    ours, peer = (
        Config.fromfile(ROOT / 'docs' / 'peers' / f'{name}.py') for name in ('ours', 'cmx')
    )
    for key in set(ours) - {'model'}:
        assert ours[key] == peer[key], key
    assert ours.model.data_preprocessor == peer.model.data_preprocessor
    assert ours.model.decode_head.head.loss_decode == peer.model.decode_head.loss_decode
    peer.model.backbone.checkout = str(write(tmp_path, CMX))
    model = MODELS.build(peer.model).train()
    model.init_weights()
    assert not list(model.decode_head.parameters())
    sample = SegDataSample(metainfo=dict(img_shape=(24, 32), ori_shape=(24, 32)))
    sample.gt_sem_seg = PixelData(data=torch.randint(14, (1, 24, 32)))
    x = torch.randn(1, 6, 24, 32)
    torch.manual_seed(0)
    found = model.loss(x, [sample])['decode.loss_ce']
    torch.manual_seed(0)  # the same random paths
    logits = model.backbone(x)
    expected = torch.nn.functional.cross_entropy(logits, sample.gt_sem_seg.data)
    torch.testing.assert_close(found, expected)
    found.backward()
    assert all(p.grad is not None for p in model.parameters())
    (predicted,) = model.eval().predict(x, [sample])
    assert predicted.pred_sem_seg.shape == (24, 32)


def test_clock_counts_the_training_alone(run_tool, tiny_config, tmp_path):
    config = tiny_config(custom_hooks=[dict(type='TrainingClockHook')])
    with open(config, 'a') as file:
        file.write(f"\ncustom_imports = dict(imports=['mmamf', '{CLOCK}'])\n")
    assert run_tool('train.py', config, '--work-dir', str(tmp_path / 'work')) == 0
    times = [
        found['cpu_seconds'] for _, found in read_scalars(tmp_path / 'work') if 'mIoU' in found
    ]
    assert len(times) == 3 and 0 < times[0] < times[1] < times[2]
