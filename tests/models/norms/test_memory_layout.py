import copy

import pytest
import torch
from torch import nn

from mmamf.models import ModalitySpecificBN, ModalitySpecificIN, SharedMultimodalResNet
from mmamf.models.norms import make_norms_private

LAST = torch.channels_last


def randomize(norm):
    for value in norm.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5)
    return norm


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize(('n', 'm'), [(1, 1), (1, 2), (3, 2), (2, 3)])
@pytest.mark.parametrize('frozen', [False, True])
def test_equals_the_usual_layout(training, n, m, frozen):
    usual = randomize(ModalitySpecificBN(5, num_modalities=m)).train(training)
    usual.weight.requires_grad_(not frozen)
    last = copy.deepcopy(usual)
    x = (torch.randn(n * m, 5, 7, 6) * 3 + 2).requires_grad_()
    y = x.detach().contiguous(memory_format=LAST).requires_grad_()
    expected, out = usual(x), last(y)
    assert out.is_contiguous(memory_format=LAST)
    gradient = torch.randn_like(expected)
    expected.backward(gradient)
    out.backward(gradient)
    pairs = [(out, expected), (y.grad, x.grad), (last.bias.grad, usual.bias.grad)]
    if not frozen:
        pairs.append((last.weight.grad, usual.weight.grad))
    pairs += zip(last.state_dict().values(), usual.state_dict().values())
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_variance_of_maps_with_a_large_mean():
    norm = ModalitySpecificBN(4, num_modalities=2)
    x = (torch.randn(4, 4, 8, 8) + 1000).contiguous(memory_format=LAST)
    reference = nn.BatchNorm2d(4).double()
    torch.testing.assert_close(
        norm(x)[0::2].double(), reference(x[0::2].double()), rtol=0, atol=2e-3
    )


def test_statistics_may_change_before_backward():
    norm = randomize(ModalitySpecificBN(4, num_modalities=2)).eval()
    gradients = []
    for change in (0, 5):
        x = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
        out = norm(x.contiguous(memory_format=LAST))
        norm.running_mean.add_(change)
        norm.zero_grad()
        out.sum().backward()
        norm.running_mean.sub_(change)
        gradients.append(norm.weight.grad.clone())
    torch.testing.assert_close(*gradients)


def test_other_norms_take_the_layout_too():
    x = torch.randn(4, 3, 5, 6).contiguous(memory_format=LAST)
    norm = ModalitySpecificIN(3, num_modalities=2, affine=True)
    torch.testing.assert_close(norm(x), norm(x.contiguous()))


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize(('n', 'm'), [(1, 2), (2, 3)])
def test_no_map_of_a_network_leaves_the_layout(depth, training, n, m):
    torch.manual_seed(0)
    fusion = {'type': 'ChannelShufflePixelShiftFusion'}
    usual = SharedMultimodalResNet(depth, m, fusion=fusion, base_channels=8, stem_channels=8)
    usual = usual.double().train(training)
    last = copy.deepcopy(usual).to(memory_format=LAST)
    seen = []
    for layer in last.modules():
        if isinstance(layer, (nn.Conv2d, ModalitySpecificBN)):
            layer.register_forward_hook(lambda layer, inputs, out: seen.append((layer, out)))
    x = torch.randn(n, 3 * m, 65, 70, dtype=torch.double)
    outs = last(x.contiguous(memory_format=LAST))
    lost = [layer for layer, out in seen if not out.is_contiguous(memory_format=LAST)]
    assert len(seen) > 30 and not lost
    for ours, theirs in zip(outs, usual(x), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('layout', [torch.contiguous_format, LAST])
def test_relu_in_place_behind_it(layout, training):
    """It costs autograd nothing more, and the gradient is that of a ReLU out of place."""
    norm = randomize(ModalitySpecificBN(4, num_modalities=2)).train(training)
    x = torch.randn(4, 4, 5, 6).contiguous(memory_format=layout)
    gradients = []
    for inplace in (True, False):
        norm.zero_grad()
        y = x.clone().requires_grad_()
        out = norm(y)
        assert not out._is_view()
        nn.functional.relu(out, inplace).square().sum().backward()
        gradients.append((y.grad, norm.weight.grad, norm.bias.grad))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected)


class _Rectified(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x).relu()


def test_layers_that_need_their_output_are_guarded():
    """Of a layer with an activation, autograd notices a change in place of what it keeps."""
    norm = nn.Sequential(_Rectified(4))
    make_norms_private(norm, 2)
    out = norm(torch.randn(4, 4, 5, 6, requires_grad=True))
    out.add_(1)
    with pytest.raises(RuntimeError, match='modified by an inplace operation'):
        out.sum().backward()


@pytest.mark.parametrize('training', [True, False])
def test_compiles_to_one_graph(training):
    norm = randomize(ModalitySpecificBN(4, num_modalities=2)).train(training)
    x = torch.randn(4, 4, 5, 5).contiguous(memory_format=LAST)
    compiled = torch.compile(norm, fullgraph=True, backend='aot_eager')
    torch.testing.assert_close(compiled(x), norm(x))
