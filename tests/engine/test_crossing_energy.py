import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from mmamf.engine.crossing_energy import CrossingEnergy
from mmamf.models import FusionOperator, SharedMultimodalResNet, SharedMultimodalUnetGenerator

N, M, C, H, W = 2, 3, 10, 5, 6


class Apart(FusionOperator):
    """Exchanges nothing."""

    def leave(self, x, carry):
        return x


class Partner(FusionOperator):
    """Gives every modality the maps of the next one, and takes a third of them back."""

    def enter(self, x):
        partner = x.unflatten(0, (-1, self.num_modalities)).roll(-1, 1).flatten(0, 1)
        return partner, x

    def leave(self, x, carry):
        others = carry.unflatten(0, (-1, self.num_modalities)).roll(-1, 1).flatten(0, 1)
        return x + others / 3


class Point(nn.Module):
    """A fusion point with a convolution, and with what it was called with."""

    def __init__(self, fusion):
        super().__init__()
        self.fusion = fusion
        self.conv = nn.Conv2d(C, C, 3, padding=1)

    def forward(self, x):
        entered, carry = self.fusion.enter(x)
        self.between = self.conv(entered)
        return self.fusion.leave(self.between, carry)


def measure(model, *inputs):
    """Shares, and whether the outputs stay what they are."""
    model.eval()
    with torch.no_grad():
        before = [model(x) for x in inputs]
        crossing = CrossingEnergy(model)
        crossing.start()
        during = [model(x) for x in inputs]
        shares = crossing.stop()
        after = [model(x) for x in inputs]
    torch.testing.assert_close([before, before], [during, after], rtol=0, atol=0)
    return shares


def test_nothing_crosses():
    shares = measure(Point(Apart(M)), torch.randn(N * M, C, H, W))
    assert shares == {'fusion/enter': 0, 'fusion/leave': 0}


def test_one_modality_has_no_shares():
    assert measure(Point(Partner(1)), torch.randn(N, C, H, W)) == {}


def test_what_is_carried_crosses_in_leave():
    model, inputs = Point(Partner(M)), [torch.randn(N * M, C, H, W) for _ in range(2)]
    own = foreign = 0
    for x in inputs:
        model(x)
        own += model.between.square().sum().item()
        foreign += (x / 3).square().sum().item()
    shares = measure(model, *inputs)
    assert shares['fusion/enter'] == 1
    assert shares['fusion/leave'] == pytest.approx(foreign / (own + foreign))


@pytest.mark.parametrize('m', [2, 3])
def test_shuffle_and_shift_map_by_map(m):
    """A fifth of the channels enters and leaves exchanged; the shifted maps are added besides."""
    fusion = MODELS.build(dict(type='ChannelShufflePixelShiftFusion', num_modalities=m))
    model, x = Point(fusion), torch.randn(N * m, C, H, W)
    shares = measure(model, x)
    x, between = (maps.unflatten(0, (N, m)) for maps in (x, model.between))
    own = foreign = 0.0
    for sample in range(N):
        for modality in range(m):
            partner = (modality + 1) % m
            own += between[sample, modality, :8].square().sum()
            foreign += between[sample, partner, 8:].square().sum()
            up, left, right, down = x[sample, partner, :8].split(2)
            for part in (up[:, :-1], left[:, :, :-1], right[:, :, 1:], down[:, 1:]):
                foreign += part.square().sum()
    expected = x[:, :, 8:].square().sum() / x.square().sum()
    assert shares['fusion/enter'] == pytest.approx(expected.item())
    assert shares['fusion/leave'] == pytest.approx((foreign / (own + foreign)).item())


def test_absent_modalities_do_not_count():
    fusion = MODELS.build(dict(type='ChannelShufflePixelShiftFusion', num_modalities=2))
    model, x = Point(fusion), torch.randn(2 * N, C, H, W)
    expected = measure(model, x)
    alone = torch.randn(2, C, H, W) * torch.tensor([0, 9.0]).view(2, 1, 1, 1)
    with fusion.batch.use_presence(torch.tensor([[True, True]] * N + [[True, False]])):
        shares = measure(model, torch.cat([x, alone]))
    assert shares['fusion/enter'] == pytest.approx(expected['fusion/enter'])


def test_average_of_equal_maps_is_half_foreign_in_amplitude():
    fusion = MODELS.build(dict(type='AdditionFusion', num_modalities=2, average=True))
    model = Point(fusion)
    x = torch.randn(N, 1, C, H, W).expand(N, 2, C, H, W).flatten(0, 1)
    assert measure(model, x)['fusion/leave'] == pytest.approx(0.5)


OPERATORS = [
    dict(type='AdditionFusion'),
    dict(type='AlignmentFusion', weight=1.0),
    dict(type='ChannelExchangeFusion', threshold=1.5),
    dict(type='ChannelShufflePixelShiftFusion'),
    dict(type='ConcatenationFusion'),
    dict(type='SelfAttentionFusion'),
    dict(type='SqueezeExcitationFusion'),
]


@pytest.mark.parametrize('fusion', OPERATORS, ids=lambda fusion: fusion['type'])
def test_every_operator_in_a_resnet(fusion):
    model = SharedMultimodalResNet(
        18, num_modalities=2, fusion=fusion, fusion_stages=(0, 3), base_channels=8, stem_channels=8
    )
    for operator in (model.layer1[1].fusion, model.layer4[1].fusion):
        for parameter in operator.parameters():  # some start without exchange
            nn.init.normal_(parameter)
    shares = measure(model, torch.randn(N, 6, 32, 32))
    points = [f'layer{i}.1.fusion/{side}' for i in (1, 4) for side in ('enter', 'leave')]
    assert list(shares) == points
    assert all(0 <= share <= 1 for share in shares.values())
    assert (shares['layer1.1.fusion/leave'] > 0) == (fusion['type'] != 'AlignmentFusion')


def test_unet_and_levels_of_a_neck():
    fusion = dict(type='ChannelShufflePixelShiftFusion')
    unet = SharedMultimodalUnetGenerator(
        2, base_channels=5, fusion=fusion, fusion_levels=(0, 2), image_size=32
    )
    shares = measure(unet, torch.randn(N, 6, 32, 32))
    # the decoder passes the inner level first
    assert list(shares) == [
        'fusions.0/enter',
        'fusions.2/enter',
        'fusions.2/leave',
        'fusions.0/leave',
    ]
    neck = nn.Sequential(MODELS.build({**fusion, 'num_modalities': 2}))
    pyramid = [torch.randn(N * 2, 10, 8, 8), torch.zeros(N * 2, 5, 4, 4)]
    assert measure(neck, pyramid) == measure(neck, pyramid[:1])
