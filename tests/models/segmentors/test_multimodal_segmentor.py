import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS
from mmengine.runner import load_checkpoint
from mmengine.structures import PixelData
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.structures import SegDataSample

K, SIZE = 4, (48, 64)
NAMES = ('rgb', 'depth')


def make_config(kind='MultimodalSegmentor', names=NAMES, out_channels=None, **test_cfg):
    m = len(names)
    channels = {name: 3 if name == 'rgb' else 1 for name in names}
    modalities = [
        {'name': name, 'channels': c, 'mean': [0.0] * c, 'std': [1.0] * c}
        for name, c in channels.items()
    ]
    head = {
        'type': 'RefineNetHead',
        'widths': (8, 8, 8, 8),
        'in_channels': [8, 16, 32, 64],
        'in_index': [0, 1, 2, 3],
        'num_classes': K if out_channels is None else 2,
        'out_channels': out_channels,
    }
    return {
        'type': kind,
        'data_preprocessor': {'type': 'MultimodalSegDataPreprocessor', 'modalities': modalities},
        'backbone': {
            'type': 'SharedMultimodalResNet',
            'depth': 18,
            'base_channels': 8,
            'stem_channels': 8,
            'num_modalities': m,
            'fusion': {'type': 'ChannelShufflePixelShiftFusion'},
        },
        'decode_head': {'type': 'ModalityEnsembleHead', 'num_modalities': m, 'head': head},
        'train_cfg': {},
        'test_cfg': ConfigDict({'mode': 'whole', **test_cfg}),
    }


def build(*args, **kwargs):
    torch.manual_seed(0)
    model = MMSEG_MODELS.build(make_config(*args, **kwargs)).eval()
    model.decode_head.alpha.data = torch.linspace(0, 1, len(model.decode_head.alpha))
    return model


def make_samples(n, names=NAMES, **metainfo):
    metainfo = {'modalities': names, 'ori_shape': SIZE, 'img_shape': SIZE, **metainfo}
    samples = [SegDataSample(metainfo={'img_path': 'a.png', **metainfo}) for _ in range(n)]
    for sample in samples:
        sample.gt_sem_seg = PixelData(data=torch.zeros(1, *SIZE, dtype=torch.long))
    return samples


SLIDE = {'mode': 'slide', 'crop_size': (32, 32), 'stride': (16, 16)}


@pytest.mark.parametrize('test_cfg', [{}, SLIDE])
@pytest.mark.parametrize('names', [('rgb',), NAMES, (*NAMES, 'thermal')])
@torch.no_grad()
def test_returns_the_ensemble_and_every_modality(names, test_cfg):
    model = build(names=names, **test_cfg)
    inputs = torch.randn(2, 3 * len(names), *SIZE)
    results = model.predict(inputs, make_samples(2, names))
    weights = model.decode_head.alpha.softmax(0)
    for result in results:
        members = [result.get(f'seg_logits_{name}').data for name in names]
        expected = sum(w * logits for w, logits in zip(weights, members))
        torch.testing.assert_close(result.seg_logits.data, expected, rtol=1e-4, atol=1e-4)
        for name, logits in zip(names, members):
            prediction = result.get(f'pred_sem_seg_{name}').data
            assert prediction.shape == (1, *SIZE)
            assert torch.equal(prediction, logits.argmax(0, keepdim=True))


@pytest.mark.parametrize('test_cfg', [{}, SLIDE])
@torch.no_grad()
def test_logits_of_the_labels_size_are_not_resampled_again(test_cfg):
    model = build(**test_cfg)
    inputs = torch.randn(2, 6, *SIZE)
    stacked = model.inference(inputs, [dict(s.metainfo) for s in make_samples(2)])
    for logits, result in zip(stacked, model.predict(inputs, make_samples(2))):
        keys = ('seg_logits', 'seg_logits_rgb', 'seg_logits_depth')
        for part, key in zip(logits.split(K), keys, strict=True):
            assert torch.equal(result.get(key).data, part)


@pytest.mark.parametrize('test_cfg', [{}, SLIDE])
@torch.no_grad()
def test_ensemble_equals_the_stock_segmentors(test_cfg):
    ours, stock = build(**test_cfg), build('EncoderDecoder', **test_cfg)
    stock.load_state_dict(ours.state_dict())
    inputs = torch.randn(2, 6, *SIZE)
    for a, b in zip(ours.predict(inputs, make_samples(2)), stock.predict(inputs, make_samples(2))):
        torch.testing.assert_close(a.seg_logits.data, b.seg_logits.data, rtol=1e-4, atol=1e-4)
        assert not hasattr(b, 'pred_sem_seg_rgb')
    assert torch.equal(ours(inputs, mode='tensor'), stock(inputs, mode='tensor'))
    assert ours(inputs, mode='tensor').shape == (2, K, 12, 16)


@torch.no_grad()
def test_padding_of_a_mixed_batch_is_cut_off():
    model = build()
    wide, narrow = torch.randn(4, *SIZE), torch.randn(4, SIZE[0], SIZE[1] // 2)
    padded = torch.nn.functional.pad(narrow, (0, SIZE[1] // 2))  # mean 0: padding is 0, too
    samples = make_samples(2)
    samples[1].set_metainfo(dict(ori_shape=narrow.shape[1:], img_shape=narrow.shape[1:]))
    mixed = model.test_step(dict(inputs=[wide, narrow], data_samples=samples))
    alike = model.test_step(dict(inputs=[wide, padded], data_samples=make_samples(2)))
    for key in ('seg_logits', 'seg_logits_rgb', 'seg_logits_depth'):
        assert torch.equal(mixed[0].get(key).data, alike[0].get(key).data)
        expected = alike[1].get(key).data[..., : SIZE[1] // 2]
        torch.testing.assert_close(mixed[1].get(key).data, expected)


@pytest.mark.parametrize('direction', ['horizontal', 'vertical'])
@torch.no_grad()
def test_flipped_images_are_flipped_back(direction):
    model = build()
    inputs = torch.randn(1, 6, *SIZE)
    plain = model.predict(inputs, make_samples(1))[0]
    flipped = model.predict(inputs, make_samples(1, flip=True, flip_direction=direction))[0]
    axis = 2 if direction == 'horizontal' else 1
    for key in ('seg_logits', 'seg_logits_rgb', 'seg_logits_depth'):
        torch.testing.assert_close(
            flipped.get(key).data, plain.get(key).data.flip(axis), rtol=1e-4, atol=1e-4
        )


def test_without_samples_modalities_are_counted():
    result = build().predict(torch.randn(1, 6, *SIZE))[0]
    assert hasattr(result, 'pred_sem_seg_modality0')
    assert hasattr(result, 'pred_sem_seg_modality1')


def test_learns_from_a_step():
    model = build().train()
    losses = model.loss(torch.randn(2, 6, *SIZE), make_samples(2))
    total, logged = model.parse_losses(losses)
    total.backward()
    assert 'decode.rgb.loss_ce' in logged
    assert all(p.grad is not None for p in model.parameters())


def test_auxiliary_head_is_wrapped_alike():
    cfg = make_config()
    cfg['auxiliary_head'] = copy.deepcopy(cfg['decode_head'])
    model = MODELS.build(cfg)
    losses = model.loss(torch.randn(2, 6, *SIZE), make_samples(2))
    assert {'aux.rgb.loss_ce', 'aux.ensemble.loss_ce'} <= losses.keys()


def test_refuses_a_bare_head():
    cfg = make_config()
    cfg['decode_head'] = cfg['decode_head']['head']
    with pytest.raises(ValueError, match='expected a ModalityEnsembleHead .* got RefineNetHead'):
        MMSEG_MODELS.build(cfg)


@pytest.mark.parametrize('kind', ['MultimodalTTAModel', 'SegTTAModel'])
@torch.no_grad()
def test_time_augmentation(kind):
    """The merged prediction is the argmax of the mean probability over the flipped images."""
    model = build()
    tta = MMSEG_MODELS.build({'type': kind, 'module': model})
    image = torch.randint(0, 255, (4, *SIZE)).float()
    batch = {
        'inputs': [[image], [image.flip(-1)]],
        'data_samples': [
            make_samples(1, flip=False, flip_direction=None),
            make_samples(1, flip=True, flip_direction='horizontal'),
        ],
    }
    merged = tta.test_step(batch)[0]
    tiled = torch.cat([image[:3], image[3:].expand(3, -1, -1)])[None]
    parts = {'': 'seg_logits'}
    if kind == 'MultimodalTTAModel':
        parts.update({f'_{name}': f'seg_logits_{name}' for name in NAMES})
    plain = model.predict(tiled, make_samples(1))[0]
    mirrored = model.predict(
        tiled.flip(-1), make_samples(1, flip=True, flip_direction='horizontal')
    )[0]
    for suffix, logits in parts.items():
        mean = plain.get(logits).data.softmax(0) + mirrored.get(logits).data.softmax(0)
        prediction = merged.get(f'pred_sem_seg{suffix}').data.squeeze()
        assert (prediction == mean.argmax(0)).float().mean() > 0.999
        if kind == 'MultimodalTTAModel':  # metrics of probabilities read them
            chance = merged.get(logits).data.softmax(0)
            torch.testing.assert_close(chance, mean / 2, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_time_augmentation_takes_what_the_segmentor_takes():
    """Inputs without samples, and samples that do not say what is present."""
    model = build()
    tta = MMSEG_MODELS.build({'type': 'MultimodalTTAModel', 'module': model})
    image = torch.randint(0, 255, (4, *SIZE)).float()
    expected = model.test_step({'inputs': [image], 'data_samples': make_samples(1)})[0]
    for sample in (None, *make_samples(1)):
        if sample is not None:
            sample.set_metainfo({'modalities': NAMES})
            assert 'present' not in sample.metainfo
        samples = None if sample is None else [[sample], [sample.clone()]]
        merged = tta.test_step({'inputs': [[image], [image]], 'data_samples': samples})[0]
        names = NAMES if samples else ('modality0', 'modality1')
        for own, its in zip(('', *(f'_{name}' for name in names)), ('', '_rgb', '_depth')):
            found = merged.get(f'pred_sem_seg{own}').data
            assert (found == expected.get(f'pred_sem_seg{its}').data).all()
    inputs = torch.randn(1, 6, *SIZE)
    bare = [model.predict(inputs) for _ in range(2)]
    merged = tta.merge_preds([list(pair) for pair in zip(*bare)])[0]
    assert torch.equal(merged.pred_sem_seg_modality1.data, bare[0][0].pred_sem_seg_modality1.data)


@torch.no_grad()
def test_binary_heads_slide_and_augment():
    """One channel of logits is thresholded, never compared by argmax."""
    model = build(out_channels=1, **SLIDE)
    model.decode_head.head.conv_seg.weight.data.zero_()
    model.decode_head.head.conv_seg.bias.data.fill_(5.0)
    result = model.predict(torch.randn(1, 6, *SIZE), make_samples(1))[0]
    tta = MMSEG_MODELS.build({'type': 'MultimodalTTAModel', 'module': model})
    image = torch.randint(0, 255, (4, *SIZE)).float()
    batch = {'inputs': [[image], [image]], 'data_samples': [make_samples(1), make_samples(1)]}
    merged = tta.test_step(batch)[0]
    for key in ('pred_sem_seg', 'pred_sem_seg_rgb', 'pred_sem_seg_depth'):
        assert result.get(key).data.all()
        assert merged.get(key).data.all()


@pytest.mark.parametrize(
    ('entries', 'message'),
    [
        ({'segmenter': {}}, "expected .*, got one in the authors' format"),
        ({'module.bn1.bn_0.weight': torch.ones(8)}, "expected .*, got one in the authors' format"),
        ({'conv1.weight': torch.ones(8)}, r'without any \(first keys: .*conv1'),
    ],
)
def test_checkpoint_of_something_else_is_refused(entries, message, tmp_path):
    torch.save(entries, tmp_path / 'wrong.pth')
    with pytest.raises(ValueError, match=message):
        load_checkpoint(build(), str(tmp_path / 'wrong.pth'))


def test_plain_backbone_under_the_ensemble_is_refused():
    """Features that are not folded would pair up samples as if they were modalities."""
    cfg = make_config()
    cfg['backbone'] = {'type': 'ResNet', 'depth': 18, 'base_channels': 8, 'stem_channels': 8}
    cfg['backbone']['in_channels'] = 6
    model = MMSEG_MODELS.build(cfg)
    with pytest.raises(ValueError, match='expected 2 samples x 2 modalities in the batch, got 2'):
        model.loss(torch.randn(2, 6, *SIZE), make_samples(2))
    with pytest.raises(ValueError, match='SharedMultimodalBackbone'):
        model.eval().predict(torch.randn(2, 6, *SIZE), make_samples(2))
