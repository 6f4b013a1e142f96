import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmamf.checkpoints import convert_official

ROOT = Path(__file__).parents[2]


@pytest.fixture
def generator(official_generator_state):
    """A copy to damage."""
    return dict(official_generator_state)


@pytest.fixture
def discriminator(official_discriminator_state):
    """A copy to damage."""
    return dict(official_discriminator_state)


def test_generator_refuses_missing_and_left_over_entries(generator):
    del generator['conv3.conv.module.weight']
    del generator['alpha']
    generator['extra.module.weight'] = torch.zeros(1)
    generator['conv9.conv.module.weight'] = torch.zeros(1)
    generator['conv2.insnorm_deconv.insnorm_0.weight'] = torch.zeros(8)
    with pytest.raises(ValueError, match='does not fit, 5 entries') as error:
        convert_official(generator)
    for line in (
        'left over: extra.module.weight',
        'left over: conv2.insnorm_deconv.insnorm_0.weight',
        'left over: generator.encoder.8.conv.weight',
        'missing: generator.encoder.2.conv.weight',
        'missing: generator.alpha',
    ):
        assert line in str(error.value)


@pytest.mark.parametrize('modality', [0, 1])
def test_generator_refuses_a_norm_with_a_modality_missing(generator, modality):
    del generator[f'deconv1.insnorm_deconv.insnorm_{modality}.weight']
    with pytest.raises(
        ValueError, match=r'generator\.decoder\.0\.in\.weight: expected \(64,\), got \(32,\)'
    ):
        convert_official(generator)


def test_discriminator_refuses_missing_and_left_over_entries(discriminator):
    del discriminator['conv2.insnorm.module.running_var']
    discriminator['conv0.conv.module.weight'] = torch.zeros(1)
    discriminator['conv6.conv.module.weight'] = torch.zeros(1)
    with pytest.raises(ValueError, match='does not fit, 3 entries') as error:
        convert_official(discriminator)
    for line in (
        'left over: conv0.conv.module.weight',
        'left over: discriminator.layers.14.weight',
        'missing: discriminator.layers.3.running_var',
    ):
        assert line in str(error.value)


def test_refuses_a_network_without_its_first_convolution(generator):
    del generator['conv1.conv.module.weight']
    with pytest.raises(ValueError, match=r'expected an entry conv1\.conv\.module\.weight'):
        convert_official(generator)


def test_norms_that_the_authors_never_run_are_dropped(generator, discriminator):
    unused = ('conv1.insnorm', 'conv8.insnorm', 'deconv8.insnorm')
    slim = {key: value for key, value in generator.items() if not key.startswith(unused)}
    converted = convert_official(generator)
    assert converted.keys() == convert_official(slim).keys()
    assert not any(key.startswith('generator.encoder.0.in') for key in converted)
    assert 'discriminator.layers.12.weight' not in convert_official(discriminator)


@pytest.mark.parametrize('num_modalities', [1, 3])
def test_number_of_modalities(generator, num_modalities):
    """Another number of modalities is another number of norms."""
    state = {key: value for key, value in generator.items() if '.insnorm_1.' not in key}
    for key in [key for key in state if '.insnorm_0.' in key]:
        for m in range(num_modalities):
            state[key.replace('insnorm_0', f'insnorm_{m}')] = generator[key] + m
    state['alpha'] = torch.ones(num_modalities)
    converted = convert_official(state)
    first = generator['conv2.insnorm_conv.insnorm_0.weight']
    expected = torch.cat([first + m for m in range(num_modalities)])
    assert torch.equal(converted['generator.encoder.1.in.weight'], expected)


def test_command_line(generator, discriminator, run_tool, tmp_path):
    torch.save(generator, tmp_path / 'generator.pth')
    done = run_tool(tmp_path / 'generator.pth', tmp_path / 'dst.pth')
    assert done.message is None
    written = torch.load(tmp_path / 'dst.pth', weights_only=True)['state_dict']
    assert written.keys() == convert_official(generator).keys()
    assert 'load it with generator=dict(fusion=None), as in configs/amf/' in done.stdout
    config = ROOT / next(word for word in done.stdout.split() if '_no-fusion.py' in word)[:-1]
    assert Config.fromfile(config).model.generator.fusion is None

    del discriminator['conv5.conv.module.bias']
    torch.save(discriminator, tmp_path / 'discriminator.pth')
    done = run_tool(tmp_path / 'discriminator.pth', tmp_path / 'damaged.pth')
    assert 'missing: discriminator.layers.11.bias' in done.message
    assert not (tmp_path / 'damaged.pth').exists()


def test_command_line_joins_generator_and_discriminator(
    generator, discriminator, run_tool, tmp_path
):
    torch.save(generator, tmp_path / 'g.pth')
    torch.save(discriminator, tmp_path / 'd.pth')
    done = run_tool(tmp_path / 'g.pth', tmp_path / 'dst.pth', '--discriminator', tmp_path / 'd.pth')
    assert done.message is None
    written = torch.load(tmp_path / 'dst.pth', weights_only=True)['state_dict']
    expected = convert_official(generator) | convert_official(discriminator)
    assert written.keys() == expected.keys()
    assert all(torch.equal(written[key], value) for key, value in expected.items())


@pytest.mark.parametrize(
    ('files', 'message'),
    [
        (['d.pth'], 'd.pth: expected .* a generator, got a discriminator; pass'),
        (
            ['g.pth', '--discriminator', 'g.pth'],
            '--discriminator: expected a generator in .*g.pth and a disc',
        ),
        (['g.pth', '--discriminator', 'none.pth'], 'none.pth: there is no such checkpoint'),
    ],
)
def test_command_line_refuses_parts_in_the_wrong_place(
    generator, discriminator, run_tool, tmp_path, files, message
):
    torch.save(generator, tmp_path / 'g.pth')
    torch.save(discriminator, tmp_path / 'd.pth')
    src, *options = (tmp_path / f if f.endswith('.pth') else f for f in files)
    done = run_tool(src, tmp_path / 'dst.pth', *options)
    assert re.search(message, done.message)
    assert not (tmp_path / 'dst.pth').exists()
