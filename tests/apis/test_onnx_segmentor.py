"""ONNX models: what surrounds onnxruntime, with a stand-in for it."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest

from mmamf.apis import MultimodalInferencer, OnnxSegmentor
from mmamf.apis.sample_images import load_sample
from mmamf.deployment.onnx_metadata import describe_files, read_files
from mmamf.structures import Modality

ABOUT = dict(
    modalities=[
        dict(name='rgb', channels=3, dtype='uint8', missing=None, mean=[0, 0, 0], std=[1, 1, 1]),
        dict(name='depth', channels=1, dtype='uint16', missing=0, mean=[0], std=[1]),
    ],
    classes=['dark', 'light'],
    palette=[[0, 0, 0], [255, 255, 255]],
    preprocessing=True,
    outputs=['seg_logits', 'seg_logits_rgb', 'seg_logits_depth'],
)


class Session:
    """Divides the pixels of each modality by a threshold; the ensemble is where both are light."""

    depth = 'tensor(uint16)'

    def __init__(self, path, providers):
        self.about = Path(path).read_text()
        self.providers = providers

    holes = dict(mmamf_missing='NaN')  # {}: a file of an earlier version

    def get_modelmeta(self):
        about = dict(self.holes, mmamf=self.about) if self.about else {}
        return SimpleNamespace(custom_metadata_map=about)

    def get_inputs(self):
        types = dict(depth=self.depth, rgb='tensor(float)')  # not in the model's order
        return [SimpleNamespace(name=name, type=kind) for name, kind in types.items()]

    def run(self, names, feed):
        assert feed['rgb'].dtype == np.float32
        assert feed['depth'].dtype == (np.uint16 if 'uint16' in self.depth else np.float32)
        light = dict(rgb=feed['rgb'][:, 0] > 128, depth=feed['depth'][:, 0] > 2000)  # [0]: blue
        light['seg_logits'] = light['rgb'] & light['depth']
        chosen = [light[name.removeprefix('seg_logits_').removeprefix('labels_')] for name in names]
        if names[0] == 'labels':
            return [labels.astype(np.uint8) for labels in chosen]
        return [np.stack([-1.0 * labels, labels], 1).astype(np.float32) for labels in chosen]


@pytest.fixture
def providers(monkeypatch):
    """Stand-in for onnxruntime; the list of what it can run on."""
    module = ModuleType('onnxruntime')
    available = ['CPUExecutionProvider']
    module.get_available_providers = lambda: available
    module.InferenceSession = Session
    monkeypatch.setitem(sys.modules, 'onnxruntime', module)
    return available


@pytest.fixture
def write(tmp_path):
    """Writer of a model: ``write(**changed entries of what it says about itself)``."""

    def make(**changes):
        (tmp_path / 'model.onnx').write_text(json.dumps(ABOUT | changes))
        return tmp_path / 'model.onnx'

    return make


@pytest.mark.parametrize('array', [False, True])
def test_predictions(providers, write, make_rgbd_dataset, tmp_path, array):
    root = make_rgbd_dataset(count=3)
    rgb, depth = (
        [cv2.imread(str(root / name / f'{i:02d}.png'), cv2.IMREAD_UNCHANGED) for i in range(3)]
        for name in ('rgb', 'depth')
    )
    inputs = {name: root / name for name in ('rgb', 'depth')}
    if array:
        inputs = dict(rgb=[image[..., ::-1] for image in rgb], depth=depth)
    inferencer = MultimodalInferencer(write(), show_progress=False)
    assert inferencer.segmentor.session.providers == ['CPUExecutionProvider']
    found = inferencer(inputs, batch_size=2, out_dir=tmp_path / 'out')
    assert len(found) == 3 and inferencer.classes == ('dark', 'light')
    for i, maps in enumerate(found.values()):
        light, far = rgb[i][..., 0] > 128, depth[i] > 2000
        assert list(maps) == ['ensemble', 'rgb', 'depth'] and maps['rgb'].dtype == np.uint8
        np.testing.assert_array_equal(maps['rgb'], light)
        np.testing.assert_array_equal(maps['depth'], far)
        np.testing.assert_array_equal(maps['ensemble'], light & far)
    assert (tmp_path / 'out' / 'montage.png').is_file()


def test_probabilities(providers, write, make_rgbd_dataset, monkeypatch):
    root = make_rgbd_dataset(count=2)
    inputs = {name: root / name for name in ('rgb', 'depth')}
    inferencer = MultimodalInferencer(write(), show_progress=False)
    for maps in inferencer(inputs, return_probabilities=True).values():
        assert list(maps['probabilities']) == ['ensemble', 'rgb', 'depth']
        for source, chance in maps['probabilities'].items():
            logit = np.where(maps[source] == 1, 2.0, 0.0)  # Session: -1 and 1, or 0 and 0
            np.testing.assert_allclose(chance[1], 1 / (1 + np.exp(-logit)), rtol=1e-6)
            np.testing.assert_allclose(chance.sum(0), 1, rtol=1e-6)

    def give_labels(self, names, feed):
        return [np.zeros(feed['rgb'][:, 0].shape, np.uint8) for _ in names]

    monkeypatch.setattr(Session, 'run', give_labels)
    with pytest.raises(ValueError, match='expected an ONNX file that gives logits, got one that'):
        inferencer(inputs, return_probabilities=True)


def test_absent_modalities_are_nan(providers, write, make_rgbd_dataset, monkeypatch):
    root = make_rgbd_dataset(count=3)
    (root / 'depth' / '01.png').unlink()
    inputs = {name: root / name for name in ('rgb', 'depth')}

    def infer(**about):
        inferencer = MultimodalInferencer(write(**about), show_progress=False)
        return inferencer(inputs, batch_size=3, optional=['depth'])

    for about in (dict(absent='NaN'), {}):  # whole numbers, a file of an earlier version
        with pytest.raises(ValueError, match="none of 'depth': this ONNX file does not"):
            infer(**about)
        monkeypatch.setattr(Session, 'depth', 'tensor(float)')
    seen = []
    run = Session.run
    monkeypatch.setattr(Session, 'run', lambda *args: seen.append(args[2]) or run(*args))
    found = infer(absent='NaN')
    assert [len(maps) for maps in found.values()] == [3, 2, 3]
    assert np.isnan(seen[0]['depth'][1]).all() and np.isfinite(seen[0]['rgb']).all()
    assert np.isfinite(seen[0]['depth'][[0, 2]]).any((1, 2, 3)).all()  # but for missing readings


@pytest.mark.parametrize('knows', [True, False])
@pytest.mark.parametrize('missing', [0, [0, 'NaN', '-Infinity']], ids=str)
def test_missing_readings(providers, write, make_rgbd_dataset, monkeypatch, knows, missing):
    root = make_rgbd_dataset(count=1)
    depth = np.full((48, 64), 3000, np.uint16)
    depth[:4] = 0
    cv2.imwrite(str(root / 'depth' / '00.png'), depth)
    seen, run = [], Session.run
    monkeypatch.setattr(Session, 'depth', 'tensor(float)')
    monkeypatch.setattr(Session, 'holes', Session.holes if knows else {})
    monkeypatch.setattr(Session, 'run', lambda *args: seen.append(args[2]) or run(*args))
    modalities = [ABOUT['modalities'][0], dict(ABOUT['modalities'][1], missing=missing)]
    inferencer = MultimodalInferencer(write(modalities=modalities), show_progress=False)
    inferencer({name: root / name for name in ('rgb', 'depth')})
    expected = depth.astype(np.float32)
    if knows:
        expected[:4] = np.nan
    np.testing.assert_array_equal(seen[0]['depth'][0, 0], expected)
    # of a modality without a value for it there is nothing to write
    floats = dict(name='depth', channels=1, dtype='float32', missing='NaN', mean=[0], std=[1])
    inferencer = MultimodalInferencer(write(modalities=[modalities[0], floats]))
    rgb = np.zeros((4, 5, 3), np.uint8)
    inputs = dict(rgb=rgb, depth=np.array([[np.nan] * 5] + [[1.0] * 5] * 3, np.float32))
    if knows:
        assert inferencer(inputs)
    else:
        with pytest.raises(ValueError, match="a reading of 'depth' in every pixel, got 5 missing"):
            inferencer(inputs)


def test_optional_modalities_are_in_the_metadata(providers, write, make_rgbd_dataset, monkeypatch):
    root = make_rgbd_dataset(count=3)
    (root / 'depth' / '01.png').unlink()
    monkeypatch.setattr(Session, 'depth', 'tensor(float)')
    rgb, depth = ABOUT['modalities']
    path = write(absent='NaN', modalities=[rgb, dict(depth, optional=True)])
    inferencer = MultimodalInferencer(path, show_progress=False)
    found = inferencer({name: root / name for name in ('rgb', 'depth')})
    assert [len(maps) for maps in found.values()] == [3, 2, 3]


@pytest.mark.parametrize(
    'modality',
    [
        Modality('rgb', channels=3, dtype='uint8', bgr_to_rgb=True, suffix='.jpg', mean=0, std=1),
        Modality('depth', channels=1, dtype='uint16', missing=0, valid_range=[1, 9], optional=True),
        Modality('bands', channels=[2, 0], dtype='float32', missing=[float('nan'), -float('inf')]),
        Modality('flair', channels=1, dtype='uint16', missing=0, calibrated=False),
    ],
    ids=lambda modality: modality.name,
)
def test_what_is_written_of_files_is_read(modality):
    found = read_files(json.loads(json.dumps(describe_files(modality), allow_nan=False)))
    for key in ('name', 'num_channels', 'bands', 'dtype', 'suffix', 'optional', 'calibrated'):
        assert getattr(found, key) == getattr(modality, key)
    assert repr([*found.missing_values]) == repr([*map(float, modality.missing_values)]) or (
        found.missing == modality.missing
    )
    assert [*(found.valid_range or ())] == [*(modality.valid_range or ())]


def test_a_frame_without_a_reading(providers, write, monkeypatch):
    monkeypatch.setattr(Session, 'depth', 'tensor(float)')
    inferencer = MultimodalInferencer(write(absent='NaN'), show_progress=False)
    inputs = dict(rgb=np.ones((4, 5, 3), np.uint8), depth=np.zeros((4, 5), np.uint16))
    with pytest.raises(ValueError, match=r"only the missing value 0 in .*optional=\('depth',\)"):
        inferencer(inputs)
    (maps,) = inferencer(inputs, optional=['depth']).values()
    assert list(maps) == ['ensemble', 'rgb']


def test_selected_bands(providers, write, make_rgbd_dataset, tmp_path):
    root = make_rgbd_dataset(count=1)
    rgb = dict(ABOUT['modalities'][0], channels=1, bands=[1])
    inferencer = MultimodalInferencer(write(modalities=[rgb, ABOUT['modalities'][1]]))
    path = root / 'rgb' / '00.png'
    depth = root / 'depth' / '00.png'
    color = cv2.imread(str(path))
    (maps,) = inferencer(dict(rgb=path, depth=depth), out_dir=tmp_path / 'out').values()
    np.testing.assert_array_equal(maps['rgb'], color[..., 1] > 128)
    array = cv2.imread(str(depth), cv2.IMREAD_UNCHANGED)
    inputs = dict(rgb=color[..., ::-1], depth=array)
    (again,) = inferencer(inputs, out_dir=tmp_path / 'again').values()
    np.testing.assert_array_equal(again['rgb'], maps['rgb'])


def test_no_outputs_of_modalities(providers, write, make_rgbd_dataset):
    root = make_rgbd_dataset(count=1)
    inferencer = MultimodalInferencer(write(outputs=['seg_logits']), show_progress=False)
    (maps,) = inferencer({name: root / name for name in ('rgb', 'depth')}).values()
    assert list(maps) == ['ensemble']


@pytest.mark.parametrize(
    ('device', 'expected'), [(None, 'CUDA'), ('cuda:0', 'CUDA'), ('cpu', 'CPU')]
)
def test_devices(providers, write, device, expected):
    providers.insert(0, 'CUDAExecutionProvider')
    assert OnnxSegmentor(write(), device).session.providers[0] == f'{expected}ExecutionProvider'


def test_device_that_is_not_available(providers, write):
    with pytest.raises(ValueError, match=r"\['CPUExecutionProvider'\], got 'cuda'"):
        OnnxSegmentor(write(), 'cuda')


def test_bad_models(providers, write, make_rgbd_dataset):
    root = make_rgbd_dataset(count=1)
    with pytest.raises(ValueError, match='preprocessing inside, got one without'):
        OnnxSegmentor(write(preprocessing=False))
    model = write(classes=['one', 'two', 'three'], palette=[[0, 0, 0]] * 3)
    with pytest.raises(ValueError, match=r'logits .N, 3, H, W., got shape \(1, 2, 48, 64\)'):
        inferencer = MultimodalInferencer(model, show_progress=False)
        inferencer({name: root / name for name in ('rgb', 'depth')})
    with pytest.raises(ValueError, match='at most 255 classes, .* got 256'):
        OnnxSegmentor(write(classes=['c'] * 256, palette=[[0, 0, 0]] * 256))
    model.write_text('')
    with pytest.raises(ValueError, match="with the metadata 'mmamf', got one without"):
        OnnxSegmentor(model)


def test_damaged_files(providers, write, monkeypatch):
    def refuse(self, path, providers):
        raise Exception('[ONNXRuntimeError] : 7 : INVALID_PROTOBUF')

    monkeypatch.setattr(Session, '__init__', refuse)
    with pytest.raises(ValueError, match='model.onnx: onnxruntime cannot load it: .*PROTOBUF'):
        OnnxSegmentor(write())


def test_without_onnxruntime(monkeypatch, write):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(ImportError, match='onnxruntime is needed'):
        OnnxSegmentor(write())


@pytest.mark.parametrize('with_labels', [False, True])
def test_scores(providers, write, make_rgbd_dataset, monkeypatch, with_labels):
    """Probabilities of logits, and 0 and 1 of class indices; the highest one is the class."""
    run = Session.run
    if with_labels:
        monkeypatch.setattr(
            Session, 'run', lambda *args: [out.argmax(1).astype(np.uint8) for out in run(*args)]
        )
    root = make_rgbd_dataset(count=1)
    files = {name: str(root / name / '00.png') for name in ('rgb', 'depth')}
    segmentor = OnnxSegmentor(write())
    data = [load_sample(segmentor, '00', files)]
    (scores,), (maps,) = segmentor.predict_scores(data), segmentor.predict(data)
    np.testing.assert_array_equal(scores.argmax(0), maps['ensemble'])
    assert scores.dtype == np.float32 and len(np.unique(maps['ensemble'])) == 2
    np.testing.assert_allclose(scores.sum(0), 1, rtol=1e-6)
    assert (scores.max() == 1) == with_labels


def test_scores_of_one_output(providers, write, make_rgbd_dataset, monkeypatch):
    """The threshold is the score of class 0, so that the class is that of `predict`."""
    logits = np.linspace(-3, 3, 48 * 64, dtype=np.float32).reshape(1, 1, 48, 64)
    monkeypatch.setattr(Session, 'run', lambda _, names, feed: [logits] * len(names))
    root = make_rgbd_dataset(count=1)
    files = {name: str(root / name / '00.png') for name in ('rgb', 'depth')}
    segmentor = OnnxSegmentor(write(threshold=0.3))
    data = [load_sample(segmentor, '00', files)]
    (scores,), (maps,) = segmentor.predict_scores(data), segmentor.predict(data)
    assert scores.shape == (2, 48, 64) and np.isclose(scores[0], 0.3).all()
    np.testing.assert_allclose(scores[1], 1 / (1 + np.exp(-logits[0, 0])), rtol=1e-6)
    np.testing.assert_array_equal(scores.argmax(0), maps['ensemble'])
    assert 0.5 < maps['ensemble'].mean() < 0.8
