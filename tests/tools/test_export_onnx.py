"""tools/export_onnx.py on a tiny model, whose file onnxruntime runs."""

import importlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from mmengine.config import Config

from mmamf.deployment import export_onnx

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
REFINENET = dict(
    type='RefineNetHead',
    widths=(16, 8, 8, 8),
    in_channels=[8, 16, 32, 64],
    in_index=[0, 1, 2, 3],
    num_classes=5,
    dropout_ratio=0.1,
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
)


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module('export_onnx')


def describe(path):
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    shapes = {part.name: part.shape for part in (*session.get_inputs(), *session.get_outputs())}
    metadata = json.loads(session.get_modelmeta().custom_metadata_map['mmamf'])
    return session, shapes, metadata


def test_file(tool, trained, tmp_path, capsys):
    """The tool has compared it with PyTorch; here is what others need to use it."""
    out = tmp_path / 'new' / 'model.onnx'
    tool.main([*trained(), str(out)])
    assert 'rgb, depth -> seg_logits, seg_logits_rgb, seg_logits_depth' in capsys.readouterr().out
    session, shapes, metadata = describe(out)
    logits = ['N', 5, 'H', 'W']
    assert shapes == dict(
        rgb=['N', 3, 'H', 'W'],
        depth=['N', 1, 'H', 'W'],
        seg_logits=logits,
        seg_logits_rgb=logits,
        seg_logits_depth=logits,
    )
    assert metadata.pop('palette')
    assert metadata == dict(
        modalities=[
            dict(
                name='rgb',
                channels=3,
                dtype='uint8',
                missing=None,
                suffix='.png',
                optional=False,
                mean=[123.675, 116.28, 103.53],
                std=[58.395, 57.12, 57.375],
                scale=1.0,
                bgr_to_rgb=True,
            ),
            dict(
                name='depth',
                channels=1,
                dtype='uint16',
                missing=0,
                suffix='.png',
                optional=False,
                mean=[2.0],
                std=[0.8],
                scale=0.001,
                bgr_to_rgb=False,
            ),
        ],
        in_channels=3,
        classes=[f'class {i}' for i in range(5)],
        preprocessing=True,
        outputs=['seg_logits', 'seg_logits_rgb', 'seg_logits_depth'],
        absent='NaN',
    )
    feed = dict(rgb=np.ones((2, 3, 50, 70), 'f4'), depth=np.ones((2, 1, 50, 70), 'f4'))
    names = ['seg_logits', 'seg_logits_depth']
    both = session.run(names, feed)
    assert both[0].shape == (2, 5, 50, 70)
    feed['depth'][1] = np.nan
    logits, lone = session.run(names, feed)
    np.testing.assert_array_equal(logits[0], both[0][0])  # the neighbor's is nothing to it
    np.testing.assert_array_equal(lone[0], both[1][0])
    assert np.isfinite(logits[1]).all() and (logits[1] != both[0][1]).any()
    assert np.isnan(lone[1]).all()


def test_maps_of_one_pixel(tool, trained, tmp_path):
    """Images of 32 px, whose deepest maps have no neighbors to read from."""
    config, checkpoint = trained()
    out = tmp_path / 'model.onnx'
    tool.main([config, checkpoint, str(out)])
    cfg = Config.fromfile(config)
    model = export_onnx.load_segmentor(cfg, checkpoint)
    graph = export_onnx.SegmentorGraph(model).eval()
    raw = graph.draw_raw(2, (32, 32))
    names = graph.input_names
    feed = {name: image.numpy() for name, image in zip(names, graph.split_inputs(raw))}
    session = describe(out)[0]
    with torch.no_grad():
        expected = graph(*graph.split_inputs(raw))
    for _ in range(5):
        for found, logits in zip(session.run(None, feed), expected):
            np.testing.assert_allclose(found, logits, atol=1e-4 * float(logits.abs().max()))


MIT = dict(
    type='MixVisionTransformer',
    embed_dims=8,
    num_layers=[1, 1, 1, 1],
    num_heads=[1, 2, 1, 1],
    out_indices=[0, 3],
)
SWIN = dict(
    type='SwinTransformer',
    embed_dims=8,
    depths=[2, 1, 1, 1],
    num_heads=[1, 1, 1, 1],
    window_size=7,
    out_indices=[0, 3],
)


TIMM = dict(
    type='TIMMBackbone',
    model_name='tf_mobilenetv3_small_minimal_100',
    features_only=True,
    pretrained=False,
    out_indices=(0, 1),
)
MOBILE = dict(type='MobileNetV2', widen_factor=0.1, out_indices=[1, 5])


def any_backbone(backbone, head, channels=(8, 64), **fused):
    """Options for a backbone of mmseg and a head on its first and last output."""
    common = dict(in_channels=channels, in_index=[0, 1], num_classes=5, dropout_ratio=0)
    shared = dict(type='SharedMultimodalBackbone', num_modalities=2, backbone=backbone)
    shared.update(fusion=dict(type='ChannelShufflePixelShiftFusion'))
    shared.update(fused or dict(fusion_stages=[0, 1]))
    return {
        'model.backbone': dict(_delete_=True, **shared),
        'model.decode_head.head': dict(_delete_=True, **common, **head),
    }


VARIANTS = {
    'attention': ([], any_backbone(MIT, dict(type='SegformerHead', channels=8), [8, 8])),
    'fused around attention': (
        [],
        any_backbone(
            MIT, dict(type='SegformerHead', channels=8), [8, 8], fuse_at=['layers.*.1.*.attn']
        ),
    ),
    'fused around depthwise convolutions': (
        [],
        any_backbone(
            MOBILE,
            dict(type='SegformerHead', channels=8),
            [8, 16],
            fuse_at=['layer?.1.conv.1'],
        ),
    ),
    'windows and pooling': (
        [],
        any_backbone(SWIN, dict(type='UPerHead', channels=8, pool_scales=(1, 2, 3, 6))),
    ),
    'cubic upsampling': ([], {'model.decode_head.head': {'_delete_': True, **REFINENET}}),
    'padded': ([], {'model.data_preprocessor.test_cfg': dict(size_divisor=32)}),
    'private convolutions': (
        [],
        {'model.backbone.conv_cfg': dict(type='ModalitySpecificConv')},
    ),
    'parametrized fusion': (
        [],
        {'model.backbone.fusion': dict(type='SelfAttentionFusion')},
    ),
    'labels without preprocessing': (['--labels', '--no-preprocessing'], {}),
    'the ensemble alone': (['--ensemble'], {}),
}


@pytest.mark.parametrize('variant', VARIANTS)
def test_variants(tool, trained, tmp_path, variant):
    arguments, options = VARIANTS[variant]
    out = tmp_path / 'model.onnx'
    tool.main([*trained(**options), str(out), *arguments])
    _, shapes, metadata = describe(out)
    assert metadata['preprocessing'] is ('--no-preprocessing' not in arguments)
    if '--labels' in arguments:
        assert shapes['pred_sem_seg_depth'] == ['N', 'H', 'W']
        assert shapes['depth'] == ['N', 3, 'H', 'W']  # as the network sees it
        assert metadata['outputs'][0] == 'pred_sem_seg'
    if '--ensemble' in arguments:
        assert metadata['outputs'] == ['seg_logits'] and 'seg_logits_rgb' not in shapes


def test_single_modality(tool, trained, tmp_path, capsys):
    out = tmp_path / 'model.onnx'
    tool.main([*trained(), str(out), '--modality', 'depth'])
    printed = capsys.readouterr().out
    assert 'lost: what depth received at backbone.layer1.1.fusion (ChannelShuffle' in printed
    _, shapes, metadata = describe(out)
    assert list(shapes) == ['depth', 'seg_logits', 'seg_logits_depth']
    assert [spec['name'] for spec in metadata['modalities']] == ['depth']


def test_what_else_a_test_does_is_announced(tool, trained, tmp_path, capsys):
    config, checkpoint = trained()
    pipeline = Config.fromfile(config).test_dataloader.dataset.to_dict()['pipeline']
    pipeline.insert(-1, dict(type='Resize', scale=(64, 48)))
    config, checkpoint = trained(
        **{
            'test_dataloader.dataset': dict(
                _delete_=True, type='RepeatDataset', times=1, dataset=_dataset(config, pipeline)
            )
        }
    )
    tool.main([config, checkpoint, str(tmp_path / 'model.onnx')])
    assert 'tests after Resize, which is not in the file' in capsys.readouterr().out


def _dataset(config, pipeline):
    dataset = Config.fromfile(config).test_dataloader.dataset.to_dict()
    return dict(dataset, pipeline=pipeline, data_root='nowhere')  # none of its files is needed


def test_sliding_windows_are_announced(tool, trained, tmp_path, capsys):
    test_cfg = dict(mode='slide', crop_size=(32, 32), stride=(16, 16))
    tool.main([*trained(**{'model.test_cfg': test_cfg}), str(tmp_path / 'model.onnx')])
    assert 'sliding windows' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--modality', 'thermal'], "expected one of .*'rgb', 'depth'.* got 'thermal'"),
        (['--cfg-options', 'model.data_preprocessor.test_cfg.size=(64,64)'], 'expected no size'),
        (
            ['--cfg-options', 'model.type=EncoderDecoder'],
            'model.type: expected MultimodalSegmentor, got EncoderDecoder, which does not return',
        ),
    ],
)
def test_errors(tool, trained, tmp_path, arguments, message):
    with pytest.raises(SystemExit, match=f'error: .*{message}'):
        tool.main([*trained(), str(tmp_path / 'model.onnx'), *arguments])


def test_a_difference_is_found(tool, trained, tmp_path, monkeypatch):
    """A batch that the exporter fixed, and weights that differ, end the program."""
    config, checkpoint = trained()
    out = tmp_path / 'model.onnx'
    tool.main([config, checkpoint, str(out)])
    cfg = Config.fromfile(config)
    model = export_onnx.load_segmentor(cfg, checkpoint)
    graph = export_onnx.SegmentorGraph(model).eval()
    model.backbone.layer4[1].conv2.weight.data += 0.1
    with pytest.raises(ValueError, match='seg_logits differs from PyTorch by .* expected at most'):
        export_onnx.check(out, graph, model)


def fail(*args, **kwargs):
    raise RuntimeError('Unsupported: operator\nand the whole network')


@pytest.mark.parametrize(
    ('broken', 'value', 'message'),
    [
        ('TOLERANCE', -1, 'differs from PyTorch by .*: nothing is written'),
        ('torch.onnx.export', fail, 'torch cannot export this model: Unsupported: operator$'),
        ('onnxruntime.InferenceSession', fail, 'onnxruntime cannot run .*: Unsupported: operator$'),
    ],
)
def test_a_file_that_fails_is_not_left(
    tool, trained, tmp_path, monkeypatch, broken, value, message
):
    folder = tmp_path / 'files'
    folder.mkdir()
    out = folder / 'model.onnx'
    out.write_text('good')
    monkeypatch.setattr(f'mmamf.deployment.export_onnx.{broken}', value)
    with pytest.raises(SystemExit, match=f'error: .*{message}'):
        tool.main([*trained(), str(out)])
    assert out.read_text() == 'good'
    assert list(folder.iterdir()) == [out]


def test_random_bases_are_drawn_once(tool, trained, tmp_path, capsys):
    head = dict(type='LightHamHead', channels=8, ham_channels=8, ham_kwargs=dict(MD_R=4))
    head.update(in_channels=[8, 64], in_index=[0, 3], num_classes=5, dropout_ratio=0)
    options = {'model.decode_head.head': dict(_delete_=True, **head)}
    tool.main([*trained(**options), str(tmp_path / 'model.onnx')])
    assert 'decode_head.head.hamburger starts from random bases' in capsys.readouterr().out
