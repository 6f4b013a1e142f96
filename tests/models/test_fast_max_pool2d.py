"""The detour over channels-last memory changes no bit of torch's max pooling."""

import copy

import pytest
import torch
from torch import nn

from mmamf.models import RefineNetHead, SharedMultimodalResNet
from mmamf.models.fast_max_pool2d import FastMaxPool2d

SIZES = [(3, 2, 1), (5, 1, 2), (2, None, 0)]


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('sizes', SIZES, ids=str)
@pytest.mark.parametrize('shape', [(3, 4, 9, 8), (1, 1, 7, 6), (0, 2, 6, 6)], ids=str)
def test_equals_torch(shape, sizes, layout, dtype):
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=dtype).relu()  # many ties among the zeros
    x = x.contiguous(memory_format=layout)
    gradients = []
    for pool in (FastMaxPool2d(*sizes), nn.MaxPool2d(*sizes)):
        y = x.clone().requires_grad_()
        out = pool(y)
        weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
        (out * weights).sum().backward()
        gradients.append((out, y.grad))
    (found, grad), (expected, expected_grad) = gradients
    assert torch.equal(found, expected) and torch.equal(grad, expected_grad)
    assert found.stride() == expected.stride()


def test_values_that_are_no_numbers():
    x = torch.randn(2, 3, 6, 6)
    x[0, 0, 2, 2], x[1, 1, 3, 3] = torch.nan, -torch.inf
    found, expected = FastMaxPool2d(3, 2, 1)(x), nn.MaxPool2d(3, 2, 1)(x)
    assert torch.equal(found.isnan(), expected.isnan())
    assert torch.equal(found.nan_to_num(), expected.nan_to_num())


def test_gradient():
    x = torch.randn(2, 2, 6, 5, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(FastMaxPool2d(3, 2, 1), x)


def test_compiles_to_one_graph():
    x = torch.randn(2, 3, 8, 8, requires_grad=True)
    pool = FastMaxPool2d(3, 2, 1)
    compiled = torch.compile(pool, fullgraph=True, backend='aot_eager')
    assert torch.equal(compiled(x), pool(x))


def test_networks_pool_by_it():
    """The backbone and the head compute what they compute with torch's layer."""
    backbone = SharedMultimodalResNet(18, 2, base_channels=8, stem_channels=8)
    head = RefineNetHead(
        widths=(8, 8, 8, 8), in_channels=[8, 16, 32, 64], in_index=[0, 1, 2, 3], num_classes=3
    )
    model = nn.Sequential(backbone, head).eval()
    stock = copy.deepcopy(model)
    replaced = 0
    for parent in list(stock.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, FastMaxPool2d):
                plain = nn.MaxPool2d(child.kernel_size, child.stride, child.padding)
                setattr(parent, name, plain)
                replaced += 1
    assert replaced == 5
    x = torch.randn(1, 6, 40, 33)
    assert torch.equal(model(x), stock(x))
