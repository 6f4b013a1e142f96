"""Counts of mmamf/analysis/complexity.py against hand counts, and the table of get_flops.py."""

from pathlib import Path

import pytest
import torch
from mmengine.analysis import FlopAnalyzer
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

from mmamf.analysis.count_parts import count_parts
from mmamf.deployment import single_modality_config
from mmamf.models.backbones.fusible_blocks import FusibleBasicBlock

CONFIGS = Path(__file__).resolve().parents[3] / 'configs' / 'amf'
ROOMS = CONFIGS / 'amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py'
UNET = CONFIGS / 'amf_unet_1xb4-adam-2k_rooms-128x96_rgb-depth2normal.py'
STEM = CONFIGS / 'amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_private-stem.py'
N, M, C, H, W = 3, 2, 8, 6, 10


class Twice(nn.Module):
    """Applies one layer twice."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(W, 5)
        self.auxiliary = nn.Conv2d(C, C, 1)

    def forward(self, x):
        return self.head.forward(self.layer(self.layer(x)))


@pytest.fixture
def counting(tool):
    return tool('mmamf.analysis.complexity')


@pytest.fixture
def get_flops(tool, monkeypatch):
    monkeypatch.setenv('COLUMNS', '120')
    return tool('get_flops')


@pytest.mark.parametrize(
    'fusion', [None, dict(type='ChannelShufflePixelShiftFusion', num_modalities=M)]
)
def test_block_on_a_folded_batch_by_hand(counting, fusion):
    norm = dict(type='ModalitySpecificBN', num_modalities=M)
    block = FusibleBasicBlock(C, C, norm_cfg=norm)
    block.fusion = fusion and MODELS.build(fusion)
    # two shared 3 x 3 convolutions for every map, a scale and a bias per modality
    assert counting.complexity(block, torch.zeros(N * M, C, H, W)) == (
        2 * 9 * C * C + 2 * 2 * M * C,
        2 * 9 * C * C * H * W * N * M / 1e9,
    )


@pytest.mark.parametrize(
    ('layer', 'macs'),
    [
        (nn.Conv2d(C, C, 3, padding=1), 9 * C * C * H * W),
        (nn.Conv2d(C, C, 3, padding=1, groups=4), 9 * C * C // 4 * H * W),
        (nn.ConvTranspose2d(C, C, 3, padding=1), 9 * C * C * H * W),
    ],
)
def test_shared_weight_counts_once_its_work_every_time(counting, layer, macs):
    model = Twice(layer).train()
    model.layer.eval()
    found = counting.complexity(model, torch.zeros(N, C, H, W))
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.gmacs == (2 * macs + C * H * W * 5) * N / 1e9
    assert model.training and not model.layer.training


def test_parts_even_where_forward_is_called_directly(counting):
    model = nn.Sequential()
    model.add_module('norm', nn.BatchNorm2d(C))
    model.add_module('twice', Twice(nn.Conv2d(C, C, 1)))
    parts = counting.complexity_of_parts(model[1], torch.zeros(N, C, H, W))
    assert parts['layer'] == (C * C + C, 2 * C * C * H * W * N / 1e9)
    assert parts['auxiliary'] == (C * C + C, 0)
    whole = counting.complexity_of_parts(model, torch.zeros(N, C, H, W))
    assert whole['norm'] == (2 * C, 0)
    assert whole['twice'] == counting.complexity(model[1], torch.zeros(N, C, H, W))


@pytest.mark.parametrize('path', [ROOMS, UNET], ids=lambda path: path.stem)
def test_without_memory_as_with_it_and_as_mmengine(counting, path):
    config = Config.fromfile(path).model
    found = []
    for device in ('cpu', 'meta'):
        with torch.device(device):
            model, inputs = MODELS.build(config), torch.zeros(2, 6, 32, 32)
            found.append(counting.complexity(model, inputs))
            parts = counting.complexity_of_parts(model, inputs)
        assert sum(part.gmacs for part in parts.values()) == pytest.approx(found[-1].gmacs)
        assert sum(part.parameters for part in parts.values()) == found[-1].parameters
    assert found[0] == found[1]
    traced = FlopAnalyzer(MODELS.build(config).eval(), torch.zeros(2, 6, 32, 32))
    traced.tracer_warnings('none').unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    assert traced.by_operator()['conv'] / 1e9 == found[0].gmacs


def test_table_of_a_segmentor(get_flops, capsys):
    get_flops.main([str(ROOMS)])
    said = capsys.readouterr().out
    assert '2 x 120 x 160 px' in said
    lines = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line.strip()}
    assert lines['backbone'] == ['2.80', 'M', '0.38', '5.60', 'M', '0.38']
    assert lines['decode_head'] == ['1.18', 'M', '0.52', '2.37', 'M', '0.52']
    assert lines['total'] == ['3.99', 'M', '0.90', '7.97', 'M', '0.90']


def test_table_of_a_translator_leaves_the_discriminator_out(get_flops, capsys):
    get_flops.main([str(UNET), '--shape', '32', '64'])
    said = capsys.readouterr().out
    assert '2 x 32 x 64 px' in said
    lines = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line.strip()}
    assert lines['total'] == lines['generator']
    assert lines['discriminator'] == ['*', '0.18', 'M']


def test_private_layers_are_separate_networks():
    config = Config.fromfile(ROOMS).model.to_dict()
    private = dict(conv_cfg=dict(type='ModalitySpecificConv'), fusion=None)
    config['backbone'] = {**config['backbone'], **private}
    own = count_parts(config, (32, 32))['backbone']
    separate = count_parts(single_modality_config(config), (32, 32))['backbone']
    assert own.parameters == 2 * separate.parameters
    assert own.gmacs == pytest.approx(2 * separate.gmacs)


def test_bands(get_flops, capsys):
    get_flops.main([str(STEM)])
    lines = {
        line.split()[0]: line.split()[1:]
        for line in capsys.readouterr().out.splitlines()
        if line.strip()
    }
    assert {'backbone', 'decode_head', 'total'} <= set(lines)


@pytest.mark.parametrize(
    ('arguments', 'error'),
    [
        ([], 'error: --shape: expected H W, as the config has neither'),
        (['--shape', '33', '32'], 'error: 5 levels need sides that are multiples of 32'),
    ],
)
def test_errors(get_flops, tmp_path, arguments, error):
    text = UNET.read_text().replace("'../", f"'{CONFIGS.parent}/")
    path = tmp_path / 'unet.py'
    path.write_text(text)
    options = ['--cfg-options', 'model.generator.image_size=None'] if not arguments else []
    with pytest.raises(SystemExit, match=error):
        get_flops.main([str(path), *arguments, *options])
