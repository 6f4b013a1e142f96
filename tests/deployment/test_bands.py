"""Deployment of networks whose modalities have different numbers of bands."""

import io
import warnings

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from mmseg.models.backbones import ResNet
from torch import nn

from mmamf.deployment import SegmentorGraph, deploy, single_modality_model, stock_backbone

BANDS = dict(tile=4, rgb=3, thermal=1)


@pytest.fixture(params=['private', 'tiled', 'private convolutions'])
def made(request, segmentor_cfg, randomize):
    """A segmentor for tiles of four bands, RGB and thermal images, and its config."""
    backbone = {
        'private': dict(bands=[*BANDS.values()]),
        'tiled': dict(in_channels=4),
        'private convolutions': dict(
            bands=[*BANDS.values()], conv_cfg=dict(type='ModalitySpecificConv')
        ),
    }[request.param]
    cfg = segmentor_cfg(3, **backbone)
    cfg['data_preprocessor'].update(
        in_channels=4,
        modalities=[
            dict(name=name, channels=c, mean=[*range(c)], std=[*range(1, c + 1)])
            for name, c in BANDS.items()
        ],
    )
    cfg = Config(dict(model=cfg))
    torch.manual_seed(0)
    model = randomize(MODELS.build(cfg.model))
    nn.init.normal_(model.decode_head.head.conv_seg.weight)
    return model, cfg.model.to_dict()


def assert_close(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert (a - b).abs().max() <= 1e-5 * b.abs().max()


@torch.no_grad()
def test_deploy_and_graph(made):
    model, _ = made
    x = torch.randn(2, 12, 40, 35)
    assert_close(deploy(model).extract_feat(x), model.extract_feat(x))

    graph = SegmentorGraph(model).eval()
    raw = graph.draw_raw(2, (40, 35))
    images = graph.split_inputs(raw)
    assert [image.shape[1] for image in images] == [4, 3, 1]
    inputs = model.data_preprocessor(dict(inputs=list(raw)))['inputs']
    logits = model.decode_head.predict_all(
        model.extract_feat(inputs), [dict(img_shape=(40, 35))] * 2
    ).chunk(4, dim=1)
    assert_close(graph(*images), logits)
    normalized = SegmentorGraph(model, preprocessing=False).eval()
    assert_close(normalized(*inputs.split(4, dim=1)), logits)


@torch.no_grad()
@pytest.mark.parametrize('made', ['private'], indirect=True)
def test_onnx(made):
    onnxruntime = pytest.importorskip('onnxruntime')
    graph = SegmentorGraph(made[0]).eval()
    images = graph.split_inputs(graph.draw_raw(2, (40, 35)))
    names = [*BANDS]
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of everything that tracing could fix
        torch.onnx.export(
            graph,
            images,
            buffer,
            dynamo=False,
            input_names=names,
            dynamic_axes={name: {0: 'n', 2: 'h', 3: 'w'} for name in names},
            opset_version=17,
        )
    session = onnxruntime.InferenceSession(buffer.getvalue())
    other = graph.split_inputs(graph.draw_raw(3, (45, 64)))
    found = session.run(None, {name: image.numpy() for name, image in zip(names, other)})
    for a, b in zip(map(torch.from_numpy, found), graph(*other), strict=True):
        assert (a - b).abs().max() <= 1e-3 * b.abs().max()


@torch.no_grad()
def test_one_modality_by_itself(made):
    model, config = made
    x = torch.randn(2, 12, 40, 35)
    pyramid = model.extract_feat(x)
    for index, (name, bands) in enumerate(BANDS.items()):
        single = single_modality_model(model, config, name)
        count = bands if config['backbone'].get('bands') else 4
        assert single.data_preprocessor.in_channels == count
        own = x[:, 4 * index : 4 * index + count]
        expected = [level[index::3] for level in pyramid]
        assert_close(single.extract_feat(own), expected)
        stock, backbone = stock_backbone(single, config['backbone'])
        assert type(backbone) is ResNet and stock['in_channels'] == count
        assert_close(backbone(own), expected)


@torch.no_grad()
def test_one_modality_of_any_backbone(segmentor_cfg):
    cfg = segmentor_cfg(2)
    cfg['data_preprocessor']['modalities'][1]['channels'] = 1
    cfg['backbone'] = dict(
        type='SharedMultimodalBackbone',
        num_modalities=2,
        backbone=dict(type='ResNet', depth=18, base_channels=8, stem_channels=8),
        bands=[3, 1],
    )
    cfg = Config(dict(model=cfg))
    model = MODELS.build(cfg.model).eval()
    x = torch.randn(1, 6, 32, 32)
    single = single_modality_model(model, cfg.model.to_dict(), 'depth')
    expected = [level[1::2] for level in model.extract_feat(x)]
    assert_close(single.extract_feat(x[:, 3:4]), expected)
    _, backbone = stock_backbone(single, cfg.model.to_dict()['backbone'])
    assert_close(backbone(x[:, 3:4]), expected)
