"""Our translation networks against the numbers of the authors' own."""

import pytest
import torch

from mmamf.checkpoints import convert_official
from mmamf.models.discriminators import MultimodalPatchDiscriminator
from mmamf.models.generators import SharedMultimodalUnetGenerator


def load(network, state):
    """Put a converted checkpoint into one part of a translation model."""
    name, *others = {key.partition('.')[0] for key in state}
    assert not others
    network.load_state_dict({key[len(name) + 1 :]: value for key, value in state.items()})
    return network.eval()


@torch.no_grad()
def test_networks(
    golden, assert_close, translation_source, official_generator_state, official_discriminator_state
):
    tensors = golden('unet_generator')
    generator = load(
        SharedMultimodalUnetGenerator(2, base_channels=4),
        convert_official(official_generator_state),
    )
    outputs, ensemble = generator(translation_source, return_all=True)
    for m in (0, 1):
        assert_close(outputs[:, m, :, 1::4, 2::4], tensors[f'out{m}'], f'output {m}')
    assert_close(ensemble[..., 1::4, 2::4], tensors['ens'], 'ensemble')
    assert torch.equal(generator(translation_source), ensemble)
    assert_close(generator.alpha.softmax(0), tensors['alpha_softmax'], 'weights of the ensemble')

    discriminator = load(
        MultimodalPatchDiscriminator(2, base_channels=4),
        convert_official(official_discriminator_state),
    )
    judged = discriminator(translation_source, outputs).sigmoid()
    for m in (0, 1):
        assert_close(judged[:, m], tensors[f'disc{m}'], f'discriminator {m}')


@pytest.mark.parametrize('network', ['generator', 'discriminator'])
def test_converter_accepts_every_wrapping(request, network):
    state = request.getfixturevalue(f'official_{network}_state')
    plain = convert_official(state)
    wrapped = convert_official({f'module.{key}': value for key, value in state.items()})
    assert wrapped.keys() == plain.keys()
    assert all(torch.equal(wrapped[key], plain[key]) for key in plain)
