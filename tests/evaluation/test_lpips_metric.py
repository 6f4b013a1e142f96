import pytest
import torch
import torchvision
from lpips import LPIPS

from mmamf.evaluation import LPIPSMetric, lpips_metric


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A random AlexNet that is taken for the published one."""
    torch.manual_seed(0)
    path = tmp_path / 'alexnet.pth'
    torch.save(torchvision.models.alexnet().state_dict(), path)
    monkeypatch.setattr(lpips_metric, 'find_weights', lambda weights, url: weights)
    return path


def test_equals_the_authors_network(weights, make_translated, evaluate):
    truth, near, far = torch.rand(3, 2, 3, 64, 72, generator=torch.Generator().manual_seed(0)) * 255
    near = truth + 0.1 * (near - truth)
    metrics = evaluate(LPIPSMetric(weights), make_translated(truth, near, rgb=far, depth=truth))
    network = LPIPS(net='alex', pnet_rand=True, verbose=False)
    full = torchvision.models.alexnet()
    full.load_state_dict(torch.load(weights))
    for part in network.net.children():
        for index, layer in part.named_children():
            layer.load_state_dict(full.features[int(index)].state_dict())
    with torch.no_grad():
        expected = [
            network(truth / 127.5 - 1, x / 127.5 - 1).mean().item() for x in (near, far, truth)
        ]
    assert list(metrics) == ['LPIPS', 'rgb/LPIPS', 'depth/LPIPS']
    assert list(metrics.values()) == pytest.approx(expected, rel=1e-4)
    assert metrics['depth/LPIPS'] == 0 < metrics['LPIPS'] < metrics['rgb/LPIPS']


def test_no_weights(tmp_path, monkeypatch, evaluate, weights):
    with pytest.raises(ValueError, match='expected at least one sample, got none'):
        evaluate(LPIPSMetric(weights), [])
    monkeypatch.undo()
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    with pytest.raises(FileNotFoundError, match='alexnet-owt-7be5be79.pth at .*checkpoints.*none'):
        LPIPSMetric()
    with pytest.raises(ValueError, match='alexnet.pth: .* begins with 7be5be79, got the SHA-256'):
        LPIPSMetric(str(weights))
