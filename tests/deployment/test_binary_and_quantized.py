"""Exported files of heads with one output, and files that a quantizer can take."""

import importlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from onnxruntime.quantization import CalibrationDataReader, quantize_static

from mmamf.apis import MultimodalInferencer

CLASSES = 2


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / 'tools'))
    return importlib.import_module('export_onnx')


@pytest.fixture
def root(make_rgbd_dataset):
    return make_rgbd_dataset(count=2, size=(32, 32), classes=CLASSES)


@pytest.fixture
def trained(root, rgbd_dataset_cfg, rgbd_preprocessor_cfg, tmp_path):
    """Writer of a config and a checkpoint, of a head with the given number of outputs."""

    def write(out_channels):
        head = dict(
            type='FCNHead',
            in_channels=8,
            in_index=0,
            channels=8,
            num_convs=1,
            concat_input=False,
            num_classes=CLASSES,
            out_channels=out_channels,
            threshold=0.6 if out_channels == 1 else None,
            norm_cfg=dict(type='BN'),
        )
        model = dict(
            type='MultimodalSegmentor',
            data_preprocessor=rgbd_preprocessor_cfg,
            backbone=dict(
                type='SharedMultimodalResNet',
                depth=18,
                num_modalities=2,
                base_channels=8,
                stem_channels=8,
                fusion=dict(type='ChannelShufflePixelShiftFusion'),
            ),
            decode_head=dict(type='ModalityEnsembleHead', num_modalities=2, head=head),
            test_cfg=dict(mode='whole'),
        )
        dataset = rgbd_dataset_cfg(root=root, classes=CLASSES)
        config = Config(
            dict(default_scope='mmseg', model=model, test_dataloader=dict(dataset=dataset))
        )
        config.dump(tmp_path / 'config.py')
        torch.manual_seed(0)
        model = MODELS.build(config.model)
        model.decode_head.alpha.data = torch.tensor([0.3, 1.2])
        torch.nn.init.normal_(model.decode_head.head.conv_seg.weight, std=4)
        if out_channels == 1:  # both classes are predicted somewhere
            model.eval()
            with torch.no_grad():
                logits = model(torch.randn(4, 6, 32, 32))
            model.decode_head.head.conv_seg.bias.data.sub_(logits.median())
        state = dict(meta=dict(cfg=config.pretty_text), state_dict=model.state_dict())
        torch.save(state, tmp_path / 'tiny.pth')
        return tmp_path / 'config.py', tmp_path / 'tiny.pth'

    return write


@pytest.mark.parametrize('arguments', [[], ['--labels']])
@pytest.mark.parametrize('modalities', [('rgb', 'depth'), ('rgb',)])
def test_a_binary_head(tool, trained, root, tmp_path, arguments, modalities):
    config, checkpoint = trained(1)
    out = tmp_path / 'model.onnx'
    tool.main([str(config), str(checkpoint), str(out), *arguments])
    inputs = {name: root / name for name in modalities}
    expected, found = (
        MultimodalInferencer(path, device='cpu', show_progress=False)(inputs)
        for path in (checkpoint, out)
    )
    for name, maps in expected.items():
        assert set(np.unique(maps['ensemble'])) == {0, 1}
        assert list(found[name]) == list(maps) == ['ensemble', *modalities]
        for source, labels in maps.items():
            np.testing.assert_array_equal(found[name][source], labels)


class Reader(CalibrationDataReader):
    """Random images."""

    def __init__(self, session, count=2):
        rng = np.random.default_rng(0)
        shapes = {part.name: part.shape[1] for part in session.get_inputs()}
        self.feeds = [
            {
                name: rng.uniform(0, 255 if c == 3 else 4000, (1, c, 32, 32)).astype('f4')
                for name, c in shapes.items()
            }
            for _ in range(count)
        ]
        self.rest = iter(self.feeds)

    def get_next(self):
        return next(self.rest, None)


@pytest.mark.parametrize('out_channels', [1, 2])
def test_static_quantization(tool, trained, tmp_path, out_channels):
    out, quantized = tmp_path / 'model.onnx', tmp_path / 'quantized.onnx'
    tool.main([*map(str, trained(out_channels)), str(out)])
    for tensor in onnx.load(str(out)).graph.initializer:
        assert np.isfinite(onnx.numpy_helper.to_array(tensor).astype('f8')).all(), tensor.name
    session = onnxruntime.InferenceSession(str(out), providers=['CPUExecutionProvider'])
    reader = Reader(session)
    quantize_static(str(out), str(quantized), reader)
    small = onnxruntime.InferenceSession(str(quantized), providers=['CPUExecutionProvider'])
    feed = reader.feeds[0]
    for exact, rough in zip(session.run(None, feed), small.run(None, feed)):
        assert np.isfinite(rough).all()
        assert np.abs(exact - rough).mean() < 0.2 * np.abs(exact).max()
    absent = dict(feed, depth=np.full_like(feed['depth'], np.nan))
    ensemble, rgb, depth = small.run(None, absent)
    assert np.isfinite(ensemble).all() and np.isfinite(rgb).all() and np.isnan(depth).all()
    # weights of an ensemble of one are beyond what the calibration saw, so logits shrink alike
    if out_channels > 1:
        assert (ensemble.argmax(1) == rgb.argmax(1)).mean() > 0.9
