import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner.checkpoint import load_state_dict
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import nn

from mmamf.models import ModalityEnsembleHead

M, K, SIZE = 2, 4, (32, 48)
CHANNELS = [8, 16, 24, 32]
ALL = {'in_channels': CHANNELS, 'in_index': [0, 1, 2, 3]}
HEADS = {
    'FCNHead': {'in_channels': 32, 'in_index': 3, 'channels': 8, 'num_convs': 1},
    'PSPHead': {'in_channels': 32, 'in_index': 3, 'channels': 8, 'pool_scales': (1, 2)},
    'ASPPHead': {'in_channels': 32, 'in_index': 3, 'channels': 8, 'dilations': (1, 2)},
    'UPerHead': {**ALL, 'channels': 8, 'pool_scales': (1, 2)},
    'SegformerHead': {**ALL, 'channels': 8},
    'RefineNetHead': {**ALL, 'widths': (8, 8, 8, 8)},
}


def build(kind='FCNHead', num_modalities=M, **kwargs):
    head = {'type': kind, 'num_classes': K, 'norm_cfg': {'type': 'BN'}, **HEADS[kind], **kwargs}
    return ModalityEnsembleHead(num_modalities, head)


def make_pyramid(n=2, num_modalities=M):
    return [
        torch.randn(n * num_modalities, c, SIZE[0] // s, SIZE[1] // s, requires_grad=True)
        for c, s in zip(CHANNELS, (4, 8, 16, 32))
    ]


def make_samples(n=2, names=('rgb', 'depth')):
    samples = []
    for _ in range(n):
        sample = SegDataSample(metainfo={'modalities': names, 'img_shape': SIZE, 'pad_shape': SIZE})
        sample.gt_sem_seg = PixelData(data=torch.randint(K, (1, *SIZE)))
        samples.append(sample)
    return samples


@pytest.mark.parametrize('kind', HEADS)
def test_wraps_any_head(kind):
    model = build(kind).train()
    losses = model.loss(make_pyramid(), make_samples(), {})
    keys = {'rgb.loss_ce', 'depth.loss_ce', 'ensemble.loss_ce'}
    assert {key for key in losses if 'loss' in key} == keys
    assert {key for key in losses if 'acc' in key} == {
        'rgb.acc_seg',
        'depth.acc_seg',
        'ensemble.acc_seg',
    }
    metas = [sample.metainfo for sample in make_samples()]
    model.eval()
    assert model.predict(make_pyramid(), metas, {}).shape == (2, K, *SIZE)
    assert model.predict_all(make_pyramid(), metas).shape == (2, (1 + M) * K, *SIZE)


@pytest.mark.parametrize('num_modalities', [1, 2, 3])
def test_ensemble_is_the_weighted_sum(num_modalities):
    model = build(num_modalities=num_modalities).eval()
    nn.init.normal_(model.alpha)
    pyramid = make_pyramid(num_modalities=num_modalities)
    logits = model.head(pyramid)
    weights = torch.exp(model.alpha) / torch.exp(model.alpha).sum()
    expected = sum(weights[m] * logits[m::num_modalities] for m in range(num_modalities))
    torch.testing.assert_close(model(pyramid), expected)


def test_loss_of_the_ensemble_trains_alpha_alone():
    model = build().train()
    pyramid = make_pyramid()
    losses = model.loss(pyramid, make_samples(), {})
    losses['ensemble.loss_ce'].backward()
    assert model.alpha.grad.abs().max() > 0
    assert all(p.grad is None for p in model.head.parameters())
    assert all(level.grad is None for level in pyramid)


def test_losses_of_the_modalities_leave_alpha_alone():
    model = build().train()
    losses = model.loss(make_pyramid(), make_samples(), {})
    (losses['rgb.loss_ce'] + losses['depth.loss_ce']).backward()
    assert model.alpha.grad is None
    assert all(p.grad is not None for p in model.head.parameters())


def test_losses_equal_the_bare_heads():
    model = build().eval()
    pyramid, samples = make_pyramid(), make_samples()
    losses = model.loss(pyramid, samples, {})
    for m, name in enumerate(('rgb', 'depth')):
        alone = model.head.loss([level[m::M] for level in pyramid], samples, {})
        torch.testing.assert_close(losses[f'{name}.loss_ce'], alone['loss_ce'])


def test_predicts_the_members_behind_the_ensemble():
    model = build().eval()
    pyramid = make_pyramid()
    metas = [sample.metainfo for sample in make_samples()]
    stacked = model.predict_all(pyramid, metas)
    torch.testing.assert_close(stacked[:, :K], model.predict(pyramid, metas, {}))
    for m in range(M):
        alone = model.head.predict([level[m::M] for level in pyramid], metas, {})
        torch.testing.assert_close(stacked[:, (1 + m) * K : (2 + m) * K], alone)


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (('rgb', 'depth', 'thermal'), 'built for 2 modalities, the samples have 3'),
        (('rgb', 'ensemble'), "cannot be named 'ensemble'"),
    ],
)
def test_wrong_names(names, message):
    with pytest.raises(ValueError, match=message):
        build().loss(make_pyramid(), make_samples(names=names), {})


@pytest.mark.parametrize('name', ['gloss', 'loss'])
def test_only_losses_of_a_modality_called_gloss_are_minimized(name):
    """mmengine adds up what has "loss" in its name, under the prefix that a segmentor writes."""
    model = build(dropout_ratio=0).train()
    pyramid, (sample,) = make_pyramid(n=1), make_samples(n=1)
    found = []
    for names in ((name, 'depth'), ('rgb', 'depth')):
        sample.set_metainfo({'modalities': names})
        found.append(add_prefix(model.loss(pyramid, [sample], {}), 'decode'))
    losses, others = found
    total, expected = (BaseModel.parse_losses(None, entries)[0] for entries in found)
    assert total == expected
    assert losses[f'decode.{name}.loss_ce'] == others['decode.rgb.loss_ce']
    assert len(losses) == len(others)
    assert sum('acc_seg' in key for key in losses) == M + 1


def test_batch_that_m_does_not_divide():
    with pytest.raises(ValueError, match='batch of 3 maps does not hold 2 modalities'):
        build()([level[:3] for level in make_pyramid()])


def test_head_with_several_outputs_cannot_be_wrapped():
    model = build()
    model.head.forward = lambda inputs: (inputs[0], inputs[0])
    with pytest.raises(ValueError, match='FCNHead cannot be wrapped: .* got tuple'):
        model(make_pyramid())


def test_checkpoint_of_another_m_is_refused():
    state = build(num_modalities=3).state_dict()
    with pytest.raises(ValueError, match='alpha: expected the weights of 2 modalities, .* has 3'):
        load_state_dict(build(num_modalities=2), state, strict=False)


@pytest.mark.parametrize(
    ('kind', 'cfg'),
    [
        ('OCRHead', {'in_channels': 32, 'in_index': 3, 'ocr_channels': 8}),
        ('PointHead', {'in_channels': [32], 'in_index': [3]}),
    ],
)
def test_cascade_head_cannot_be_wrapped(kind, cfg):
    with pytest.raises(ValueError, match=f'got {kind}, which refines the logits'):
        ModalityEnsembleHead(M, {'type': kind, 'channels': 8, 'num_classes': K, **cfg})


@pytest.mark.parametrize('ignore_index', [0, 3, -100, 254])
def test_ignores_255_and_the_heads_own_index(ignore_index):
    """The loss equals that of labels in which all that is ignored is 255."""
    torch.manual_seed(0)
    pyramid, samples = make_pyramid(), make_samples()
    for sample in samples:
        sample.gt_sem_seg.data[:, :4] = 255
    model, plain = build(ignore_index=ignore_index), build()
    plain.load_state_dict(model.state_dict())
    model.eval(), plain.eval()  # no dropout
    losses = model.loss(pyramid, samples, {})
    assert samples[0].gt_sem_seg.data[0, 0, 0] == 255  # those of the caller stay as they are
    for sample in samples:
        label = sample.gt_sem_seg.data
        sample.gt_sem_seg.data = torch.where(label == ignore_index, 255, label)
    expected = plain.loss(pyramid, samples, {})
    assert losses.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(losses[key], value)


def test_head_without_an_ignore_index():
    loss = dict(type='CrossEntropyLoss', use_sigmoid=True)
    model = build(ignore_index=None, loss_decode=loss)
    assert model.head.ignore_index is None
    assert torch.isfinite(model.loss(make_pyramid(), make_samples(), {})['rgb.loss_ce'])


TEMPERATURE = torch.tensor([2.0, 0.5, 1.7])  # of the ensemble, and of every modality


def make_calibratable(**kwargs):
    torch.manual_seed(0)
    head = build(**kwargs).eval()
    nn.init.normal_(head.alpha)
    return head


def test_temperatures_divide_each_prediction_and_leave_the_masks():
    head, pyramid = make_calibratable(), make_pyramid()
    metas = [sample.metainfo for sample in make_samples()]
    plain = head.predict_all(pyramid, metas)
    head.calibrate(TEMPERATURE)
    stacked = head.predict_all(pyramid, metas)
    for before, after, t in zip(plain.split(K, 1), stacked.split(K, 1), TEMPERATURE):
        torch.testing.assert_close(after, before / t)
        assert (after.argmax(1) == before.argmax(1)).all()
    torch.testing.assert_close(head.predict(pyramid, metas, {}), stacked[:, :K])
    torch.testing.assert_close(head(pyramid), head.forward_all(pyramid)[:, :K])


@pytest.mark.parametrize('threshold', [0.3, 0.5])
def test_one_output_with_temperature_keeps_its_masks_at_any_threshold(threshold):
    head = make_calibratable(num_classes=2, out_channels=1, threshold=threshold)
    nn.init.normal_(head.head.conv_seg.weight)
    pyramid = make_pyramid()
    metas = [sample.metainfo for sample in make_samples()]
    head.head.conv_seg.bias.data += head.pivot - head.predict_all(pyramid, metas).median()
    plain = head.predict_all(pyramid, metas).sigmoid()
    head.calibrate(TEMPERATURE)
    stacked = head.predict_all(pyramid, metas).sigmoid()
    assert (plain - stacked).abs().max() > 0.01
    assert ((plain > threshold) == (stacked > threshold)).all()
    assert 0 < (plain > threshold).float().mean() < 1


def test_temperatures_are_in_the_state_dict_only_if_there_are_some():
    plain, calibrated = make_calibratable(), make_calibratable()
    calibrated.calibrate(TEMPERATURE)
    assert set(calibrated.state_dict()) - set(plain.state_dict()) == {'temperature'}
    copy = make_calibratable()
    copy.load_state_dict(calibrated.state_dict())
    assert torch.equal(copy.temperature, TEMPERATURE)
    copy.load_state_dict(plain.state_dict())  # other weights, which it does not fit
    assert copy.temperature is None


def test_a_training_step_drops_temperatures():
    head, pyramid, samples = make_calibratable(), make_pyramid(), make_samples()
    torch.manual_seed(0)
    expected = head.loss(pyramid, samples, {})
    head.calibrate(TEMPERATURE)
    losses = head.loss(pyramid, samples, {})
    assert head.temperature is None
    assert all(torch.equal(losses[key], value) for key, value in expected.items())


@pytest.mark.parametrize(
    'wrong',
    [torch.ones(M), torch.ones(M + 2), torch.tensor([1.0, 0, 1]), torch.full((3,), torch.nan)],
)
def test_wrong_temperatures(wrong):
    with pytest.raises(ValueError, match='temperature: expected 3 positive numbers'):
        make_calibratable().calibrate(wrong)
    with pytest.raises(ValueError, match='temperature: expected 3 positive numbers'):
        make_calibratable().load_state_dict(
            make_calibratable().state_dict() | dict(temperature=wrong)
        )


def test_temperatures_need_a_threshold_within_0_and_1():
    head = make_calibratable(num_classes=2, out_channels=1, threshold=1.5)
    head.calibrate(TEMPERATURE)
    with pytest.raises(ValueError, match='threshold: expected one between 0 and 1'):
        head(make_pyramid())
