import copy

import pytest
import torch
import torch.nn.functional as F
from mmagic.structures import DataSample
from mmengine.model import BaseModule
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import nn

from mmamf.models.data_preprocessors.multimodal_translation_data_preprocessor import (
    MultimodalTranslationDataPreprocessor,
)
from mmamf.models.translators import MultimodalPix2Pix

N, H, W = 3, 8, 12
NAMES = ('rgb', 'depth')
SGD = dict(type='SGD', lr=0.1)  # rounding must not grow, as Adam would let it


class StandInGenerator(BaseModule):
    """A convolution for every modality, and the ensemble of detached outputs."""

    def __init__(self, num_modalities: int = 2):
        super().__init__(init_cfg=dict(type='Normal', layer='Conv2d', std=0.2))
        self.num_modalities = num_modalities
        self.net = nn.Conv2d(3, 3, 3, padding=1)
        self.alpha = nn.Parameter(torch.linspace(0, 1, num_modalities))

    def forward(self, x, return_all=False):
        folded = x.unflatten(1, (self.num_modalities, 3)).flatten(0, 1)
        outputs = self.net(folded).tanh().unflatten(0, (-1, self.num_modalities))
        weights = self.alpha.softmax(0).view(-1, 1, 1, 1)
        ensemble = (outputs.detach() * weights).sum(1)
        return (outputs, ensemble) if return_all else ensemble


class StandInDiscriminator(BaseModule):
    def __init__(self, num_modalities: int = 2):
        super().__init__()
        self.num_modalities = num_modalities
        self.net = nn.Conv2d(6, 1, 4, 2)

    def forward(self, source, outputs):
        sources = source.unflatten(1, (self.num_modalities, 3))
        pairs = torch.cat([sources, outputs], 2).flatten(0, 1)
        return self.net(pairs).unflatten(0, (-1, self.num_modalities))


def build_model(num_modalities: int = 2, pixel_loss_weight: float = 100) -> MultimodalPix2Pix:
    torch.manual_seed(0)
    model = MultimodalPix2Pix(
        dict(type=StandInGenerator, num_modalities=num_modalities),
        dict(type=StandInDiscriminator, num_modalities=num_modalities),
        dict(type=MultimodalTranslationDataPreprocessor),
        pixel_loss_weight=pixel_loss_weight,
    )
    return model.train()


def build_optimizers(model: nn.Module, **options):
    part = dict(type='OptimWrapper', optimizer=SGD) | options
    with DefaultScope.overwrite_default_scope('mmagic'):
        return build_optim_wrapper(
            model,
            dict(
                constructor='MultiOptimWrapperConstructor',
                generator=part,
                discriminator=copy.deepcopy(part),
            ),
        )


def make_batch(names=NAMES, count=N) -> dict:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(count, 3 * len(names) + 3, H, W, generator=generator) * 255
    return dict(
        inputs=list(images[:, :-3]),
        data_samples=[
            DataSample(
                gt_img=image[-3:],
                metainfo=dict(modalities=names, target='normal', img_path=f'{i}.png'),
            )
            for i, image in enumerate(images)
        ],
    )


def changes(before: nn.Module, after: nn.Module) -> torch.Tensor:
    vectors = [nn.utils.parameters_to_vector(m.parameters()).detach() for m in (before, after)]
    return vectors[1] - vectors[0]


@pytest.mark.parametrize('pixel_loss_weight', [100, 1])
def test_step_equals_the_formulas(pixel_loss_weight):
    model = build_model(pixel_loss_weight=pixel_loss_weight)
    reference = copy.deepcopy(model)
    batch = make_batch()
    log = model.train_step(copy.deepcopy(batch), build_optimizers(model))

    net, judge = reference.generator, reference.discriminator
    source = torch.stack(batch['inputs']) / 127.5 - 1
    target = torch.stack([sample.gt_img for sample in batch['data_samples']]) / 127.5 - 1
    pairs = [source[:, :3], source[:, 3:]]
    outputs = [net.net(image).tanh() for image in pairs]

    def adversarial(image, output, label):
        logits = judge.net(torch.cat([image, output], 1))
        return F.binary_cross_entropy(logits.sigmoid(), torch.full_like(logits, label))

    fake = sum(adversarial(*pair, 0) for pair in zip(pairs, [o.detach() for o in outputs]))
    real = sum(adversarial(image, target, 1) for image in pairs)
    grads = torch.autograd.grad((fake + real) / 2, list(judge.parameters()))
    for parameter, grad in zip(judge.parameters(), grads):
        parameter.data -= SGD['lr'] * grad
    judged = [adversarial(*pair, 1) for pair in zip(pairs, outputs)]  # by the updated one
    pixel = [pixel_loss_weight * (output - target).abs().mean() for output in outputs]
    weights = net.alpha.softmax(0)
    mixed = sum(weight * output.detach() for weight, output in zip(weights, outputs))
    ensemble = pixel_loss_weight * (mixed - target).abs().mean()
    total = sum(judged) + sum(pixel) + ensemble
    grads = torch.autograd.grad(total, list(net.parameters()))
    for parameter, grad in zip(net.parameters(), grads):
        parameter.data -= SGD['lr'] * grad

    expected = {
        'loss_gan_d_fake': fake,
        'loss_gan_d_real': real,
        'rgb.loss_gan_g': judged[0],
        'depth.loss_gan_g': judged[1],
        'rgb.loss_pixel': pixel[0],
        'depth.loss_pixel': pixel[1],
        'ensemble.loss_pixel': ensemble,
        'loss': total,
    }
    assert log.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(log[key], value, msg=key)
    for key, value in reference.state_dict().items():
        torch.testing.assert_close(model.state_dict()[key], value, msg=key)


def test_nothing_is_left_behind():
    model = build_model()
    model.discriminator.net.bias.requires_grad_(False)
    model.train_step(make_batch(), build_optimizers(model))
    assert all(parameter.grad is None for parameter in model.parameters())
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert frozen == ['discriminator.net.bias']


def test_weights_are_initialized():
    # mmagic's Pix2Pix fails here
    model = build_model()
    model.init_weights()
    assert model.generator.net.weight.std().item() == pytest.approx(0.2, rel=0.3)
    assert not model.generator.net.bias.any()


def test_training_learns():
    model = build_model()
    optimizers = build_optimizers(model, optimizer=dict(type='Adam', lr=0.02, betas=(0.5, 0.999)))
    batch = make_batch()
    for sample, image in zip(batch['data_samples'], batch['inputs']):
        sample.gt_img = 255 - image[:3]
    losses = [
        model.train_step(copy.deepcopy(batch), optimizers)['rgb.loss_pixel'].item()
        for _ in range(60)
    ]
    assert losses[-1] < 0.6 * losses[0]


def test_bfloat16_agrees_with_float32():
    model = build_model()
    results = []
    for kind in ('OptimWrapper', 'Bfloat16OptimWrapper'):
        trained = copy.deepcopy(model)
        log = trained.train_step(make_batch(), build_optimizers(trained, type=kind))
        assert {value.dtype for value in log.values()} == {torch.float32}
        results.append((log, changes(model, trained)))
    (log, change), (log_16, change_16) = results
    assert log_16['loss'] != log['loss']  # it was used
    for key, value in log.items():
        assert log_16[key].item() == pytest.approx(value.item(), rel=1e-2), key
    assert torch.cosine_similarity(change_16, change, dim=0) > 0.98


def test_accumulation_agrees_with_the_joint_batch():
    model = build_model()
    joint, halves = copy.deepcopy(model), copy.deepcopy(model)
    batch = make_batch(count=4)
    joint.train_step(copy.deepcopy(batch), build_optimizers(joint))
    optimizers = build_optimizers(halves, accumulative_counts=2)
    for part in (slice(2), slice(2, 4)):
        assert not changes(model, halves).any()
        halves.train_step({key: value[part] for key, value in batch.items()}, optimizers)
    for name in ('generator', 'discriminator'):
        nets = [getattr(each, name) for each in (model, joint, halves)]
        # the generator's first half was judged before the discriminator's update
        tolerance = (
            dict(rtol=1e-4, atol=1e-6) if name == 'discriminator' else dict(rtol=0.02, atol=0.02)
        )
        torch.testing.assert_close(changes(nets[0], nets[2]), changes(*nets[:2]), **tolerance)


@pytest.mark.parametrize('step', ['val_step', 'test_step'])
@pytest.mark.parametrize('truth', [True, False])
def test_prediction(step, truth):
    model = build_model().eval()
    batch = make_batch()
    if not truth:
        for sample in batch['data_samples']:
            del sample.gt_img
    before = [image.clone() for image in batch['inputs']]
    with torch.no_grad():
        results = getattr(model, step)(copy.deepcopy(batch))
        source = torch.stack(before) / 127.5 - 1
        outputs, ensemble = model.generator(source, return_all=True)
    assert not model.training
    assert len(results) == N
    for i, result in enumerate(results):
        assert isinstance(result, DataSample)
        assert result.metainfo == batch['data_samples'][i].metainfo
        expected = dict(
            fake_img=(ensemble[i] + 1) * 127.5,
            fake_img_rgb=(outputs[i, 0] + 1) * 127.5,
            fake_img_depth=(outputs[i, 1] + 1) * 127.5,
            source_rgb=before[i][:3],
            source_depth=before[i][3:],
        )
        if truth:
            expected['gt_img'] = batch['data_samples'][i].gt_img
        assert set(result.keys()) == set(expected)
        for key, value in expected.items():
            torch.testing.assert_close(result.get(key), value, rtol=1e-4, atol=1e-3, msg=key)


def test_forward_gives_the_ensemble():
    model = build_model().eval()
    source = torch.rand(N, 6, H, W)
    assert torch.equal(model(source), model.generator(source))


def test_prediction_without_samples_counts_the_modalities():
    (result,) = build_model(1).eval()(torch.rand(1, 3, H, W), mode='predict')
    assert set(result.keys()) == {'fake_img', 'fake_img_modality0', 'source_modality0'}


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (('rgb', 'depth', 'edge'), 'built for 2 modalities, the samples have 3'),
        (('rgb', 'ensemble'), "cannot be named 'ensemble'"),
    ],
)
def test_refuses_modalities(names, message):
    model = build_model()
    with pytest.raises(ValueError, match=message):
        model.train_step(make_batch(names), build_optimizers(model))


def test_a_modality_may_be_called_gloss():
    """All that the generator reports of a modality are losses, so all of it is minimized."""
    logs = []
    for names in (('rgb', 'gloss'), ('rgb', 'depth')):
        model = build_model()
        logs.append(model.train_step(make_batch(names), build_optimizers(model)))
    assert 'gloss.loss_pixel' in logs[0]
    assert [value.item() for value in logs[0].values()] == [v.item() for v in logs[1].values()]


def test_refuses_samples_that_disagree():
    batch = make_batch()
    batch['data_samples'][1].set_metainfo(dict(modalities=('depth', 'rgb')))
    with pytest.raises(ValueError, match='the same modalities in every sample'):
        build_model().val_step(batch)


def test_refuses_one_optimizer():
    model = build_model()
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(ValueError, match='MultiOptimWrapperConstructor'):
        model.train_step(make_batch(), wrapper)


def test_refuses_loss_mode():
    with pytest.raises(ValueError, match="'tensor' or 'predict', got 'loss'"):
        build_model()(torch.rand(1, 6, H, W), mode='loss')


@pytest.mark.parametrize('key', ['backbone.conv1.weight', 'discriminator.net.weight'])
@pytest.mark.parametrize('strict', [True, False])
def test_refuses_checkpoint_without_a_generator(key, strict):
    with pytest.raises(ValueError, match=rf"entries generator\.\*, .* \(first keys: \['{key}'\]"):
        build_model().load_state_dict({key: torch.zeros(1)}, strict=strict)


def test_a_generator_alone_is_enough_to_test():
    model, other = build_model(), build_model()
    state = {k: v + 1 for k, v in model.state_dict().items() if k.startswith('generator.')}
    other.load_state_dict(state, strict=False)
    assert torch.equal(other.generator.net.weight, model.generator.net.weight + 1)


def test_refuses_networks_wrapped_one_by_one():
    class Wrapped(nn.DataParallel):
        """Stands for mmengine's wrapper, which needs a process group."""

    model = build_model()
    optimizers = build_optimizers(model)
    model.generator = Wrapped(model.generator)
    with pytest.raises(ValueError, match="expected dict\\(type='GANDistributedDataParallel'\\)"):
        model.train_step(make_batch(), optimizers)


def test_networks_may_be_called_through_others():
    class Counting(nn.Module):
        calls = 0

        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, *args, **kwargs):
            self.calls += 1
            return self.network(*args, **kwargs)

    model = build_model()
    networks = {name: Counting(getattr(model, name)) for name in ('discriminator', 'generator')}
    model.train_step(make_batch(), build_optimizers(model), networks)
    # not the generator's judgement, which trains no discriminator
    assert {name: each.calls for name, each in networks.items()} == dict(
        generator=1, discriminator=2
    )
