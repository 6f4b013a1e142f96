"""Kernels for RGB, spread over other numbers of channels."""

import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from mmamf.models.convs.first_kernel import accept_rgb, average_kernel, tile_kernel

KERNEL = torch.randn(5, 3, 7, 7, generator=torch.Generator().manual_seed(0))
BANDS = [1, 2, 3, 4, 8]


@pytest.mark.parametrize('bands', BANDS)
@pytest.mark.parametrize('spread', [average_kernel, tile_kernel])
def test_response_to_a_constant_stays(spread, bands):
    kernel = spread(KERNEL, bands)
    assert kernel.shape == (5, bands, 7, 7)
    torch.testing.assert_close(kernel.sum(1), KERNEL.sum(1))
    assert bands != 3 or torch.equal(kernel, KERNEL)


@pytest.mark.parametrize('bands', BANDS)
def test_average_treats_all_bands_alike(bands):
    if bands != 3:
        kernel = average_kernel(KERNEL, bands)
        torch.testing.assert_close(kernel, kernel[:, :1].expand_as(kernel))


@pytest.mark.parametrize('bands', [3, 4, 5, 6, 8])
def test_tiled_rgb_gives_the_response_of_rgb(bands):
    image = torch.randn(2, 3, 9, 9)
    tiled = image[:, [index % 3 for index in range(bands)]]
    out = nn.functional.conv2d(tiled, tile_kernel(KERNEL, bands))
    torch.testing.assert_close(out, nn.functional.conv2d(image, KERNEL), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('load', [nn.Module.load_state_dict, load_state_dict])
def test_a_convolution_loads_both(load):
    network = nn.Sequential(nn.Conv2d(8, 5, 7))
    accept_rgb(network[0])
    own = {key: torch.randn_like(value) for key, value in network.state_dict().items()}
    load(network, own)
    assert torch.equal(network[0].weight, own['0.weight'])
    load(network, {'0.weight': KERNEL, '0.bias': own['0.bias']})
    assert torch.equal(network[0].weight, tile_kernel(KERNEL, 8))
    with pytest.raises(RuntimeError, match='size mismatch for 0.weight'):
        network.load_state_dict({'0.weight': KERNEL[:, :2], '0.bias': own['0.bias']})
