"""tools/browse_dataset.py: what it shows is what is fed."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS
from PIL import Image

from mmamf.analysis.browse_dataset import browse
from mmamf.visualization import PredictionSheet, colorize_image, picture_of

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location(
        'tool_browse_dataset', TOOLS / 'browse_dataset.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rows(monkeypatch):
    """Rows that are added to any sheet: (name, images, label maps)."""
    rows = []
    add = PredictionSheet.add_row

    def record(self, name, images, label_maps=None):
        rows.append((name, images, label_maps))
        add(self, name, images, label_maps)

    monkeypatch.setattr(PredictionSheet, 'add_row', record)
    return rows


@pytest.fixture
def rgbd(tiny_config):
    return Config.fromfile(tiny_config())


@pytest.mark.parametrize('swap', [False, True])
def test_without_augmentation_the_files_are_shown(rgbd, rows, tmp_path, swap):
    root = tmp_path / 'rgbd'
    if swap:  # another order, and color in that of the files
        rgbd.model.data_preprocessor.modalities.reverse()
        rgbd.model.data_preprocessor.modalities[1].bgr_to_rgb = False
        rgbd.val_dataloader.dataset.modalities = ['depth', 'rgb']
    sheet, values = browse(rgbd, 'val', 3)
    assert [name for name, *_ in rows] == ['00', '04', '07']  # 3.5 is rounded to even
    assert list(rows[0][1]) == list(values) == (['depth', 'rgb'] if swap else ['rgb', 'depth'])
    for name, images, maps in rows:
        rgb = cv2.imread(str(root / 'rgb' / f'{name}.png'))
        depth = cv2.imread(str(root / 'depth' / f'{name}.png'), cv2.IMREAD_UNCHANGED)
        label = cv2.imread(str(root / 'label' / f'{name}.png'), cv2.IMREAD_UNCHANGED)
        # a test pads nothing here
        np.testing.assert_array_equal(images['rgb'], rgb[..., ::-1])
        np.testing.assert_array_equal(images['depth'], colorize_image(depth, missing=0))
        np.testing.assert_array_equal(maps['label'], label)
    assert values['rgb'].numel() == 3 * 3 * 48 * 64
    assert min(sheet.draw().shape[:2]) > 300


def test_padding_is_shown(rgbd, rows, tmp_path):
    rgbd.model.data_preprocessor.test_cfg = dict(size_divisor=32)
    browse(rgbd, 'val', 1)
    ((name, images, maps),) = rows
    rgb = cv2.imread(str(tmp_path / 'rgbd' / 'rgb' / f'{name}.png'))[..., ::-1]
    assert images['rgb'].shape == (64, 64, 3)
    np.testing.assert_array_equal(images['rgb'][:48], rgb)
    assert (images['rgb'][48:] == [124, 116, 104]).all()  # the mean
    assert maps['label'].shape == (64, 64) and (maps['label'][48:] == 255).all()


def test_absent_modalities_are_not_shown(rgbd, rows):
    _, whole = browse(rgbd, 'val', 3)
    pipeline = rgbd.val_dataloader.dataset.pipeline
    pipeline.insert(1, dict(type='ModalityDropout', prob=dict(depth=1.0)))
    sheet, values = browse(rgbd, 'val', 3)
    assert list(rows[-1][1]) == ['rgb', 'depth'] and rows[-1][1]['depth'] is None
    assert torch.equal(values['rgb'], whole['rgb']) and len(values['depth']) == 0
    pipeline[1]['prob'] = dict(depth=0.5, rgb=0.5)
    sheet, values = browse(rgbd, 'val', 8)
    shown = [
        tuple(name for name in images if images[name] is not None) for _, images, _ in rows[-8:]
    ]
    assert {('rgb',), ('depth',)} <= set(shown)
    assert values['rgb'].numel() == 3 * 48 * 64 * sum('rgb' in names for names in shown)
    assert values['rgb'].isfinite().all()
    assert sheet.draw().shape[2] == 3


def test_missing_readings_are_black_and_do_not_count(rgbd, rows, tmp_path):
    depth = np.full((48, 64), 2500, np.uint16)
    depth[:12] = 0
    cv2.imwrite(str(tmp_path / 'rgbd' / 'depth' / '00.png'), depth)
    rgbd.model.data_preprocessor.test_cfg = dict(size_divisor=64)
    _, values = browse(rgbd, 'val', 1)
    image = rows[0][1]['depth']
    assert not image[:12].any() and image[12:].any(-1).all()
    assert values['depth'].numel() == 3 * (64 * 64 - 12 * 64)
    spec = rgbd.model.data_preprocessor.modalities[1]
    fed = (2500 * spec.scale - spec.mean[0]) / spec.std[0]
    assert values['depth'].max() == pytest.approx(max(fed, 0), rel=1e-5)


def test_training_samples_are_augmented_and_padded(rgbd, rows):
    rgbd.train_dataloader.dataset.pipeline.insert(-1, dict(type='RandomCrop', crop_size=(30, 20)))
    _, values = browse(rgbd, 'train', 2)
    for _, images, maps in rows:
        assert images['depth'].shape == (32, 32, 3) and maps['label'].shape == (32, 32)
        assert (maps['label'][30:] == 255).all() and (maps['label'][:, 20:] == 255).all()
    first = values['rgb']
    assert torch.equal(browse(rgbd, 'train', 2)[1]['rgb'], first)  # reproducible


def test_translation(rows, make_rgbd_dataset):
    loading = dict(
        type='LoadTranslationImages',
        domains=dict(
            rgb=dict(channels=3, dtype='uint8'),
            depth=dict(channels=1, dtype='uint16', missing=0, scale=0.05),
        ),
    )
    dataset = dict(
        type='MultimodalTranslationDataset',
        data_root=str(make_rgbd_dataset(count=2)),
        modalities=['depth'],
        target='rgb',
        data_prefix=dict(rgb='rgb', depth='depth'),
        pipeline=[loading, dict(type='PackTranslationInputs')],
    )
    preprocessor = dict(type='MultimodalTranslationDataPreprocessor')
    cfg = Config(
        dict(model=dict(data_preprocessor=preprocessor), test_dataloader=dict(dataset=dataset))
    )
    browse(cfg, 'test', 5)
    item = DATASETS.build(dataset)[1]
    assert len(rows) == 2
    name, images, maps = rows[1]
    assert name == '01' and list(images) == ['depth', 'target: rgb'] and not maps
    # scaled and back, .5 may be rounded otherwise
    np.testing.assert_allclose(images['depth'], picture_of(item['inputs']), atol=1)
    np.testing.assert_array_equal(images['target: rgb'], picture_of(item['data_samples'].gt_img))


def test_command(tool, tiny_config, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = tiny_config()
    tool.main([config, '--phase', 'val', '--number', '2', '--cfg-options', 'randomness.seed=3'])
    out = capsys.readouterr().out.splitlines()
    assert out[-3].startswith('rgb: -') and 'standard deviation' in out[-2]
    assert out[-1] == 'work_dirs/tiny/browse/val.png'
    assert min(Image.open(out[-1]).size) > 300


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--phase', 'test', '--cfg-options', 'test_dataloader=None'], 'expected test_dataloader'),
        (
            ['--cfg-options', 'model.data_preprocessor._delete_=True']
            + ['model.data_preprocessor.type=SegDataPreProcessor'],
            'got SegDataPreProcessor',
        ),
        (['--cfg-options', 'train_dataloader.dataset.data_root=/none'], 'folder of .* not found'),
    ],
)
def test_an_error_is_one_message(tool, tiny_config, options, message):
    with pytest.raises(SystemExit, match=f'error: .*{message}'):
        tool.main([tiny_config(), *options])
