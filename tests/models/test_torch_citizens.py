"""What torch and OpenMMLab do to any network works with ours where it works with mmseg's ResNet."""

import copy
import pickle

import pytest
import torch
from mmengine.model.efficient_conv_bn_eval import turn_on_efficient_conv_bn_eval
from mmengine.optim import build_optim_wrapper
from mmseg.models.backbones import ResNet
from torch import fx, nn
from torch.distributed import checkpoint as dcp
from torch.distributed.checkpoint.state_dict import get_model_state_dict, set_model_state_dict

from mmamf.models import ModalitySpecificBN, SharedMultimodalBackbone, SharedMultimodalResNet
from mmamf.models.fusions import FusionOperator

FUSION = dict(type='ChannelShufflePixelShiftFusion')
SMALL = dict(base_channels=8, stem_channels=8)
PRIVATE = dict(conv_cfg=dict(type='ModalitySpecificConv'), norm_cfg=dict(type='ModalitySpecificBN'))
KINDS = {
    'plain': lambda **k: ResNet(18, **SMALL, **k),
    'one modality': lambda **k: SharedMultimodalResNet(18, 1, **SMALL, **k),
    'two': lambda **k: SharedMultimodalResNet(18, 2, **SMALL, **k),
    'fused': lambda **k: SharedMultimodalResNet(18, 2, FUSION, **SMALL, **k),
    'private': lambda **k: SharedMultimodalResNet(18, 2, FUSION, **PRIVATE, **SMALL, **k),
    'any': lambda **k: SharedMultimodalBackbone(2, dict(type='ResNet', depth=18, **SMALL, **k)),
    'any, fused inside': lambda **k: SharedMultimodalBackbone(
        2, dict(type='ResNet', depth=18, **SMALL, **k), FUSION, fuse_at=['layer?.1.conv1']
    ),
}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def build(kind, **kwargs):
    torch.manual_seed(0)
    net = KINDS[kind](**kwargs)
    net.train(False)
    for name, value in net.state_dict().items():
        if 'running_var' in name:
            value.uniform_(0.5, 1.5)
    return net


def draw(kind, n=2, size=33):
    torch.manual_seed(1)
    return torch.randn(n, 3 if kind in ('plain', 'one modality') else 6, size, size)


def other_weights(net):
    """As a checkpoint of another network has them, by its keys."""
    state = {name: value.clone() for name, value in net.state_dict().items()}
    for value in state.values():
        if value.is_floating_point():
            value.mul_(1.1)
    return state


def test_parameters_have_the_names_of_the_state_dict(kind):
    net = build(kind)
    names = {*dict(net.named_parameters()), *dict(net.named_buffers())}
    assert names == set(net.state_dict())
    for name, value in net.state_dict(keep_vars=True).items():
        owner, _, attribute = name.rpartition('.')
        assert getattr(net.get_submodule(owner), attribute) is value


def test_functional_call_takes_a_state_dict(kind):
    net, x = build(kind), draw(kind)
    state = other_weights(net)
    found = torch.func.functional_call(net, state, (x,))
    assert not torch.allclose(found[-1], net(x)[-1])
    net.load_state_dict(state)
    for mine, its in zip(found, net(x), strict=True):
        assert torch.equal(mine, its)


def test_distributed_checkpoints(kind, tmp_path):
    net, again = build(kind), build(kind)
    net.load_state_dict(other_weights(net))
    dcp.save({'model': net.state_dict()}, checkpoint_id=tmp_path, no_dist=True)
    model_state = get_model_state_dict(net)
    assert model_state.keys() == net.state_dict().keys()
    loaded = {'model': again.state_dict()}
    dcp.load(loaded, checkpoint_id=tmp_path, no_dist=True)
    set_model_state_dict(again, loaded['model'])
    for key, value in net.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)


def test_missing_keys_are_named_as_they_are_stored():
    net = build('two')
    state = net.state_dict()
    del state['bn1.weight'], state['layer1.0.bn2.running_var']
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert missing == ['bn1.weight', 'layer1.0.bn2.running_var'] and not unexpected


def test_rules_of_an_optimizer_see_one_name_once():
    net = build('private')
    cfg = dict(
        optimizer=dict(type='SGD', lr=1.0, weight_decay=1.0),
        paramwise_cfg=dict(
            norm_decay_mult=0, custom_keys={'bn1.weight': dict(lr_mult=3), 'conv1': dict(lr_mult=2)}
        ),
    )
    groups = build_optim_wrapper(net, cfg).param_groups
    of = {id(p): group for group in groups for p in group['params']}
    assert all(
        sum(p is q for group in groups for q in group['params']) == 1 for p in net.parameters()
    )
    names = dict(net.named_parameters())
    assert of[id(names['bn1.weight'])]['lr'] == 3 and of[id(names['bn1.bias'])]['lr'] == 1
    assert of[id(names['conv1.weight'])]['lr'] == 2
    for name, parameter in names.items():
        expected = 0 if 'bn' in name or 'downsample.1' in name else 1
        if 'bn1.weight' not in name and 'conv1' not in name:
            assert of[id(parameter)]['weight_decay'] == expected, name


@pytest.mark.parametrize('training', [False, True])
def test_second_derivatives(kind, training):
    """Of a small part in double precision against differences, and of the network at all."""
    net = build(kind).double()
    net.train(training)
    x = draw(kind).double().requires_grad_()
    out = net(x)[0].tanh().sum()
    (gradient,) = torch.autograd.grad(out, x, create_graph=True)
    gradient.square().sum().backward()
    parameters = [p for name, p in net.named_parameters() if name.endswith('conv1.weight')]
    assert parameters[0].grad.abs().sum() > 0 and x.grad.isfinite().all()
    direction = torch.randn_like(x)

    def slope(at):
        at = at.detach().requires_grad_()
        (own,) = torch.autograd.grad(net(at)[0].tanh().sum(), at)
        return own.square().sum()

    step = 1e-5
    expected = (slope(x + step * direction) - slope(x - step * direction)) / (2 * step)
    found = (x.grad * direction).sum()
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=1e-6)


def test_torch_func(kind):
    """Gradients of every sample by itself: grad and vmap, and what autograd gives."""
    net, x = build(kind), draw(kind)
    parameters = dict(net.named_parameters())
    buffers = dict(net.named_buffers())

    def loss(parameters, sample):
        out = torch.func.functional_call(net, (parameters, buffers), (sample[None],))
        return out[-1].square().mean()

    found = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(parameters, x)
    for index, sample in enumerate(x):
        gradients = torch.autograd.grad(loss(parameters, sample), list(parameters.values()))
        for (name, parts), own in zip(found.items(), gradients, strict=True):
            torch.testing.assert_close(parts[index], own, rtol=1e-3, atol=1e-6, msg=name)
    mapped = torch.func.vmap(lambda sample: net(sample[None])[-1][:, :, 0, 0])(x)
    assert mapped.shape[0] == len(x)


def test_symbolic_trace(kind):
    net = build(kind)
    graph = fx.symbolic_trace(net)
    for n, size in ((2, 33), (3, 40)):
        for mine, its in zip(graph(draw(kind, n, size)), net(draw(kind, n, size)), strict=True):
            assert torch.equal(mine, its)
    if kind == 'two':
        with pytest.raises(ValueError, match='expected 6 input channels'):
            graph(torch.zeros(1, 3, 33, 33))
        graph.train()
        before = net.bn1.running_mean.clone()
        graph(draw(kind))
        assert graph.bn1.num_batches_tracked == 1 and not torch.equal(
            graph.bn1.running_mean, before
        )


def test_efficient_conv_bn_eval(kind):
    net = build(kind)
    expected = net(draw(kind))
    model = nn.Module()
    model.backbone = net
    turn_on_efficient_conv_bn_eval(model, 'backbone')
    assert 'forward' in vars(net)
    for mine, its in zip(net(draw(kind)), expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-4)


def test_export_from_a_small_example(kind):
    net = build(kind)
    batch = torch.export.Dim('batch', min=2, max=64)
    program = torch.export.export(net, (draw(kind),), dynamic_shapes=({0: batch},))
    module = program.module()
    for n in (2, 5):
        for mine, its in zip(module(draw(kind, n)), net(draw(kind, n)), strict=True):
            torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-5)


def test_copies_and_pickles(kind):
    net, x = build(kind), draw(kind)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        for mine, its in zip(other(x), net(x), strict=True):
            assert torch.equal(mine, its)


def test_synchronized_and_back(kind):
    net, x = build(kind), draw(kind)
    expected = net(x)
    norms = {name for name, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)}
    synchronized = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(net))
    converted = {n for n, m in synchronized.named_modules() if isinstance(m, nn.SyncBatchNorm)}
    assert converted == norms
    for mine, its in zip(synchronized(x), expected, strict=True):
        assert torch.equal(mine, its)


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize('fusion', [None, FUSION])
def test_blocks_say_whether_they_recompute(depth, fusion):
    for with_cp in (False, True):
        net = SharedMultimodalResNet(depth, 2, fusion, with_cp=with_cp, **SMALL)
        assert all(
            block.with_cp is with_cp for layer in (net.layer1, net.layer4) for block in layer
        )


def test_norms_that_stay_frozen():
    net = SharedMultimodalResNet(18, 2, norm_eval=True, frozen_stages=1, **SMALL).train()
    norms = [m for m in net.modules() if isinstance(m, ModalitySpecificBN)]
    assert len(norms) == 20 and not any(norm.training for norm in norms)
    assert not net.bn1.weight.requires_grad and net.layer2[0].bn1.weight.requires_grad


def test_no_module_is_looked_for_in_a_forward_pass(monkeypatch):
    """Who has to know is decided when a network is built."""
    net = build('fused')
    operator = next(m for m in net.modules() if isinstance(m, FusionOperator))
    assert operator.batch is net.batch
    monkeypatch.setattr(nn.Module, 'named_modules', None)  # cannot be called
    for batch in (draw('fused'), draw('fused').index_fill(1, torch.arange(3), torch.nan)):
        assert net(batch)[0].isfinite().any()
