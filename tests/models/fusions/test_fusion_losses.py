"""The way of a loss from a fusion operator to the optimizer."""

import gc
import weakref

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.structures import SegDataSample
from torch import nn

from mmamf.models import (
    AlignmentFusion,
    FusionOperator,
    SharedMultimodalResNet,
    SharedMultimodalUnetGenerator,
    fusion_losses,
)
from mmamf.models.fusions import fusion_operator

SMALL = {'base_channels': 4, 'stem_channels': 4}
LOSSES = {'AlignmentFusion': 'loss_align', 'ChannelExchangeFusion': 'loss_sparsity'}
SIZE = (32, 32)


def make_segmentor(fusion, kind='MultimodalSegmentor', **backbone):
    torch.manual_seed(0)
    modalities = [
        {'name': name, 'channels': 3, 'mean': [128.0] * 3, 'std': [50.0] * 3} for name in 'ab'
    ]
    head = {
        'type': 'FCNHead',
        'in_channels': 32,
        'in_index': 3,
        'channels': 4,
        'num_convs': 1,
        'num_classes': 3,
        'dropout_ratio': 0,
    }
    cfg = {
        'type': kind,
        'data_preprocessor': {
            'type': 'MultimodalSegDataPreprocessor',
            'modalities': modalities,
            'size_divisor': 32,
        },
        'backbone': {
            'type': 'SharedMultimodalResNet',
            'depth': 18,
            'num_modalities': 2,
            'fusion': {'type': fusion},
            **SMALL,
            **backbone,
        },
        'decode_head': {'type': 'ModalityEnsembleHead', 'num_modalities': 2, 'head': head},
        'train_cfg': {},
        'test_cfg': {'mode': 'whole'},
    }
    model = MMSEG_MODELS.build(cfg).train()
    model.init_weights()
    return model


def make_batch(n=2):
    torch.manual_seed(1)
    metainfo = {'modalities': ('a', 'b'), 'ori_shape': SIZE, 'img_shape': SIZE}
    samples = [SegDataSample(metainfo={'img_path': 'a.png', **metainfo}) for _ in range(n)]
    for sample in samples:
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 3, (1, *SIZE)))
    return {'inputs': list(torch.rand(n, 6, *SIZE) * 255), 'data_samples': samples}


def optimizer(model):
    return OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01))


def operators(model):
    return [module for module in model.modules() if isinstance(module, FusionOperator)]


@pytest.mark.parametrize('fusion', LOSSES)
def test_a_segmentor_adds_the_sum_over_the_fusion_points(fusion):
    model = make_segmentor(fusion)
    kept = []
    for operator in operators(model):
        keep = operator.keep_loss
        operator.keep_loss = lambda name, loss, keep=keep: (kept.append(loss), keep(name, loss))
    batch = model.data_preprocessor(make_batch(), True)
    losses = model.loss(**batch)
    key = f'fusion.{LOSSES[fusion]}'
    assert len(kept) == 4
    torch.testing.assert_close(losses[key], sum(kept))
    assert losses[key] > 0
    total, logged = model.parse_losses(losses)
    assert logged[key] == losses[key]
    torch.testing.assert_close(total, sum(v for k, v in losses.items() if 'loss' in k))
    assert not fusion_losses(model)  # collected once


@pytest.mark.parametrize('with_cp', [False, True])
@pytest.mark.parametrize('fusion', LOSSES)
def test_several_steps_leave_nothing_behind(fusion, with_cp):
    model = make_segmentor(fusion, with_cp=with_cp)
    seen, steps = [], optimizer(model)
    for operator in operators(model):
        keep = operator.keep_loss
        operator.keep_loss = lambda name, loss, keep=keep: (
            seen.append(weakref.ref(loss)),
            keep(name, loss),
        )
    for _ in range(3):
        model.train_step(make_batch(), steps)
    assert len(seen) == 3 * 4 * (1 + with_cp)  # checkpointed forwards run twice
    assert not any(operator.pop_losses() for operator in operators(model))
    gc.collect()
    assert not any(ref() is not None for ref in seen)


@pytest.mark.parametrize('fusion', LOSSES)
def test_checkpointing_changes_no_gradient(fusion):
    gradients = []
    for with_cp in (False, True):
        model = make_segmentor(fusion, with_cp=with_cp)
        losses = model.loss(**model.data_preprocessor(make_batch(), True))
        losses[f'fusion.{LOSSES[fusion]}'].mul(10).add(losses['decode.a.loss_ce']).backward()
        gradients.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, msg=name)


@pytest.fixture
def warnings(monkeypatch):
    """What is logged of losses that nobody collected."""
    said = []
    monkeypatch.setattr(fusion_operator, 'print_log', lambda text, **kwargs: said.append(text))
    fusion_operator._warn_not_collected.cache_clear()
    yield said
    fusion_operator._warn_not_collected.cache_clear()


@pytest.mark.parametrize('fusion', LOSSES)
def test_a_loss_that_the_stock_segmentor_leaves_is_warned_of_once(fusion, warnings):
    model = make_segmentor(fusion, 'EncoderDecoder')
    steps = optimizer(model)
    model.train_step(make_batch(), steps)
    assert not warnings
    for _ in range(2):
        model.train_step(make_batch(), steps)
    (warning,) = warnings
    assert warning.startswith(f'{fusion}: {LOSSES[fusion]} ')
    assert 'not collected, so it is not minimized' in warning
    assert 'Train with MultimodalSegmentor (not EncoderDecoder)' in warning


@pytest.mark.parametrize('fusion', LOSSES)
def test_a_second_training_forward_keeps_its_own_loss(fusion, warnings):
    model = SharedMultimodalResNet(18, 2, {'type': fusion}, norm_eval=True, **SMALL).train()
    first, second = torch.randn(2, 2, 6, *SIZE).unbind()
    model(second)
    expected = fusion_losses(model)
    assert not warnings
    model(first)
    model(second)
    got = fusion_losses(model)
    assert got.keys() == expected.keys()
    for name, loss in got.items():
        assert loss == expected[name]
    assert len(warnings) == 1


@pytest.mark.parametrize('fusion', LOSSES)
def test_only_training_keeps_losses(fusion):
    model = SharedMultimodalResNet(18, 2, {'type': fusion}, **SMALL)
    x = torch.randn(2, 6, *SIZE)
    model.eval()(x)
    with torch.no_grad():
        model.train()(x)
    assert not fusion_losses(model)
    model(x)
    assert set(fusion_losses(model)) == {f'fusion.{LOSSES[fusion]}'}


def test_operators_without_a_loss_add_nothing():
    model = make_segmentor('AdditionFusion')
    losses = model.loss(**model.data_preprocessor(make_batch(), True))
    assert not any('fusion' in key for key in losses)
    assert not fusion_losses(nn.Identity())


def test_a_neck_sums_over_its_levels(warnings):
    neck = AlignmentFusion(2)
    pyramid = [torch.randn(2, 3, 4, 4), torch.randn(2, 5, 2, 2)]
    expected = []
    for level in pyramid:
        neck([level])
        expected.append(fusion_losses(neck)['fusion.loss_align'])
    neck(pyramid)
    torch.testing.assert_close(fusion_losses(neck)['fusion.loss_align'], sum(expected))
    for _ in range(2):
        neck(pyramid)
    torch.testing.assert_close(fusion_losses(neck)['fusion.loss_align'], sum(expected))
    assert len(warnings) == 1


@pytest.mark.parametrize('fusion', LOSSES)
def test_a_translator_adds_them_to_the_generators_loss(fusion):
    from mmamf.models.translators.multimodal_pix2pix import MultimodalPix2Pix  # imports mmagic

    model = MultimodalPix2Pix(
        {
            'type': SharedMultimodalUnetGenerator,
            'num_modalities': 2,
            'base_channels': 2,
            'image_size': 32,
            'fusion': {'type': fusion},
        },
        {'type': 'MultimodalPatchDiscriminator', 'num_modalities': 2, 'base_channels': 2},
        {'type': 'MultimodalTranslationDataPreprocessor'},
    )
    outputs, ensemble = model.generator(torch.rand(2, 6, *SIZE), return_all=True)
    source, target = torch.rand(2, 6, *SIZE), torch.rand(2, 3, *SIZE)
    losses = model._generator_losses(source, outputs, ensemble, target, ('a', 'b'))
    key = f'fusion.{LOSSES[fusion]}'
    assert losses[key] > 0
    assert len(losses) == 2 * 2 + 1 + 1
    assert not fusion_losses(model)
