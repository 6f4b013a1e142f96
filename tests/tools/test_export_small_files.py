"""tools/export_onnx.py --int8 and --float16, and .xml files for OpenVINO."""

import importlib
import json
import sys

import numpy as np
import onnx
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.structures import SegDataSample

from mmamf.apis import MultimodalInferencer, OpenvinoSegmentor
from mmamf.deployment.calibration_images import CalibrationImages
from mmamf.deployment.onnx_metadata import METADATA

SOURCES = {'ensemble', 'rgb', 'depth'}


@pytest.fixture
def tool():
    return importlib.import_module('export_onnx')


def read(path):
    model = onnx.load(str(path))
    return model, {entry.key: entry.value for entry in model.metadata_props}


def predict(path, root, **inputs):
    inferencer = MultimodalInferencer(path, device='cpu', show_progress=False)
    inputs = inputs or {name: root / name for name in ('rgb', 'depth')}
    return inferencer(inputs, return_probabilities=True)


@pytest.mark.parametrize('kind', ['int8', 'float16'])
def test_a_small_file_says_what_it_loses(tool, trained, tmp_path, capsys, kind):
    config, checkpoint = trained()
    root, whole, small = tmp_path / 'rgbd', tmp_path / 'whole.onnx', tmp_path / 'small.onnx'
    tool.main([config, checkpoint, str(whole)])
    tool.main([config, checkpoint, str(small), f'--{kind}', '--max-loss', '60'])
    printed = capsys.readouterr().out
    model, properties = read(small)
    about = json.loads(properties[METADATA])
    precision = about.pop('precision')
    assert about == json.loads(read(whole)[1][METADATA]) and properties['mmamf_missing'] == 'NaN'
    assert precision['kind'] == kind and precision.get('calibration_images', 8) == 8
    before, after = precision['mIoU_float32'], precision['mIoU']
    assert set(before) == set(after) == SOURCES
    loss = before['ensemble'] - after['ensemble']
    assert f'{kind} loses {loss:.2f} mIoU on the validation set (ensemble ' in printed

    # the numbers of a test of the checkpoint
    cfg = Config.fromfile(config)
    cfg.update(work_dir=str(tmp_path / 'work'), load_from=checkpoint)
    metrics = Runner.from_cfg(cfg).test()
    for name in ('mIoU', 'rgb/mIoU', 'depth/mIoU'):
        source = name.removesuffix('mIoU').strip('/') or 'ensemble'
        assert before[source] == pytest.approx(metrics[name], abs=0.02)

    kinds = {node.op_type for node in model.graph.node}
    assert ('QuantizeLinear' in kinds) == (kind == 'int8')
    size = sum(part.ByteSize() for part in model.graph.initializer)
    floats = sum(part.ByteSize() for part in read(whole)[0].graph.initializer)
    assert size < (0.4 if kind == 'int8' else 0.6) * floats
    expected, found = predict(whole, root), predict(small, root)
    same = [(found[n]['ensemble'] == maps['ensemble']).mean() for n, maps in expected.items()]
    assert np.mean(same) > (0.3 if kind == 'int8' else 0.95)  # 0.2 by chance; nothing is trained
    for maps in predict(small, root, rgb=root / 'rgb').values():  # depth is absent
        assert 'depth' not in maps and np.isfinite(maps['probabilities']['ensemble']).all()


@pytest.mark.parametrize('kind', ['int8', 'float16'])
def test_a_loss_that_is_too_large_is_refused(tool, trained, tmp_path, kind):
    out = tmp_path / 'files' / 'model.onnx'
    out.parent.mkdir()
    out.write_text('good')
    message = rf'error: {kind} loses .* on the validation set \(ensemble .* at most -100 \(--max'
    with pytest.raises(SystemExit, match=message):
        tool.main([*trained(), str(out), f'--{kind}', '--max-loss', '-100'])
    assert [*out.parent.iterdir()] == [out] and out.read_text() == 'good'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['model.onnx', '--int8', '--float16'], 'not allowed with argument'),
        (['model.onnx', '--int8', '--no-preprocessing'], '--int8: expected no --no-preprocessing'),
        (['model.xml', '--float16'], '--float16: expected an .onnx file, got model.xml'),
        (['model.onnx', '--max-loss', '2'], '--max-loss: expected --int8 or --float16 with it'),
    ],
)
def test_arguments_that_contradict(tool, capsys, arguments, message):
    with pytest.raises(SystemExit):
        tool.parse_args(['config.py', 'tiny.pth', *arguments])
    assert message in capsys.readouterr().err


def test_another_evaluator_is_refused(trained, tool, tmp_path):
    out = tmp_path / 'model.onnx'
    config, checkpoint = trained(val_evaluator=dict(type='CalibrationMetric'))
    with pytest.raises(
        SystemExit, match=r"val_evaluator: expected MultimodalIoUMetric, got \['Cal"
    ):
        tool.main([config, checkpoint, str(out), '--float16'])
    assert not out.exists()


class Samples(list):
    """A data set of samples that have some modalities."""

    def __getitem__(self, index):
        meta = dict(modalities=('rgb', 'depth'), modality_channels=(3, 1))
        sample = SegDataSample(metainfo=dict(meta, present=super().__getitem__(index)))
        return dict(inputs=torch.full((4, 2, 2), index, dtype=torch.uint8), data_samples=sample)


def test_calibration_leaves_out_incomplete_samples():
    both = ('rgb', 'depth')
    images = CalibrationImages(Samples([both, ('rgb',), both, both, both]), both, count=3)
    assert len(images) == 3
    feeds = [images.get_next() for _ in range(3)]
    assert [feed['depth'].max() for feed in feeds] == [0, 2, 4] and images.get_next() is None
    assert feeds[0]['rgb'].shape == (1, 3, 2, 2) and feeds[0]['rgb'].dtype == np.float32
    alone = CalibrationImages(Samples([('rgb',)]), ('rgb',), count=3)
    assert list(alone.get_next()) == ['rgb']
    with pytest.raises(ValueError, match=r"expected samples with all of \('rgb', 'depth'\)"):
        CalibrationImages(Samples([('rgb',)] * 2), both, count=3)


PIP = 'pip install -r requirements/openvino.txt'


@pytest.fixture
def exported(tool, trained, tmp_path):
    """Both files of one model, and its images."""
    pytest.importorskip('openvino', reason=f'OpenVINO is not installed: {PIP}')
    paths = [tmp_path / 'files' / f'model{suffix}' for suffix in ('.onnx', '.xml')]
    model = trained()
    for path in paths:
        tool.main([*model, str(path)])
    assert sorted(p.name for p in paths[0].parent.iterdir()) == [
        'model.bin',
        'model.onnx',
        'model.xml',
    ]
    return *paths, tmp_path / 'rgbd'


def test_openvino_predicts_the_same(exported):
    onnx_file, xml, root = exported
    for modalities in (('rgb', 'depth'), ('rgb',), ('depth',)):
        inputs = {name: root / name for name in modalities}
        expected, found = (predict(path, root, **inputs) for path in (onnx_file, xml))
        assert found.keys() == expected.keys()
        for name, maps in expected.items():
            assert list(found[name]) == list(maps)
            for source, chances in maps['probabilities'].items():
                np.testing.assert_allclose(found[name]['probabilities'][source], chances, atol=1e-3)
                assert (found[name][source] == maps[source]).mean() > 0.999


def test_openvino_files_that_cannot_be_used(exported, monkeypatch):
    _, xml, _ = exported
    assert isinstance(MultimodalInferencer(xml).segmentor, OpenvinoSegmentor)
    with pytest.raises(ValueError, match="device: expected one that OpenVINO can use, .*'tpu'"):
        OpenvinoSegmentor(xml, 'tpu')
    with pytest.raises(ValueError, match='config: expected none with .*model.xml'):
        MultimodalInferencer(xml, config='config.py')
    text = xml.read_text()
    xml.write_text(text.replace('"mmamf"', '"other"').replace('<mmamf', '<other'))
    with pytest.raises(ValueError, match='expected an ONNX file of tools/export_onnx.py'):
        OpenvinoSegmentor(xml)
    xml.write_text(text[: len(text) // 2])
    with pytest.raises(ValueError, match='model.xml: OpenVINO cannot load it'):
        OpenvinoSegmentor(xml)
    xml.with_suffix('.bin').unlink()
    with pytest.raises(FileNotFoundError, match='model.bin: there is no such file of an OpenVINO'):
        OpenvinoSegmentor(xml)


def test_openvino_is_optional(tmp_path, monkeypatch):
    for name in ('model.xml', 'model.bin'):
        (tmp_path / name).touch()
    monkeypatch.setitem(sys.modules, 'openvino', None)
    with pytest.raises(ImportError, match=f'openvino is needed for .xml files: {PIP}'):
        MultimodalInferencer(tmp_path / 'model.xml')
