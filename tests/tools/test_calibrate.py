"""tools/calibrate.py: a calibrated copy of a checkpoint, and what uses it."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmamf.analysis.calibrate import find_thresholds, measure_images
from mmamf.analysis.fit_temperature import fit_temperature
from mmamf.apis import MultimodalInferencer
from mmamf.deployment import load_segmentor
from mmamf.models.segmentors.sensor_guard import find_stem

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


def load_tool(name):
    spec = importlib.util.spec_from_file_location(f'tool_{name}', TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def calibrate(tmp_path):
    def run(config, checkpoint, out='calibrated.pth', *more):
        load_tool('calibrate').main([config, checkpoint, '--out', str(tmp_path / out), *more])
        return tmp_path / out

    return run


def test_writes_a_calibrated_copy(trained, calibrate, tmp_path, capsys):
    config, checkpoint = trained()
    before = Path(checkpoint).read_bytes()
    out = calibrate(config, checkpoint)
    assert Path(checkpoint).read_bytes() == before
    plain, calibrated = (torch.load(path)['state_dict'] for path in (checkpoint, out))
    temperature = calibrated.pop('decode_head.temperature')
    assert temperature.shape == (3,) and (temperature > 1).all()  # random weights know nothing
    assert all(torch.equal(calibrated.pop(key), value) for key, value in plain.items())
    said = capsys.readouterr().out
    assert '| ensemble |' in said and '| depth |' in said
    first = [line for line in said.splitlines() if line.startswith('| rgb |')][0]
    nll = [float(n) for n in first.split('|')[5].split(' -> ')]
    assert nll[1] < nll[0]

    again = calibrate(config, str(out), 'again.pth')  # fitted anew, not on top
    torch.testing.assert_close(
        torch.load(again)['state_dict']['decode_head.temperature'], temperature
    )

    inputs = {name: tmp_path / 'rgbd' / name for name in ('rgb', 'depth')}
    found = [
        MultimodalInferencer(path, config, device='cpu', show_progress=False)(
            inputs, return_probabilities=True
        )
        for path in (checkpoint, out)
    ]
    for name, maps in found[0].items():
        for source in ('ensemble', 'rgb', 'depth'):
            np.testing.assert_array_equal(maps[source], found[1][name][source])
            sure = [each[name]['probabilities'][source].max(0).mean() for each in found]
            assert sure[1] < sure[0]


def test_a_known_temperature_is_found():
    torch.manual_seed(0)
    logits = 4 * torch.randn(20_000, 5)
    labels = torch.distributions.Categorical(logits=logits / 2.5).sample()
    assert fit_temperature(logits, labels) == pytest.approx(2.5, rel=0.05)
    logits, pivot = logits[:, :1], -0.8
    chance = ((logits - pivot) / 2.5 + pivot).sigmoid()[:, 0]
    labels = (torch.rand(len(chance)) < chance).long()
    assert fit_temperature(logits, labels, pivot) == pytest.approx(2.5, rel=0.1)


def test_memory_does_not_grow(trained, monkeypatch):
    config, checkpoint = trained()
    monkeypatch.setattr('mmamf.analysis.calibrate.PIXELS', 80)
    cfg = Config.fromfile(config)
    model = load_segmentor(cfg, checkpoint)
    images, _ = measure_images(model, Runner.build_dataloader(cfg.val_dataloader))
    assert {
        name: [len(p.labels) for p in found] for name, found in images.items()
    } == dict.fromkeys(('ensemble', 'rgb', 'depth'), [10] * 8)


def test_ends_with_one_line(trained, calibrate, tmp_path):
    config, checkpoint = trained()
    with pytest.raises(SystemExit, match='error: --out: expected a new file'):
        calibrate(config, checkpoint, 'tiny.pth')
    with pytest.raises(SystemExit, match='error: .*there is no such checkpoint'):
        calibrate(config, 'none.pth')
    with pytest.raises(SystemExit, match='expected a val_dataloader to fit on, got none'):
        calibrate(config, checkpoint, 'a.pth', '--cfg-options', 'val_dataloader=None')
    pipeline = 'val_dataloader.dataset.pipeline.1.type=RandomFlip'
    with pytest.raises(SystemExit, match='expected a label map in `gt_sem_seg`, got none'):
        calibrate(config, checkpoint, 'a.pth', '--cfg-options', pipeline,
                  'val_dataloader.dataset.pipeline.1.prob=0.0')  # fmt: skip
    for path in (tmp_path / 'rgbd' / 'label').iterdir():
        cv2.imwrite(str(path), np.full((48, 64), 255, np.uint8))
    with pytest.raises(SystemExit, match='expected at least 2 images with labels and ensemble'):
        calibrate(config, checkpoint, 'a.pth')
    assert not (tmp_path / 'a.pth').exists()


@pytest.fixture
def broken(trained, calibrate, tmp_path):
    """A calibrated checkpoint, and images of which 00 has dead depth and 01 has gray RGB."""
    config, checkpoint = trained()
    cfg = Config.fromfile(config)
    model = load_segmentor(cfg, checkpoint)
    stem, norm = find_stem(model.backbone)
    norm.train().momentum = None  # the mean over all images
    norm.reset_running_stats()
    for data in Runner.build_dataloader(cfg.val_dataloader):
        inputs = model.data_preprocessor(data, False)['inputs']
        model.backbone.batch.run(lambda x: norm(stem(x)), inputs)
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    out = calibrate(config, checkpoint, 'guarded.pth', '--false-alarms', '0.12')
    cv2.imwrite(str(tmp_path / 'rgbd/depth/00.png'), np.full((48, 64), 1700, np.uint16))
    cv2.imwrite(str(tmp_path / 'rgbd/rgb/01.png'), np.full((48, 64, 3), 128, np.uint8))
    inputs = {name: tmp_path / 'rgbd' / name for name in ('rgb', 'depth')}
    return config, str(out), inputs


def test_the_guard_in_python_and_onnx(broken, tmp_path, capsys):
    config, checkpoint, inputs = broken
    kwargs = dict(device='cpu', show_progress=False)
    guarded = MultimodalInferencer(checkpoint, config, guard=True, **kwargs)(inputs, 3)
    expected = dict.fromkeys(guarded, ()) | {'00': ('depth',), '01': ('rgb',)}
    assert {name: maps.pop('left_out') for name, maps in guarded.items()} == expected

    pictures = [sorted(path.iterdir()) for path in inputs.values()]
    listed = dict(zip(inputs, pictures))
    listed['rgb'][1] = listed['depth'][0] = None
    plain = MultimodalInferencer(checkpoint, config, **kwargs)
    absent = plain(listed, 3, optional=['rgb', 'depth'])
    assert [*map(list, absent.values())] == [*map(list, guarded.values())]
    for maps, others in zip(guarded.values(), absent.values()):
        for source, labels in maps.items():
            np.testing.assert_array_equal(labels, others[source])

    out = str(tmp_path / 'guarded.onnx')
    on = ['--cfg-options', 'model.test_cfg.guard=True']
    for labels in ([], ['--labels']):
        load_tool('export_onnx').main([config, checkpoint, out, *labels, *on])
        found = MultimodalInferencer(out, guard=True, **kwargs)(inputs, 3)
        assert {name: maps.pop('left_out') for name, maps in found.items()} == expected
        for maps, others in zip(guarded.values(), found.values()):
            assert list(maps) == list(others)
            for source, labels in maps.items():
                assert (labels == others[source]).mean() > 0.999

    for kind in ('--int8', '--float16'):  # the guard itself keeps its floats
        load_tool('export_onnx').main([config, checkpoint, out, kind, '--max-loss', '100', *on])
        found = MultimodalInferencer(out, **kwargs)(inputs, 3)
        assert {name: maps['left_out'] for name, maps in found.items()} == expected

    load_tool('export_onnx').main([config, checkpoint, out])
    with pytest.raises(ValueError, match='guard: expected an ONNX file with a guard'):
        MultimodalInferencer(out, guard=True, **kwargs)


def test_infer_names_what_is_left_out(broken, tmp_path, capsys):
    config, checkpoint, inputs = broken
    named = [f'{name}={path}' for name, path in inputs.items()]
    arguments = [checkpoint, *named, '--config', config, '--out', str(tmp_path / 'out')]
    load_tool('infer').main([*arguments, '--guard', '--probabilities', '--device', 'cpu'])
    said = capsys.readouterr().out
    assert '00: left out depth, whose sensor looks broken' in said
    assert 'the guard left out a modality in 2 of 8 samples' in said
    assert f'{tmp_path}/out/entropy' in said
    assert len([*(tmp_path / 'out' / 'disagreement').iterdir()]) == 8


def test_too_few_images_for_the_rate(trained, calibrate, capsys):
    config, checkpoint = trained()
    out = calibrate(config, checkpoint)
    assert 'no thresholds for the guard: expected at least 99 images with rgb' in (
        capsys.readouterr().out
    )
    with pytest.raises(ValueError, match=r'expected a checkpoint with thresholds, got none: run'):
        MultimodalInferencer(out, config, device='cpu', guard=True)
    with pytest.raises(SystemExit):
        calibrate(config, checkpoint, 'b.pth', '--false-alarms', '1')
    assert '--false-alarms: expected a share between 0 and 1' in capsys.readouterr().err


def test_thresholds_hold_their_rate():
    scores = dict(rgb=torch.rand(999).tolist(), depth=torch.arange(1, 100).tolist())
    rgb, depth = find_thresholds(scores, 0.01).tolist()
    assert (
        depth == pytest.approx(99, rel=0.002)
        and 5 <= sum(score > rgb for score in scores['rgb']) <= 9
    )
