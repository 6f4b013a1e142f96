"""Our parts against the numbers of the authors' own network."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from mmamf.checkpoints import convert_official
from mmamf.models import ChannelShufflePixelShiftFusion
from mmamf.models.backbones.fusible_blocks import FusibleBottleneck

ROOT = Path(__file__).parents[2]


def fold(first, second):
    """Two modalities as one folded batch, (2N, C, H, W)."""
    return torch.stack([first, second], dim=1).flatten(0, 1)


def test_operator_shuffles_and_shifts_like_the_official_one(golden, assert_close):
    tensors = golden('shift_shuffle')
    fusion = ChannelShufflePixelShiftFusion(num_modalities=2)
    shuffled, carry = fusion.enter(fold(tensors['x0'], tensors['x1']))
    assert_close(
        shuffled, fold(tensors['forward_shuffle0'], tensors['forward_shuffle1']), 'shuffle', 0
    )

    # Leaving with zeros, what remains is the shifted carry of the partner.
    left = fusion.leave(torch.zeros_like(shuffled), carry)
    assert_close(left, fold(tensors['forward_shift1'], tensors['forward_shift0']), 'shift', 0)


def make_bottleneck(tensors):
    """The golden bottleneck, with its weights in."""
    block = FusibleBottleneck(48, 12, norm_cfg={'type': 'ModalitySpecificBN', 'num_modalities': 2})
    block.fusion = ChannelShufflePixelShiftFusion(num_modalities=2)
    block.load_state_dict(rename(tensors, 'state.'))
    return block


def rename(tensors, prefix):
    """Our names and stacked values for the official entries under a prefix."""
    entries = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
    ours = {}
    for key, value in entries.items():
        if '.bn_1.' in key:
            continue
        if '.bn_0.' in key and not key.endswith('num_batches_tracked'):
            value = torch.cat([value, entries[key.replace('bn_0', 'bn_1')]])
        ours[key.replace('.bn_0', '').replace('.module', '')] = value
    return ours


def test_bottleneck_in_eval_mode(golden, assert_close):
    tensors = golden('bottleneck')
    block = make_bottleneck(tensors).eval()
    out = block(fold(tensors['x0'], tensors['x1']))
    assert_close(out, fold(tensors['eval0'], tensors['eval1']), 'eval')


def test_bottleneck_in_train_mode(golden, assert_close):
    tensors = golden('bottleneck')
    block = make_bottleneck(tensors).train()
    x = fold(tensors['x0'], tensors['x1']).requires_grad_()
    out = block(x)
    assert_close(out, fold(tensors['train0'], tensors['train1']), 'train')

    out.backward(fold(tensors['g0'], tensors['g1']))
    assert_close(x.grad, fold(tensors['gx0'], tensors['gx1']), 'gradient of the input')
    gradients = {name: parameter.grad for name, parameter in block.named_parameters()}
    expected = rename(tensors, 'grad.')
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        assert_close(gradient, expected[name], f'gradient of {name}')

    after = rename(tensors, 'after.')
    state = block.state_dict()
    assert len(after) == 6
    for name, statistics in after.items():
        assert_close(state[name], statistics, f'{name} after the step')


@pytest.fixture(scope='module')
def network(official_state):
    """The R50 network of configs/amf with the official weights."""
    cfg = Config.fromfile(ROOT / 'configs/amf/amf_r50_refinenet_1xb6-sgd-3x100e_nyudv2-500x500.py')
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(cfg.model)
    model.load_state_dict(convert_official(official_state), strict=True)
    return model.eval()


@pytest.mark.parametrize('wrapping', ['plain', 'segmenter', 'DataParallel'])
def test_converter_accepts_every_wrapping(official_state, wrapping):
    plain = convert_official(official_state)
    wrapped = {
        'plain': official_state,
        'segmenter': {'segmenter': official_state},
        'DataParallel': {f'module.{key}': value for key, value in official_state.items()},
    }[wrapping]
    converted = convert_official(wrapped)
    assert converted.keys() == plain.keys()
    assert all(torch.equal(converted[key], plain[key]) for key in plain)


@torch.no_grad()
def test_whole_network(golden, assert_close, network):
    tensors = golden('refinenet50')
    inputs = torch.cat([tensors['x0'], tensors['x1']], dim=1)
    members = network.decode_head._members(network.extract_feat(inputs))
    assert_close(members[:, 0], tensors['out0'], 'first modality')
    assert_close(members[:, 1], tensors['out1'], 'second modality')
    assert_close(network(inputs, mode='tensor'), tensors['ens'], 'ensemble')
    alpha = network.decode_head.alpha.softmax(0)
    assert_close(alpha, tensors['alpha_softmax'], 'weights of the ensemble')
