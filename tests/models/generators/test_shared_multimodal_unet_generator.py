import pytest
import torch
from mmengine.registry import MODELS
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from mmamf.models import ChannelShufflePixelShiftFusion
from mmamf.models.fusions import FusionOperator
from mmamf.models.generators import SharedMultimodalUnetGenerator

FUSION = {'type': 'ChannelShufflePixelShiftFusion'}


class Mixing(FusionOperator):
    """A fusion operator with parameters, that does something on both sides of the convolutions."""

    def __init__(self, num_modalities, channels):
        super().__init__(num_modalities, channels)
        self.weight = nn.Parameter(torch.rand(channels, 1, 1))

    def enter(self, x):
        return x + self.weight, x.flip(0)

    def leave(self, x, carry):
        return x - self.weight * carry


def make(num_modalities=2, image_size=64, base_channels=5, **kwargs):
    torch.manual_seed(0)
    generator = SharedMultimodalUnetGenerator(
        num_modalities, base_channels, image_size=image_size, **kwargs
    )
    generator.init_weights()
    with torch.no_grad():  # private in all that may be private
        for name, value in generator.state_dict().items():
            if '.in.' in name and value.is_floating_point():
                value.copy_(torch.rand_like(value) + 0.5)
        generator.alpha.copy_(torch.randn(num_modalities))
    return generator


def images(num_modalities=2, sides=(64, 64), n=2):
    torch.manual_seed(1)
    return torch.rand(n, num_modalities * 3, *sides) * 2 - 1


def reference(generator, x, fusions):
    """The net as pix2pix defines it: every level wraps the next. ``fusions`` maps levels to one."""

    def wrapped(level, x):
        x = generator.encoder[level](x)
        if level == generator.num_levels - 1:
            return x
        carry = None
        if level in fusions:
            x, carry = fusions[level].enter(x)
        up = generator.decoder[generator.num_levels - 2 - level](wrapped(level + 1, x))
        if level in fusions:
            up = fusions[level].leave(up, carry)
        return torch.cat([up, x], dim=1)

    n, m = len(x), generator.num_modalities
    folded = generator.decoder[-1](wrapped(0, x.reshape(n * m, 3, *x.shape[2:]))).tanh()
    return folded.reshape(n, m, 3, *x.shape[2:])


@pytest.mark.parametrize('fusion', [None, FUSION], ids=['plain', 'fused'])
@pytest.mark.parametrize(
    ('sides', 'levels'), [((64, 64), 6), ((96, 128), 5), ((256, 256), 8)], ids=str
)
@pytest.mark.parametrize('num_modalities', [1, 2, 3])
def test_shapes_and_ensemble(num_modalities, sides, levels, fusion):
    generator = make(num_modalities, sides, base_channels=2, fusion=fusion)
    assert len(generator.encoder) == len(generator.decoder) == levels
    assert len(generator.fusions) == (levels - 1 if fusion else 0)
    x = images(num_modalities, sides)
    for mode in (True, False):  # a batch of one trains too
        outputs, ensemble = generator.train(mode)(x[:1], return_all=True)
        assert outputs.shape == (1, num_modalities, 3, *sides)
        assert outputs.abs().max() <= 1
    weights = generator.alpha.softmax(0)
    expected = sum(weights[m] * outputs[:, m] for m in range(num_modalities))
    torch.testing.assert_close(ensemble, expected)
    assert torch.equal(generator(x[:1]), ensemble)


def test_the_size_of_an_image_may_be_a_number_and_others_are_translated():
    generator = make(image_size=96)
    assert generator.num_levels == 5
    assert generator(images(sides=(32, 160))).shape == (2, 3, 32, 160)


@pytest.mark.parametrize('mode', ['train', 'eval'])
def test_equals_one_network_per_modality(mode):
    """Shared convolutions and private norms: M networks that differ in their norms alone."""
    generator, x = make(3, dropout=0), images(3)
    state = generator.state_dict()
    singles = []
    for m in range(3):
        single = make(1, dropout=0)
        own = {
            key: value.chunk(3)[m] if value.ndim and ('.in.' in key or key == 'alpha') else value
            for key, value in state.items()
        }
        single.load_state_dict(own)
        singles.append(getattr(single, mode)())
    outputs, _ = getattr(generator, mode)()(x, return_all=True)
    for m, single in enumerate(singles):
        expected = single(x[:, 3 * m : 3 * m + 3])
        torch.testing.assert_close(outputs[:, m], expected, rtol=1e-5, atol=1e-6)
        key = 'encoder.3.in.running_mean'
        torch.testing.assert_close(
            generator.state_dict()[key].chunk(3)[m], single.state_dict()[key]
        )


def test_dropout_keeps_out_of_the_outer_five_levels():
    x = images()
    fewest = make(image_size=(96, 128)).train()
    sides = images(sides=(96, 128))
    assert torch.equal(fewest(sides), fewest(sides))
    more = make().train()
    assert not torch.equal(more(x), more(x))
    assert torch.equal(more.eval()(x), more(x))


@pytest.mark.parametrize('levels', [None, (0,), (2, 4)], ids=str)
@pytest.mark.parametrize('num_modalities', [1, 2, 3])
def test_fusion_equals_entering_and_leaving_around_all_below_a_level(num_modalities, levels):
    generator = make(num_modalities, fusion=FUSION, fusion_levels=levels).eval()
    x = images(num_modalities)
    operator = ChannelShufflePixelShiftFusion(num_modalities)
    fusions = dict.fromkeys(range(5) if levels is None else levels, operator)
    outputs, _ = generator(x, return_all=True)
    assert torch.equal(outputs, reference(generator, x, fusions))
    assert torch.equal(outputs, reference(generator, x, {})) == (num_modalities == 1)


def test_fusion_operators_may_have_parameters_and_carry_anything():
    generator = make(fusion={'type': Mixing}).eval()
    operators = {level: generator.fusions[str(level)] for level in range(5)}
    assert [operator.channels for operator in operators.values()] == [5, 10, 20, 40, 40]
    x = images()
    outputs, _ = generator(x, return_all=True)
    assert torch.equal(outputs, reference(generator, x, operators))
    outputs.sum().backward()
    assert all(operator.weight.grad.abs().sum() > 0 for operator in operators.values())


@pytest.mark.parametrize('fusion', [None, FUSION], ids=['plain', 'fused'])
def test_modalities_see_one_another_through_fusion_alone(fusion):
    generator = make(fusion=fusion).eval()
    x = images()
    other = x.clone()
    other[:, 3:] = -x[:, 3:]
    before, after = generator(x, return_all=True)[0], generator(other, return_all=True)[0]
    assert torch.equal(before[:, 0], after[:, 0]) == (fusion is None)
    assert not torch.equal(before[:, 1], after[:, 1])


def test_parameter_free_fusion_changes_no_key():
    plain = make().state_dict()
    fused = make(fusion=FUSION).state_dict()
    assert plain.keys() == fused.keys()
    assert {key.rpartition('.')[0] for key in plain if key.startswith('encoder.1.')} == {
        'encoder.1.conv',
        'encoder.1.in',
    }


@pytest.mark.parametrize('fusion', [None, FUSION], ids=['plain', 'fused'])
def test_ensemble_trains_alpha_alone(fusion):
    generator = make(fusion=fusion).train()
    generator(images()).square().sum().backward()
    gradients = {name for name, p in generator.named_parameters() if p.grad is not None}
    assert gradients == {'alpha'}
    assert generator.alpha.grad.abs().sum() > 0


def test_images_train_everything_but_alpha():
    generator = make(fusion=FUSION).train()
    outputs, _ = generator(images(), return_all=True)
    outputs.square().sum().backward()
    idle = {n for n, p in generator.named_parameters() if p.grad is None or not p.grad.any()}
    assert idle == {'alpha'}


def test_a_step_of_one_modality_leaves_the_norms_of_the_other():
    generator = make().train()
    optimizer = torch.optim.Adam(generator.parameters(), lr=0.1)
    before = {name: p.detach().clone() for name, p in generator.named_parameters()}
    generator(images(), return_all=True)[0][:, 0].square().sum().backward()
    optimizer.step()
    norms = 0
    for name, parameter in generator.named_parameters():
        if '.in.' in name:
            (own, other), (own_before, other_before) = parameter.chunk(2), before[name].chunk(2)
            assert not torch.equal(own, own_before), name
            assert torch.equal(other, other_before), name
            norms += 1
        elif name != 'alpha':
            assert not torch.equal(parameter, before[name]), name
    assert norms == 2 * (4 + 5)  # neither the outermost step down, the innermost, nor the last up


def test_state_dict_round_trip(tmp_path):
    generator, other = make(fusion=FUSION).eval(), make(fusion=FUSION).eval()
    x = images()
    generator.train()(x)  # move the running statistics
    torch.save(generator.state_dict(), tmp_path / 'generator.pth')
    other.load_state_dict(torch.load(tmp_path / 'generator.pth', weights_only=True))
    assert torch.equal(other(x), generator.eval()(x))


def test_weights_start_as_in_pix2pix():
    generator = SharedMultimodalUnetGenerator(2, base_channels=32, image_size=64)
    generator.init_weights()
    assert generator.encoder[2].conv.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert generator.decoder[0].conv.weight.std().item() == pytest.approx(0.02, rel=0.05)
    scale = getattr(generator.encoder[3], 'in').weight
    assert scale.mean().item() == pytest.approx(1, abs=0.01)
    assert scale.std().item() == pytest.approx(0.02, rel=0.3)
    assert torch.equal(generator.alpha, torch.ones(2))


def test_weights_can_start_from_a_checkpoint(tmp_path):
    donor = make()
    state = {f'generator.{key}': value for key, value in donor.state_dict().items()}
    torch.save({'state_dict': state}, tmp_path / 'model.pth')
    pretrained = {
        'type': 'Pretrained',
        'checkpoint': str(tmp_path / 'model.pth'),
        'prefix': 'generator.',
    }
    generator = MODELS.build(
        {
            'type': 'SharedMultimodalUnetGenerator',
            'num_modalities': 2,
            'base_channels': 5,
            'image_size': 64,
            'init_cfg': pretrained,
        }
    )
    generator.init_weights()
    assert torch.equal(generator.eval()(images()), donor.eval()(images()))


def test_half_precision():
    generator = make(fusion=FUSION).train()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        outputs, ensemble = generator(images(), return_all=True)
    (outputs.float().sum() + ensemble.float().sum()).backward()
    assert all(p.grad.isfinite().all() for p in generator.parameters())


@pytest.mark.parametrize('size', [16, 100, (96, 80), (0, 64)], ids=str)
def test_refuses_a_size_with_too_few_levels(size):
    with pytest.raises(ValueError, match='multiples of 32 px'):
        make(image_size=size)


@pytest.mark.parametrize('levels', [(5,), (-1,)], ids=str)
def test_refuses_a_level_that_cannot_be_fused(levels):
    with pytest.raises(ValueError, match=r'fusion_levels must lie in 0\.\.4 for 6 levels'):
        make(fusion=FUSION, fusion_levels=levels)


def test_refuses_no_modality():
    with pytest.raises(ValueError, match='num_modalities must be at least 1, got 0'):
        SharedMultimodalUnetGenerator(0)


@pytest.mark.parametrize(
    ('shape', 'message'),
    [
        ((1, 3, 64, 64), r'expected 6 input channels \(2 modalities x 3\)'),
        ((1, 6, 64, 96), r'6 levels need sides that are multiples of 64, got .*\(1, 6, 64, 96\)'),
    ],
)
def test_refuses_an_input_that_does_not_fit(shape, message):
    with pytest.raises(ValueError, match=message):
        make()(torch.zeros(shape))


@pytest.mark.parametrize('load', [nn.Module.load_state_dict, load_state_dict])
def test_refuses_the_ensemble_of_another_number_of_modalities(load):
    state = make().state_dict()
    state['alpha'] = torch.ones(3)
    with pytest.raises(ValueError, match='alpha: expected the weights of 2 modalities, .* has 3'):
        load(make(), state)
