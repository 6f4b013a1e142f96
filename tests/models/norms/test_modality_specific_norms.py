import copy

import pytest
import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.runner.checkpoint import get_state_dict, load_state_dict
from torch import nn

from mmamf.models import ModalitySpecificBN, ModalitySpecificIN

M, C = 3, 4
TRACKED = {'affine': True, 'track_running_stats': True}
PAIRS = [(ModalitySpecificBN, nn.BatchNorm2d), (ModalitySpecificIN, nn.InstanceNorm2d)]
both_norms = pytest.mark.parametrize(('private', 'plain'), PAIRS, ids=['BN', 'IN'])
both_loaders = pytest.mark.parametrize(
    'load', [nn.Module.load_state_dict, load_state_dict], ids=['torch', 'mmengine']
)
BN_KEYS = ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']


def randomize(module):
    for value in module.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5)
    return module


@pytest.mark.parametrize('training', [True, False])
@both_norms
def test_equals_one_layer_per_modality(private, plain, training):
    ours = randomize(private(C, num_modalities=M, **TRACKED)).train(training)
    state = ours.state_dict()
    theirs = []
    for m in range(M):
        layer = plain(C, **TRACKED).train(training)
        layer.load_state_dict(
            {k: v[m * C : (m + 1) * C] if v.ndim else v for k, v in state.items()}
        )
        theirs.append(layer)
    x = torch.randn(2 * M, C, 5, 3)
    out = ours(x.clone())
    for m, layer in enumerate(theirs):
        torch.testing.assert_close(out[m::M], layer(x[m::M].clone()), rtol=1e-6, atol=1e-6)
        running_mean = ours.state_dict()['running_mean'][m * C : (m + 1) * C]
        torch.testing.assert_close(running_mean, layer.running_mean)


def test_gradients_stay_with_their_modality():
    norm = ModalitySpecificBN(C, num_modalities=2)
    norm(torch.randn(4, C, 3, 3))[0::2].square().sum().backward()
    assert norm.weight.grad[:C].abs().min() > 0
    assert torch.equal(norm.weight.grad[C:], torch.zeros(C))


@pytest.mark.parametrize(('kind', 'name'), [('BN', 'bn1'), ('IN', 'in1')])
def test_keys_are_those_of_a_plain_layer(kind, name):
    cfg = {'type': f'ModalitySpecific{kind}', 'num_modalities': M, **TRACKED}
    built, norm = build_norm_layer(cfg, C, postfix=1)
    assert built == name
    holder = nn.Sequential()
    holder.add_module(name, norm)
    expected = [f'{name}.{key}' for key in BN_KEYS]
    assert list(holder.state_dict()) == expected
    assert list(get_state_dict(holder)) == expected  # what mmengine writes into checkpoints


@both_loaders
@both_norms
def test_plain_checkpoint_loads_into_every_modality(private, plain, load):
    theirs = randomize(nn.Sequential(plain(C, **TRACKED)))
    ours = nn.Sequential(private(C, num_modalities=M, **TRACKED))
    load(ours, theirs.state_dict(), strict=True)
    for key, value in theirs.state_dict().items():
        loaded = ours.state_dict()[key]
        assert torch.equal(loaded, value.repeat(M) if value.ndim else value)


@both_loaders
@both_norms
def test_state_dict_round_trip(private, plain, load):
    first, second = (nn.Sequential(private(C, num_modalities=M, **TRACKED)) for _ in range(2))
    randomize(first)
    load(second, first.state_dict(), strict=True)
    for key, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[key], value)


@both_norms
def test_copies_keep_their_key_names(private, plain):
    assert list(copy.deepcopy(private(C, num_modalities=M, **TRACKED)).state_dict()) == BN_KEYS


@both_norms
def test_checkpoint_of_another_m_is_refused(private, plain):
    state = nn.Sequential(private(C, num_modalities=2, **TRACKED)).state_dict()
    ours = nn.Sequential(private(C, num_modalities=3, **TRACKED))
    with pytest.raises(ValueError, match=r'0\.weight: expected 3 x 4 values .* got 8'):
        load_state_dict(ours, state, strict=False)


def test_batch_that_m_does_not_divide_is_refused():
    with pytest.raises(ValueError, match='batch of 4 maps does not hold 3 modalities'):
        ModalitySpecificBN(C, num_modalities=3)(torch.zeros(4, C, 2, 2))


def test_needs_a_modality():
    with pytest.raises(ValueError, match='num_modalities must be at least 1, got 0'):
        ModalitySpecificBN(C, num_modalities=0)


def test_sync_bn_conversion_and_back():
    model = randomize(nn.Sequential(ModalitySpecificBN(C, num_modalities=M)))
    x = torch.randn(2 * M, C, 3, 3)
    expected = model.eval()(x)
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert isinstance(converted[0], nn.SyncBatchNorm)
    assert list(converted.state_dict()) == [f'0.{key}' for key in BN_KEYS]
    reverted = revert_sync_batchnorm(converted).eval()
    assert not isinstance(reverted[0], nn.SyncBatchNorm)
    torch.testing.assert_close(reverted(x), expected)


@both_norms
def test_weight_decay_rules_see_a_norm(private, plain):
    model = nn.Sequential(nn.Conv2d(3, C, 1), private(C, num_modalities=M, **TRACKED))
    wrapper = build_optim_wrapper(
        model,
        {
            'optimizer': {'type': 'SGD', 'lr': 0.1, 'weight_decay': 1e-4},
            'paramwise_cfg': {'norm_decay_mult': 0.0},
        },
    )
    decay = {id(g['params'][0]): g['weight_decay'] for g in wrapper.param_groups}
    assert decay[id(model[1].weight)] == decay[id(model[1].bias)] == 0
    assert decay[id(model[0].weight)] == 1e-4


def test_unconverted_official_checkpoint_is_refused():
    ours = nn.Sequential(ModalitySpecificBN(C, num_modalities=2))
    with pytest.raises(ValueError, match=r'0\.bn_0\.weight: .* tools/convert_checkpoint\.py'):
        load_state_dict(ours, {'0.bn_0.weight': torch.ones(C)}, strict=False)
