"""Every backbone of mmseg, at its smallest, in SharedMultimodalBackbone; see docs/backbones.md."""

import re
from pathlib import Path

import mmseg.models.backbones
import pytest
import torch
from backbone_list import (
    BACKBONES,
    PLACES,
    SINGLE_MAP,
    M,
    assert_close,
    build_plain,
    build_shared,
    draw,
    outputs_of,
)
from mmengine.registry import MODELS

from mmamf.models import SharedMultimodalBackbone
from mmamf.models.modality_specific_layer import ModalitySpecificLayer

UNTRIED = {'VPD'}  # needs the package of Stable Diffusion
DOCS = Path(__file__).parents[3] / 'docs/backbones.md'


@pytest.fixture(params=BACKBONES)
def cfg(request):
    return BACKBONES[request.param]


def private_layers(model):
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, ModalitySpecificLayer)
    }


def take(model, index):
    """State of the plain backbone of one modality."""
    state = {name: value.clone() for name, value in model.state_dict().items()}
    for name, layer in private_layers(model).items():
        for entry in layer.private_entries:
            key = f'{name}.{entry}'
            if key in state:
                state[key] = state[key].chunk(M)[index]
    return state


@pytest.mark.parametrize('training', [True, False])
def test_one_modality_is_the_plain_backbone(cfg, training):
    plain = build_plain(cfg)
    model = build_shared(cfg, plain, 1).train(training)
    plain.train(training)
    x = draw(cfg, 1)
    for mine, its in zip(outputs_of(model(x)), outputs_of(plain(x)), strict=True):
        assert torch.equal(mine, its)


def test_starts_as_the_plain_backbone(cfg):
    plain = build_plain(cfg)
    model = build_shared(cfg, plain)
    assert model.backbone.state_dict().keys() == plain.state_dict().keys()
    plain.eval(), model.eval()
    x = draw(cfg)
    result = outputs_of(model(x))
    for m, own in enumerate(x.chunk(M, dim=1)):
        assert_close([maps[m::M] for maps in result], plain(own), 1e-3)


def test_equals_a_plain_backbone_per_modality_in_training(cfg):
    """With norms that differ: outputs, gradients and running statistics, all in float64."""
    model = build_shared(cfg, build_plain(cfg)).double().train()
    layers = private_layers(model.backbone)
    for layer in layers.values():
        for value in layer.state_dict().values():
            value.uniform_(0.5, 1.5) if value.is_floating_point() else None
    states = [take(model.backbone, m) for m in range(M)]
    x = draw(cfg).double()
    result = outputs_of(model(x))
    weights = [torch.randn_like(maps) for maps in result]
    weigh_up(result, weights).backward()
    untrained = set()
    for m, own in enumerate(x.chunk(M, dim=1)):
        plain = build_plain(cfg).double()
        plain.train()
        plain.load_state_dict(states[m])
        expected = outputs_of(plain(own))
        assert_close([maps[m::M] for maps in result], expected, 1e-8)
        after = take(model.backbone, m)
        for name, buffer in plain.named_buffers():
            torch.testing.assert_close(after[name], buffer)
        weigh_up(expected, [w[m::M] for w in weights]).backward()
        gradients = {name: value.grad for name, value in plain.named_parameters()}
        largest = max(grad.abs().max().item() for grad in gradients.values() if grad is not None)
        for name, layer in layers.items():
            for key, value in layer.named_parameters():
                its, mine = gradients[f'{name}.{key}'], value.grad
                if its is None or its.abs().max() < 1e-10 * largest:
                    untrained.add(f'{name}.{key}')
                if its is None:
                    assert mine is None
                else:
                    mine = mine.chunk(M)[m]
                    torch.testing.assert_close(mine, its, rtol=1e-6, atol=1e-11 * largest)
    # What is added to a map in front of a batch norm is taken away again, in any network.
    assert all(name.endswith('.bias') for name in untrained)


def weigh_up(outputs, weights):
    return sum((maps * w).sum() for maps, w in zip(outputs, weights, strict=True))


def test_a_step_of_one_modality_leaves_the_norms_of_the_other(cfg):
    model = build_shared(cfg, build_plain(cfg)).train()
    before = [take(model.backbone, m) for m in range(M)]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    outputs = outputs_of(model(draw(cfg)))
    sum((maps[0::M] * torch.randn_like(maps[0::M])).sum() for maps in outputs).backward()
    optimizer.step()
    after = [take(model.backbone, m) for m in range(M)]
    private = {
        f'{name}.{key}'
        for name, layer in private_layers(model.backbone).items()
        for key, _ in layer.named_parameters()
    }
    assert all(torch.equal(after[1][key], before[1][key]) for key in private)
    moved = [key for key in private if not torch.equal(after[0][key], before[0][key])]
    assert len(moved) > len(private) / 2


def test_plain_checkpoint_loads_into_every_modality(cfg, tmp_path):
    plain = build_plain(cfg)
    torch.save(plain.state_dict(), tmp_path / 'plain.pth')
    pretrained = dict(type='Pretrained', checkpoint=str(tmp_path / 'plain.pth'))
    model = SharedMultimodalBackbone(M, {**cfg, 'init_cfg': pretrained})
    model.init_weights()
    for m in range(M):
        state = take(model.backbone, m)
        assert state.keys() == plain.state_dict().keys()
        assert all(torch.equal(state[key], value) for key, value in plain.state_dict().items())
    again = SharedMultimodalBackbone(M, cfg)
    again.load_state_dict(model.state_dict(), strict=True)
    for key, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)


def test_fuses_an_output(cfg):
    plain = build_plain(cfg)
    fusion = dict(type='ChannelShufflePixelShiftFusion')
    fused = build_shared(cfg, plain, fusion=fusion, fusion_stages=[0]).eval()
    x = draw(cfg)
    if cfg['type'] in SINGLE_MAP:
        with pytest.raises(ValueError, match=f'{cfg["type"]} returned a Tensor'):
            fused(x)
        return
    expected = list(build_shared(cfg, plain).eval()(x))
    operator = MODELS.build(dict(fusion, num_modalities=M))
    expected[0] = operator.leave(*operator.enter(expected[0]))
    for mine, its in zip(fused(x), expected, strict=True):
        assert torch.equal(mine, its)


def test_docs_list_every_backbone():
    row = r'^\| `(.+?)`.*?\| (yes|no) \| (yes|no) \| (.+?) \|'
    rows = re.findall(row, DOCS.read_text(), re.MULTILINE)
    assert [name for name, *_ in rows] == sorted(BACKBONES | dict.fromkeys(UNTRIED), key=str.lower)
    assert {name.split(':')[0] for name, *_ in rows} == set(mmseg.models.backbones.__all__)
    for name, works, fuses, places in rows:
        assert (works == 'yes') == (name in BACKBONES)
        assert (fuses == 'yes') == (name in BACKBONES and name not in SINGLE_MAP)
        assert (re.findall('`(.+?)`', places) or None) == PLACES.get(name)
