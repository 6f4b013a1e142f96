import pytest
import torch
from mmengine.registry import MODELS

from mmamf.models import ChannelShufflePixelShiftFusion


def naive(maps, between=lambda x: x):
    """The paper's formula, pixel by pixel; one (N, C, H, W) per modality in ``maps``."""
    m_count = len(maps)
    if m_count == 1:
        return [between(maps[0])]
    n, c, h, w = maps[0].shape
    g = c // 5
    k = 4 * g
    carries = []
    for x in maps:
        carry = torch.zeros_like(x)
        for group, (dh, dw) in enumerate([(-1, 0), (0, -1), (0, 1), (1, 0)]):
            for i in range(h):
                for j in range(w):
                    if 0 <= i + dh < h and 0 <= j + dw < w:
                        channels = slice(group * g, (group + 1) * g)
                        carry[:, channels, i, j] = x[:, channels, i + dh, j + dw]
        carries.append(carry)
    partner = [(m + 1) % m_count for m in range(m_count)]

    def shuffle(parts):
        return [torch.cat([parts[m][:, :k], parts[p][:, k:]], 1) for m, p in enumerate(partner)]

    mapped = [between(x) for x in shuffle(maps)]
    return shuffle([x + carries[p] for x, p in zip(mapped, partner)])


def fuse(operator, x, between=lambda x: x):
    x, carry = operator.enter(x)
    return operator.leave(between(x), carry)


@pytest.mark.parametrize('num_modalities', [1, 2, 3, 4])
@pytest.mark.parametrize('channels', [1, 4, 5, 12, 23])
@pytest.mark.parametrize('size', [(5, 7), (1, 1), (1, 4)])
def test_equals_the_formula(num_modalities, channels, size):
    maps = [torch.randn(2, channels, *size) for _ in range(num_modalities)]
    operator = ChannelShufflePixelShiftFusion(num_modalities)
    out = fuse(operator, torch.stack(maps, 1).flatten(0, 1), between=torch.tanh)
    expected = torch.stack(naive(maps, between=torch.tanh), 1).flatten(0, 1)
    assert torch.equal(out, expected)


def test_identity_for_one_modality():
    x = torch.randn(2, 10, 3, 3)
    assert fuse(ChannelShufflePixelShiftFusion(1), x) is x


def test_has_no_parameters_and_no_state():
    operator = MODELS.build({'type': 'ChannelShufflePixelShiftFusion', 'num_modalities': 2})
    assert not list(operator.parameters())
    assert not operator.state_dict()


@pytest.mark.parametrize(
    ('order', 'commutes'), [((1, 2, 0), True), ((2, 0, 1), True), ((1, 0, 2), False)]
)
def test_rotations_of_the_modalities_commute(order, commutes):
    x = torch.randn(2, 3, 10, 4, 4)
    operator = ChannelShufflePixelShiftFusion(3)
    fused = fuse(operator, x.flatten(0, 1)).unflatten(0, (2, 3))[:, order]
    renamed = fuse(operator, x[:, order].flatten(0, 1)).unflatten(0, (2, 3))
    assert torch.equal(fused, renamed) is commutes


def test_two_modalities_can_be_swapped():
    x = torch.randn(2, 2, 10, 4, 4)
    operator = ChannelShufflePixelShiftFusion(2)
    fused = fuse(operator, x.flatten(0, 1)).unflatten(0, (2, 2)).flip(1)
    assert torch.equal(fused, fuse(operator, x.flip(1).flatten(0, 1)).unflatten(0, (2, 2)))


@pytest.mark.parametrize('channels', [3, 7])
def test_gradcheck(channels):
    operator = ChannelShufflePixelShiftFusion(2)
    x = torch.randn(2, channels, 3, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: fuse(operator, x, torch.sin), x)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_low_precision(dtype):
    x = torch.randn(4, 11, 5, 3)
    operator = ChannelShufflePixelShiftFusion(2)
    out = fuse(operator, x.to(dtype))
    assert out.dtype is dtype
    torch.testing.assert_close(out.float(), fuse(operator, x), rtol=1e-2, atol=2e-2)


def test_samples_do_not_meet():
    operator = ChannelShufflePixelShiftFusion(2)
    x = torch.randn(6, 10, 4, 4)
    assert torch.equal(fuse(operator, x)[2:4], fuse(operator, x[2:4]))


def test_as_neck_over_a_pyramid():
    operator = ChannelShufflePixelShiftFusion(2)
    pyramid = (torch.randn(4, 10, 8, 6), torch.randn(4, 20, 4, 3))
    for level, fused in zip(pyramid, operator(pyramid)):
        assert torch.equal(fused, fuse(operator, level))
        kept = level.shape[1] // 5 * 4
        assert torch.equal(fused[:, kept:], level[:, kept:])  # the two shuffles cancel
        assert not torch.equal(fused[:, :kept], level[:, :kept])


def test_wrong_input():
    with pytest.raises(ValueError, match='num_modalities must be at least 1, got 0'):
        ChannelShufflePixelShiftFusion(0)
    with pytest.raises(ValueError, match='batch of 5 maps does not hold 2 modalities'):
        ChannelShufflePixelShiftFusion(2).enter(torch.zeros(5, 10, 2, 2))
