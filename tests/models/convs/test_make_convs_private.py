import copy
import pickle

import pytest
import torch
from mmcv.cnn.bricks.wrappers import Conv2d as MMCVConv
from mmengine.registry import MODELS
from timm.layers import Conv2dSame
from torch import nn

from mmamf.models import ModalitySpecificConv, SharedMultimodalResNet
from mmamf.models.convs import make_convs_private

M, N, C = 3, 2, 4
CONVS = {
    'plain': lambda: nn.Conv2d(C, 6, 3, stride=2, padding=1),
    'groups': lambda: nn.Conv2d(C, 2 * C, 3, groups=2, bias=False),
    'reflection': lambda: nn.Conv2d(C, C, 3, padding=1, padding_mode='reflect'),
    'same padding': lambda: Conv2dSame(C, 6, 3, stride=2),
    'wrapper of mmcv': lambda: MMCVConv(C, 6, 3),
}


@pytest.fixture(params=CONVS)
def conv(request):
    torch.manual_seed(0)
    return CONVS[request.param]()


def make(conv):
    """A network with a private convolution inside."""
    network = nn.Sequential(nn.Sequential(copy.deepcopy(conv)), nn.Identity())
    make_convs_private(network, ['0'], M)
    return network


def test_starts_from_the_plain_values(conv):
    network, x = make(conv), torch.randn(N * M, C, 9, 8)
    assert isinstance(network[0][0], ModalitySpecificConv | type(conv))
    torch.testing.assert_close(network(x), conv(x))


def test_equals_one_layer_per_modality(conv):
    network, x = make(conv), torch.randn(N * M, C, 9, 8)
    nn.init.normal_(network[0][0].weight)
    state = network[0][0].state_dict()
    out = network(x)
    out.square().sum().backward()
    for m in range(M):
        alone = copy.deepcopy(conv)
        alone.load_state_dict({key: value.chunk(M)[m] for key, value in state.items()})
        own = alone(x[m::M])
        torch.testing.assert_close(out[m::M], own)
        own.square().sum().backward()
        for key, value in alone.named_parameters():
            grad = network[0][0].get_parameter(key).grad.chunk(M)[m]
            torch.testing.assert_close(grad, value.grad, rtol=1e-4, atol=1e-4)


def test_checkpoints_and_copies(conv):
    network = make(conv)
    plain = nn.Sequential(nn.Sequential(conv), nn.Identity())
    assert network.state_dict().keys() == plain.state_dict().keys()
    nn.init.zeros_(network[0][0].weight)
    network.load_state_dict(plain.state_dict())
    x = torch.randn(N * M, C, 9, 8)
    for again in (network, copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        torch.testing.assert_close(again(x), plain(x))


def test_frozen_layers_stay_frozen(conv):
    conv.requires_grad_(False)
    assert not any(p.requires_grad for p in make(conv).parameters())


def test_one_modality_changes_nothing(conv):
    network = nn.Sequential(conv)
    make_convs_private(network, ['0'], 1)
    assert network[0] is conv


def resnet(m=2, **kwargs):
    return SharedMultimodalResNet(18, num_modalities=m, base_channels=4, stem_channels=4, **kwargs)


def test_parts_of_a_resnet():
    network = resnet(private_at=['conv1', 'layer[12]'], frozen_stages=1)
    private = {n for n, m in network.named_modules() if isinstance(m, ModalitySpecificConv)}
    convs = {n for n, m in network.named_modules() if isinstance(m, nn.Conv2d)}
    assert private == {n for n in convs if n.startswith(('conv1', 'layer1', 'layer2'))}
    trained = {n.split('.')[0] for n, p in network.named_parameters() if p.requires_grad}
    assert trained == {'layer2', 'layer3', 'layer4'}


def test_private_everywhere_equals_conv_cfg():
    fusion = dict(type='ChannelShufflePixelShiftFusion')
    stages = ['conv1', *(f'layer{i}' for i in (1, 2, 3, 4))]
    network = resnet(fusion=fusion, private_at=stages)
    other = resnet(fusion=fusion, conv_cfg=dict(type='ModalitySpecificConv'))
    other.load_state_dict(network.state_dict())
    x = torch.randn(2, 6, 64, 64)
    torch.testing.assert_close(network(x), other(x), rtol=0, atol=0)


def test_private_kernels_start_differently_without_a_checkpoint():
    network = resnet(private_at=['layer1'])
    network.init_weights()
    one, two = network.layer1[0].conv1.weight.chunk(2)
    assert not torch.equal(one, two)
    assert one.std().item() == pytest.approx(two.std().item(), rel=0.3)


def test_with_bands_all_first_kernels_are_private():
    network = resnet(bands=(3, 1), private_at=['conv1'])
    assert set(network.conv1.private) == {'0', '1'} and network.conv1.shared is None


def test_absent_modalities():
    network = resnet(private_at=['conv1', 'layer1']).eval()
    x = torch.randn(3, 6, 32, 32)
    whole = network(x)[-1]
    x[0, :3], x[2, 3:] = torch.nan, torch.nan
    out = network(x)[-1]
    there = [1, 2, 3, 4]  # rows of sample and modality
    torch.testing.assert_close(out[there], whole[there])


def test_backbone_of_another_library():
    backbone = dict(
        type='TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        features_only=True,
        pretrained=False,
        out_indices=(0, 1),
    )
    network = MODELS.build(
        dict(
            type='SharedMultimodalBackbone',
            num_modalities=2,
            backbone=backbone,
            private_at=['timm_model.conv_stem', 'timm_model.blocks.0'],
        )
    )
    stem = network.backbone.timm_model.conv_stem
    assert isinstance(stem, Conv2dSame) and len(stem.weight) == 2 * stem.out_channels
    assert [out.shape[0] for out in network(torch.randn(2, 6, 64, 64))] == [4, 4]


@pytest.mark.parametrize(
    'private_at, message',
    [
        (['layer9'], "private_at: 'layer9' fits no module of SharedMultimodalResNet; the closest"),
        (['bn1'], "expected modules with convolutions, got 'bn1', a ModalitySpecificBN without"),
        ('layer1', "private_at: expected a list of names of modules, got 'layer1'"),
        ([], r'private_at: expected a list of names of modules, got \[\]'),
    ],
)
def test_wrong_names(private_at, message):
    with pytest.raises(ValueError, match=message):
        resnet(private_at=private_at)
