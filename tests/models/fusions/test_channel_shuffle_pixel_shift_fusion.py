from fractions import Fraction
from itertools import permutations

import pytest
import torch
from mmengine.registry import MODELS

from mmamf.models import ChannelShufflePixelShiftFusion, ShuffleShiftAblation


def naive(
    maps,
    between=lambda x: x,
    exchange=Fraction(1, 5),
    shift=1,
    receivers=None,
    symmetric=False,
    partners='next',
):
    """The formula, pixel by pixel; one (N, C, H, W) per modality in ``maps``."""
    m_count = len(maps)
    if m_count == 1:
        return [between(maps[0])]
    receivers = range(m_count) if receivers is None else receivers
    g = int(maps[0].shape[1] * (1 - exchange) / 4)
    k = 4 * g

    givers = 1 if partners == 'next' else m_count - 1

    def giver(m, c):
        """Each giver has an equal slice of what lies side by side: [k, C), and each of four g."""
        place, size = (c - k, maps[0].shape[1] - k) if c >= k else (c % g, g)
        (step,) = (
            i + 1 for i in range(givers) if i * size // givers <= place < (i + 1) * size // givers
        )
        return (m + step) % m_count

    def offered(parts, m):
        if symmetric:
            return sum(parts) / m_count
        channels = range(parts[0].shape[1])
        return torch.stack([parts[giver(m, c)][:, c] for c in channels], 1)

    def shuffle(parts):
        if exchange == 0:
            return parts
        return [
            torch.cat([x[:, :k], offered(parts, m)[:, k:]], 1) if m in receivers else x
            for m, x in enumerate(parts)
        ]

    mapped = [between(x) for x in shuffle(maps)]
    if shift is not None:
        carries = [read_around(x, g, shift) for x in maps]
        mapped = [x + offered(carries, m) if m in receivers else x for m, x in enumerate(mapped)]
    return shuffle(mapped)


def read_around(x, g, shift):
    """Four groups of g channels from the pixels above, left, right and below; zero elsewhere."""
    h, w = x.shape[2:]
    read = torch.zeros_like(x)
    for group, (dh, dw) in enumerate([(-shift, 0), (0, -shift), (0, shift), (shift, 0)]):
        channels = slice(group * g, (group + 1) * g)
        for i in range(h):
            for j in range(w):
                if 0 <= i + dh < h and 0 <= j + dw < w:
                    read[:, channels, i, j] = x[:, channels, i + dh, j + dw]
    return read


def fuse(operator, x, between=lambda x: x):
    x, carry = operator.enter(x)
    return operator.leave(between(x), carry)


@pytest.mark.parametrize('num_modalities', [1, 2, 3, 4])
@pytest.mark.parametrize('channels', [1, 4, 5, 12, 23])
@pytest.mark.parametrize('size', [(5, 7), (1, 1), (1, 4)])
@pytest.mark.parametrize('partners', ['next', 'all'])
def test_equals_the_formula(num_modalities, channels, size, partners):
    maps = [torch.randn(2, channels, *size) for _ in range(num_modalities)]
    operator = ShuffleShiftAblation(num_modalities, partners=partners)
    out = fuse(operator, torch.stack(maps, 1).flatten(0, 1), between=torch.tanh)
    expected = naive(maps, between=torch.tanh, partners=partners)
    assert torch.equal(out, torch.stack(expected, 1).flatten(0, 1))
    if partners == 'next':
        paper = ChannelShufflePixelShiftFusion(num_modalities)
        assert torch.equal(fuse(paper, torch.stack(maps, 1).flatten(0, 1), torch.tanh), out)


OPTIONS = [
    {'exchange': 0},
    {'exchange': 0.1},
    {'exchange': 0.4},
    {'exchange': 1},
    {'shift': None},
    {'shift': 0},
    {'shift': 2},
    {'shift': 9},
    {'exchange': 0, 'shift': None},
    {'receivers': [0]},
    {'receivers': (1,), 'shift': 0, 'exchange': 0.5},
    {'receivers': [0, 2]},
    {'symmetric': True},
    {'symmetric': True, 'receivers': [1], 'shift': 2},
    {'symmetric': True, 'exchange': 0},
    {'symmetric': True, 'shift': None},
    {'partners': 'all', 'exchange': 0.4, 'shift': 2},
    {'partners': 'all', 'exchange': 0},
    {'partners': 'all', 'exchange': 1},
    {'partners': 'all', 'shift': None},
    {'partners': 'all', 'receivers': [0]},
]


CASES = [(m, o) for m in (1, 2, 3) for o in OPTIONS if max(o.get('receivers', [0])) < m]


@pytest.mark.parametrize(('num_modalities', 'options'), CASES, ids=str)
@pytest.mark.parametrize('channels', [3, 10, 23])
def test_options_equal_the_formula(num_modalities, options, channels):
    maps = [torch.randn(2, channels, 4, 5) for _ in range(num_modalities)]
    operator = ShuffleShiftAblation(num_modalities, **options)
    out = fuse(operator, torch.stack(maps, 1).flatten(0, 1), between=torch.tanh)
    if 'exchange' in options:
        options = {**options, 'exchange': Fraction(str(options['exchange']))}
    expected = torch.stack(naive(maps, between=torch.tanh, **options), 1).flatten(0, 1)
    torch.testing.assert_close(out, expected)


@pytest.mark.parametrize(
    ('exchange', 'share'),
    [(0.2, '1/5'), (1 / 3, '1/3'), (5 / 7, '5/7'), (0.8, '4/5'), (0.123456, '0.123456'), (1, '1')],
)
def test_share_is_not_lost_to_rounding(exchange, share):
    operator = ShuffleShiftAblation(2, exchange=exchange)
    for channels in range(1, 1025):
        mine, partner = torch.zeros(channels, 1, 1), torch.ones(channels, 1, 1)
        mixed, _ = operator.enter(torch.stack([mine, partner]))
        kept = 4 * int(channels * (1 - Fraction(share)) / 4)
        assert mixed[0].sum() == channels - kept, channels
        assert exchange != 0.2 or kept == channels // 5 * 4


def test_one_direction_leaves_the_giver_alone():
    x = torch.randn(4, 10, 4, 4)
    out = fuse(ShuffleShiftAblation(2, receivers=[1]), x, between=torch.tanh)
    both = fuse(ChannelShufflePixelShiftFusion(2), x, between=torch.tanh)
    assert torch.equal(out[0::2], x[0::2].tanh())
    assert torch.equal(out[1::2, :8], both[1::2, :8])  # one exchange; the second differs
    assert torch.equal(out[1::2, 8:], x[0::2, 8:].tanh())


def test_symmetric_gives_all_the_same():
    x = torch.randn(2, 3, 10, 4, 4)
    operator = ShuffleShiftAblation(3, symmetric=True)
    mixed, carry = operator.enter(x.flatten(0, 1))
    nothing = torch.zeros_like(carry)
    for maps in (mixed.unflatten(0, (2, 3))[:, :, 8:], operator.leave(nothing, carry)):
        received = maps.view(2, 3, -1)
        assert received.any() and torch.equal(received, received[:, :1].expand_as(received))
    out = operator.leave(mixed, carry)
    for order in permutations(range(3)):
        renamed = fuse(operator, x[:, list(order)].flatten(0, 1))
        torch.testing.assert_close(renamed, out.unflatten(0, (2, 3))[:, list(order)].flatten(0, 1))


def test_nothing_to_exchange_is_the_identity():
    x = torch.randn(4, 11, 4, 4)
    assert torch.equal(fuse(ShuffleShiftAblation(2, exchange=0, shift=None), x), x)


@pytest.mark.parametrize('option', ['shift', 'exchange'])
def test_the_papers_operator_names_the_one_with_options(option):
    config = {'type': 'ChannelShufflePixelShiftFusion', 'num_modalities': 2, option: 1}
    with pytest.raises(ValueError, match=rf"got \['{option}'\]: .*ShuffleShiftAblation"):
        MODELS.build(config)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'exchange': -0.1}, r'exchange must be a number from 0 to 1, got -0\.1'),
        ({'exchange': 1.1}, r'exchange must be a number from 0 to 1, got 1\.1'),
        ({'exchange': float('nan')}, 'exchange must be a number from 0 to 1, got nan'),
        ({'exchange': None}, 'exchange must be a number from 0 to 1, got None'),
        ({'exchange': True}, 'exchange must be a number from 0 to 1, got True'),
        ({'shift': True}, 'shift must be None or an integer of at least 0, got True'),
        ({'shift': -1}, 'shift must be None or an integer of at least 0, got -1'),
        ({'shift': 0.5}, r'shift must be None or an integer of at least 0, got 0\.5'),
        ({'receivers': []}, r'receivers must be .* in 0\.\.1, at least one, got \[\]'),
        ({'receivers': [2]}, r'receivers must be .*, got \[2\]'),
        ({'receivers': [-1]}, r'receivers must be .*, got \[-1\]'),
        ({'receivers': [0, 0]}, r'receivers must be .*, got \[0, 0\]'),
        ({'receivers': 0}, 'receivers must be .*, got 0'),
        ({'symmetric': 'no'}, "symmetric must be True or False, got 'no'"),
        ({'partners': 'both'}, "partners must be 'next' or 'all', got 'both'"),
        ({'partners': 'all', 'symmetric': True}, "has no partners: expected partners='next'"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        ShuffleShiftAblation(2, **options)


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
@pytest.mark.parametrize('partners', ['next', 'all'])
def test_rotations_of_the_modalities_commute(order, commutes, partners):
    x = torch.randn(2, 3, 10, 4, 4)
    operator = ShuffleShiftAblation(3, partners=partners)
    fused = fuse(operator, x.flatten(0, 1)).unflatten(0, (2, 3))[:, order]
    renamed = fuse(operator, x[:, order].flatten(0, 1)).unflatten(0, (2, 3))
    assert torch.equal(fused, renamed) is commutes


@pytest.mark.parametrize('options', [{}, {'receivers': [1]}, {'shift': 2}], ids=str)
def test_both_kinds_of_partners_are_the_papers_for_two(options):
    x = torch.randn(4, 23, 5, 6, requires_grad=True)
    results = []
    for partners in ('next', 'all'):
        operator = ShuffleShiftAblation(2, partners=partners, **options)
        out = fuse(operator, x, torch.tanh)
        results.append((out, torch.autograd.grad(out.sin().sum(), x)[0]))
    assert all(torch.equal(*pair) for pair in zip(*results))


@pytest.mark.parametrize('m', [3, 4])
@pytest.mark.parametrize('channels', [4, 20, 23, 40])
def test_all_partners_give_alike(m, channels):
    """A permutation of all maps, of which each of the others gives as many as possible alike."""
    own = torch.arange(float(m)).view(m, 1, 1, 1).expand(m, channels, 1, 1)
    mixed, _ = ShuffleShiftAblation(m, partners='all').enter(own)
    kept = channels // 5 * 4
    assert (mixed[:, :kept] == own[:, :kept]).all()
    for index in range(m):
        given = [(mixed[index] == other).sum().item() for other in range(m) if other != index]
        assert sum(given) == channels - kept and max(given) - min(given) <= 1
    assert (mixed.sum(0) == own.sum(0)).all()


@pytest.mark.parametrize('partners', ['next', 'all'])
@pytest.mark.parametrize('options', [{}, {'shift': None}, {'exchange': 0}], ids=str)
def test_absent_modalities_are_as_if_there_were_none(partners, options):
    rows = [[1, 0, 1, 1], [1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 1, 0]]
    x = torch.randn(4, 4, 23, 5, 6, requires_grad=True)
    operator = ShuffleShiftAblation(4, partners=partners, **options)
    with operator.batch.use_presence(torch.tensor(rows, dtype=torch.bool)):
        out = fuse(operator, x.flatten(0, 1), torch.tanh).unflatten(0, (4, 4))
    for index, row in enumerate(rows):
        keep = [m for m in range(4) if row[m]]
        small = ShuffleShiftAblation(len(keep), partners=partners, **options)
        expected = fuse(small, x[index, keep], torch.tanh)
        assert torch.equal(out[index, keep], expected)
        gradients = [
            torch.autograd.grad(maps.sin().sum(), x, retain_graph=True)[0][index]
            for maps in (out[index, keep], expected)
        ]
        torch.testing.assert_close(*gradients)


def test_two_modalities_can_be_swapped():
    x = torch.randn(2, 2, 10, 4, 4)
    operator = ChannelShufflePixelShiftFusion(2)
    fused = fuse(operator, x.flatten(0, 1)).unflatten(0, (2, 2)).flip(1)
    assert torch.equal(fused, fuse(operator, x.flip(1).flatten(0, 1)).unflatten(0, (2, 2)))


@pytest.mark.parametrize('channels', [3, 7])
@pytest.mark.parametrize('m', [2, 3])
def test_second_derivatives(channels, m):
    operator = ChannelShufflePixelShiftFusion(m)
    x = torch.randn(m, channels, 3, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: fuse(operator, x, torch.sin), x)
    assert torch.autograd.gradgradcheck(lambda x: fuse(operator, x, torch.sin), x)


@pytest.mark.parametrize('channels', [3, 7])
@pytest.mark.parametrize(
    ('m', 'options'),
    [(2, {}), (2, {'symmetric': True, 'receivers': [0]}), (3, {'partners': 'all'})],
    ids=str,
)
def test_gradcheck(channels, m, options):
    operator = ShuffleShiftAblation(m, **options)
    x = torch.randn(m, channels, 3, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: fuse(operator, x, torch.sin), x)


@pytest.mark.parametrize('m', [2, 3])
@pytest.mark.parametrize('channels', [3, 11, 20])
@pytest.mark.parametrize('size', [(5, 7), (2, 4), (1, 1)])
@pytest.mark.parametrize('rows', [None, [[1, 0, 1], [0, 1, 0]]])
def test_the_ablation_starts_from_the_paper_bit_by_bit(m, channels, size, rows):
    """In both layouts, with gradients, and where modalities are absent."""
    x = torch.randn(2 * m, channels, *size)
    results = []
    presence = rows and torch.tensor(rows, dtype=torch.bool)[:, :m]
    weight = 1 if rows is None else presence.flatten()[:, None, None, None]
    for operator in (ChannelShufflePixelShiftFusion(m), ShuffleShiftAblation(m)):
        for layout in (torch.contiguous_format, torch.channels_last):
            own = x.clone().contiguous(memory_format=layout).requires_grad_()
            with operator.batch.use_presence(presence):
                out = weight * fuse(operator, own, torch.tanh)
            out.sin().sum().backward()
            results.append((out.detach(), own.grad))
            paper = type(operator) is ChannelShufflePixelShiftFusion
            if paper and rows is None and channels >= 5:
                assert out.is_contiguous(memory_format=layout)
                assert own.grad.is_contiguous(memory_format=layout)
    for out, gradient in results[1:]:
        assert torch.equal(out, results[0][0]) and torch.equal(gradient, results[0][1])


def test_mixed_types():
    x, carry = torch.randn(2, 10, 3, 3, dtype=torch.bfloat16), torch.randn(2, 8, 3, 3)
    operator = ChannelShufflePixelShiftFusion(2)
    assert torch.equal(operator.leave(x, carry), operator.leave(x.float(), carry))


@pytest.mark.parametrize(
    ('layout', 'operator'),
    [
        (torch.contiguous_format, ChannelShufflePixelShiftFusion(2)),
        (torch.channels_last, ChannelShufflePixelShiftFusion(2)),
        (torch.contiguous_format, ShuffleShiftAblation(4, partners='all')),
    ],
)
def test_compiles_to_one_graph(layout, operator):

    def forward(x):
        return fuse(operator, x, torch.tanh)

    x = torch.randn(4, 10, 5, 6).contiguous(memory_format=layout).requires_grad_()
    compiled = torch.compile(forward, fullgraph=True, backend='aot_eager')
    gradients = [torch.autograd.grad(f(x).sin().sum(), x)[0] for f in (compiled, forward)]
    torch.testing.assert_close(*gradients)
    assert torch._dynamo.explain(forward)(x).graph_break_count == 0


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
