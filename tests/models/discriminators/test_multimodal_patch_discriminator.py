import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from mmamf.models.discriminators import MultimodalPatchDiscriminator


def make(num_modalities=2, base_channels=4):
    torch.manual_seed(0)
    discriminator = MODELS.build(
        {
            'type': 'MultimodalPatchDiscriminator',
            'num_modalities': num_modalities,
            'base_channels': base_channels,
        }
    )
    discriminator.init_weights()
    return discriminator


def pairs(num_modalities=2, sides=(64, 64), n=2):
    torch.manual_seed(1)
    source = torch.rand(n, num_modalities * 3, *sides) * 2 - 1
    return source, torch.rand(n, num_modalities, 3, *sides) * 2 - 1


@pytest.mark.parametrize('sides', [(64, 64), (96, 128), (256, 256)], ids=str)
@pytest.mark.parametrize('num_modalities', [1, 2, 3])
def test_judges_every_pair_alone(num_modalities, sides):
    discriminator = make(num_modalities).eval()
    source, outputs = pairs(num_modalities, sides)
    logits = discriminator(source, outputs)
    assert logits.shape == (2, num_modalities, 1, sides[0] // 8 - 2, sides[1] // 8 - 2)
    for m in range(num_modalities):
        pair = torch.cat([source[:, 3 * m : 3 * m + 3], outputs[:, m]], dim=1)
        expected = discriminator.layers(pair)
        torch.testing.assert_close(logits[:, m], expected, rtol=1e-5, atol=1e-6)


def test_one_target_can_be_judged_with_every_modality():
    discriminator = make().eval()
    source, outputs = pairs()
    target = outputs[:, :1].expand(-1, 2, -1, -1, -1)
    assert torch.equal(discriminator(source, target), discriminator(source, target.contiguous()))


def test_a_logit_sees_70_pixels():
    """Without norms, which see whole maps."""
    discriminator = make()
    for index, layer in enumerate(discriminator.layers):
        if isinstance(layer, nn.InstanceNorm2d):
            discriminator.layers[index] = nn.Identity()
    source, outputs = pairs(sides=(256, 256), n=1)
    source.requires_grad_()
    discriminator(source, outputs)[0, 0, 0, 15, 15].backward()
    seen = source.grad[0, :3].abs().sum(0).nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [70, 70]
    assert not source.grad[0, 3:].any()  # the other modality


def test_norms_are_shared_and_count_their_statistics():
    discriminator = make(3)
    shapes = {key: tuple(value.shape) for key, value in discriminator.state_dict().items()}
    assert shapes['layers.3.running_mean'] == (8,)
    before = discriminator.layers[3].running_mean.clone()
    discriminator.train()(*pairs(3))
    assert not torch.equal(discriminator.layers[3].running_mean, before)


def test_everything_is_trained():
    discriminator = make().train()
    source, outputs = pairs()
    outputs.requires_grad_()
    discriminator(source, outputs).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in discriminator.parameters())
    assert outputs.grad.any()


def test_weights_start_as_in_pix2pix():
    discriminator = make(base_channels=32)
    assert discriminator.layers[5].weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert discriminator.layers[9].weight.mean().item() == pytest.approx(1, abs=0.01)


def test_state_dict_round_trip():
    discriminator, other = make(), make()
    discriminator.train()(*pairs())  # move the running statistics
    other.load_state_dict(discriminator.state_dict())
    assert torch.equal(other.eval()(*pairs()), discriminator.eval()(*pairs()))


def test_refuses_no_modality():
    with pytest.raises(ValueError, match='num_modalities must be at least 1, got 0'):
        MultimodalPatchDiscriminator(0)


@pytest.mark.parametrize(
    ('source', 'outputs'),
    [
        ((1, 3, 64, 64), (1, 2, 3, 64, 64)),
        ((1, 6, 64, 64), (1, 3, 3, 64, 64)),
        ((1, 6, 64, 64), (1, 3, 64, 64)),
        ((1, 6, 64, 64), (2, 2, 3, 64, 64)),
        ((1, 6, 64, 64), (1, 2, 3, 32, 32)),
    ],
    ids=str,
)
def test_refuses_what_does_not_fit_together(source, outputs):
    with pytest.raises(ValueError, match=r'expected a source \(N, 2 \* 3, H, W\)') as error:
        make()(torch.zeros(source), torch.zeros(outputs))
    assert f'got {source} and {outputs}' in str(error.value)
