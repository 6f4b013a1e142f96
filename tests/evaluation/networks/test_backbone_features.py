import pytest
import timm
import torch
import torchvision

from mmamf.evaluation import BackboneFeatures, FeatureDistanceMetric

RESNET = dict(type='mmseg.ResNet', depth=18)


@pytest.fixture
def resnet18(tmp_path):
    """A random ResNet of torchvision."""
    torch.manual_seed(0)
    network = torchvision.models.resnet18().eval()
    torch.save(network.state_dict(), tmp_path / 'resnet18.pth')
    return network


def images(size: tuple[int, int] = (224, 224)) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8, generator=generator)


@torch.no_grad()
def test_equals_torchvision(resnet18, tmp_path):
    """Before its classifier, on images normalized as torchvision has it."""
    network = BackboneFeatures(RESNET, str(tmp_path / 'resnet18.pth'), 'resnet18').eval()
    resnet18.fc = torch.nn.Identity()
    normalize = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    expected = resnet18(normalize(images() / 255))
    torch.testing.assert_close(network(images()), expected, rtol=1e-4, atol=1e-4)
    assert network(images((96, 128))).shape == (2, 512)


@pytest.mark.parametrize('wrap', ['backbone.', 'module.', 'state_dict'])
def test_checkpoints_of_frameworks(resnet18, tmp_path, wrap):
    state = resnet18.state_dict()
    if wrap == 'state_dict':
        state = dict(state_dict=state, meta={})
    else:
        state = {wrap + key: value for key, value in state.items()}
    torch.save(state, tmp_path / 'wrapped.pth')
    network = BackboneFeatures(RESNET, str(tmp_path / 'wrapped.pth'), 'resnet18')
    torch.testing.assert_close(network.backbone.conv1.weight, resnet18.conv1.weight)


@torch.no_grad()
def test_timm(tmp_path):
    torch.manual_seed(0)
    expected = timm.create_model('resnet10t', num_classes=0).eval()
    torch.save(expected.state_dict(), tmp_path / 'timm.pth')
    backbone = dict(
        type='mmseg.TIMMBackbone', model_name='resnet10t', features_only=True, pretrained=False
    )
    network = BackboneFeatures(
        backbone, str(tmp_path / 'timm.pth'), 'resnet10t', mean=(0, 0, 0), std=(255, 255, 255)
    )
    network.eval()
    torch.testing.assert_close(network(images()), expected(images() / 255), rtol=1e-4, atol=1e-4)


def test_metric_has_the_networks_name(resnet18, tmp_path, make_translated, evaluate):
    network = dict(
        type='BackboneFeatures',
        backbone=RESNET,
        checkpoint=str(tmp_path / 'resnet18.pth'),
        name='resnet18',
    )
    metric = FeatureDistanceMetric(network, subset_size=2)
    metrics = evaluate(metric, make_translated(images().float(), images().float()))
    assert list(metrics) == ['FD_resnet18', 'KD_resnet18']


def test_bad_input(resnet18, tmp_path):
    for path in ('torchvision://resnet18', 'https://host/resnet18.pth', str(tmp_path / 'no.pth')):
        with pytest.raises(FileNotFoundError, match=f'weights of resnet18 .* found none at {path}'):
            BackboneFeatures(RESNET, path, 'resnet18')
    weights = str(tmp_path / 'resnet18.pth')
    for backbone in (dict(**RESNET, pretrained=True), dict(type='mmseg.TIMMBackbone')):
        with pytest.raises(ValueError, match='with pretrained=False .* got pretrained=True'):
            BackboneFeatures(backbone, weights, 'resnet18')
    with pytest.raises(ValueError, match='expected the weights of ResNet, found none for .* of '):
        BackboneFeatures(dict(type='mmseg.ResNet', depth=34), weights, 'resnet34')
    with pytest.raises(ValueError, match=r'resnet18.pth: [\s\S]*size mismatch for conv1'):
        BackboneFeatures(dict(**RESNET, in_channels=1), weights, 'resnet18')
    for content in (b'', b'not a checkpoint', b'\x80\x02'):
        (tmp_path / 'text.pth').write_bytes(content)
        with pytest.raises(ValueError, match='text.pth: expected a checkpoint of torch, got'):
            BackboneFeatures(RESNET, str(tmp_path / 'text.pth'), 'resnet18')
