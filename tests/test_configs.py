"""Every config of the project builds, and small ones run on files of the right layout."""

from functools import cache
from pathlib import Path

import cv2
import mmengine
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from mmseg.registry import DATASETS

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / 'configs' / 'amf').glob('*.py'))
HEADS = ('refinenet', 'segformer', 'segnext', 'upernet')
SEGMENTORS = [path for path in CONFIGS if path.stem.split('_')[2] in HEADS]
TRANSLATORS = [path for path in CONFIGS if 'unet' in path.stem]


def build(cfg):
    init_default_scope(cfg.default_scope)
    with torch.device('meta'):
        return MODELS.build(cfg.model)


@cache
def build_once(path):
    """For tests that only look at the model."""
    return build(Config.fromfile(path))


def test_every_config_has_a_task():
    assert sorted(SEGMENTORS + TRANSLATORS) == CONFIGS


@pytest.mark.parametrize('path', TRANSLATORS, ids=lambda path: path.stem)
def test_translator_builds_and_names_what_it_is(path):
    cfg, model = Config.fromfile(path), build_once(path)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        *names, target = (one.name for one in (*loader.dataset.modalities, loader.dataset.target))
        assert model.num_modalities == model.discriminator.num_modalities == len(names)
        assert model.data_preprocessor.modalities == tuple(names)
        short = '-'.join(name.removesuffix('_edge').replace('occlusion', 'edge') for name in names)
        assert path.stem.removesuffix('_no-fusion').endswith(f'_{short}2{target}')
    is_color = cfg.val_dataloader.dataset.target.name == 'rgb'
    assert ('FeatureDistanceMetric' in str(cfg.test_evaluator)) == is_color


@pytest.mark.parametrize('path', SEGMENTORS, ids=lambda path: path.stem)
def test_model_builds_and_names_what_it_is(path):
    model = build_once(path)
    name, pretrained, _ = path.stem.partition('-in1k-pre')  # ImageNet-1k
    assert f'{name}_'.startswith(f'amf_{name_encoder(model.backbone)}_')
    if pretrained:
        assert model.backbone.backbone.init_cfg['type'] == 'Pretrained'
    assert len(model.data_preprocessor.modalities) == model.backbone.num_modalities
    assert model.decode_head.num_modalities == model.backbone.num_modalities


@pytest.mark.parametrize(
    'path', [p for p in SEGMENTORS if '_rooms' not in p.stem], ids=lambda path: path.stem
)
def test_missing_readings_are_fed_as_when_the_numbers_were_published(path):
    """Where a config names a missing value, as the number that stands in the file."""
    cfg = Config.fromfile(path)
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    raw = torch.full((preprocessor.num_raw_channels, 4, 5), 100.0)
    before, start = raw.clone(), 0
    for modality, channels in zip(preprocessor.descriptions.values(), preprocessor.bands):
        if modality.missing is not None:
            before[start : start + channels, :2] = modality.missing
            raw[start : start + channels, :2] = torch.nan
        start += channels
    fed, expected = (preprocessor(dict(inputs=[image]))['inputs'] for image in (raw, before))
    assert torch.equal(fed, expected)


def name_encoder(backbone):
    if hasattr(backbone, 'depth'):
        return f'r{backbone.depth}'
    plain = backbone.backbone
    if hasattr(plain, 'depth'):
        return f'r{plain.depth}'
    names = {
        'MobileNetV2': 'mobilenet-v2',
        'MSCAN': 'mscan-t',
        'SwinTransformer': 'swin-t',
        'TIMMBackbone': 'efficientnet-lite0',
    }
    return names.get(type(plain).__name__) or {32: 'mit-b0', 64: 'mit-b2'}[plain.embed_dims]


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_config_survives_a_dump(path, tmp_path):
    """mmengine writes a config into the work directory, its keys sorted."""
    cfg = Config.fromfile(path)
    cfg.dump(tmp_path / 'config.py')
    model, again = build_once(path), build(Config.fromfile(tmp_path / 'config.py'))
    if path in SEGMENTORS:
        assert again.data_preprocessor.modalities == model.data_preprocessor.modalities
    assert again.state_dict().keys() == model.state_dict().keys()


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_children_stay_short(path):
    code = [line for line in path.read_text().splitlines() if line and not line.startswith('#')]
    assert len(code) <= 15


def test_model_index_lists_every_config():
    index = mmengine.load(ROOT / 'model-index.yml')
    models = [m for path in index['Import'] for m in mmengine.load(ROOT / path)['Models']]
    assert [ROOT / model['Config'] for model in models] == CONFIGS
    assert [model['Name'] for model in models] == [path.stem for path in CONFIGS]
    for path in CONFIGS:
        expected = 'MultimodalSegmentor' if path in SEGMENTORS else 'MultimodalPix2Pix'
        assert get_config(f'mmamf::amf/{path.name}').model.type == expected


@pytest.mark.parametrize(('depth', 'millions'), [(50, 99.16), (101, 118.20), (152, 133.89)])
def test_size_of_the_papers_networks(depth, millions):
    names = (f'amf_r{depth}_refinenet_1xb6-sgd-3x1', 'nyudv2-500x500')
    path = next(path for path in CONFIGS if all(name in path.stem for name in names))
    parameters = sum(p.numel() for p in build_once(path).parameters())
    assert round(parameters / 1e6, 2) == millions


@pytest.mark.parametrize(
    'path', [path for path in SEGMENTORS if 'rooms' in path.stem], ids=lambda path: path.stem
)
def test_rooms_configs_agree_on_their_modalities(path, tmp_path):
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.modalities == cfg.model.data_preprocessor.modalities
        dataset = DATASETS.build({**loader.dataset, 'lazy_init': True})
        assert len(dataset.metainfo['classes']) == cfg.model.decode_head.head.num_classes


def write_nyudv2(root, count=2, size=(48, 64)):
    """Files in NYUDv2's layout: depth in meters x 5000 with holes, labels 0..39 and 255."""
    rng = np.random.default_rng(0)
    for folder in ('rgb', 'depth', 'masks'):
        (root / folder).mkdir(parents=True)
    for index in range(count):
        label = rng.integers(0, 40, size, dtype=np.uint8)
        label[0] = 255
        depth = rng.integers(5000, 40000, size, dtype=np.uint16)
        depth[:4, :9] = 0
        name = f'{index:06}.png'
        cv2.imwrite(str(root / 'rgb' / name), rng.integers(0, 255, (*size, 3), dtype=np.uint8))
        cv2.imwrite(str(root / 'depth' / name), depth)
        cv2.imwrite(str(root / 'masks' / name), label)
    lines = [f'rgb/{i:06}.png\tmasks/{i:06}.png\tdepth/{i:06}.png\n' for i in range(count)]
    (root / 'train.txt').write_text(''.join(lines))
    return root


@pytest.fixture(params=['generated', 'real'])
def nyudv2_root(request, tmp_path):
    if request.param == 'real':
        return request.getfixturevalue('nyuv2_samples')
    return write_nyudv2(tmp_path / 'nyudv2')


def test_nyudv2_trains_and_tests(nyudv2_root, tmp_path):
    cfg = Config.fromfile(ROOT / 'configs/amf/amf_r18_refinenet_1xb2-adamw-20_nyudv2-500x500.py')
    cfg.work_dir = str(tmp_path / 'work')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(nyudv2_root)
        loader.dataset.ann_file = 'train.txt'  # the samples have no other list
        loader.update(num_workers=0, persistent_workers=False)
    cfg.train_pipeline[4].crop_size = (96, 128)
    cfg.train_dataloader.dataset.pipeline = cfg.train_pipeline
    cfg.model.data_preprocessor.size = (96, 128)
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.custom_hooks = [dict(type='PredictionSheetHook', out_dir=str(tmp_path / 'shown'))]
    runner = Runner.from_cfg(cfg)
    runner.train()
    metrics = runner.test()
    assert (tmp_path / 'shown' / 'prediction_sheet.png').is_file()
    assert {'mIoU', 'rgb/mIoU', 'depth/mIoU', 'PixAcc'} <= metrics.keys()


def test_taskonomy_trains_resumes_and_tests(write_taskonomy, tmp_path):
    cfg = Config.fromfile(
        ROOT / 'configs/amf/amf_unet_1xb1-adam-300e_taskonomy-256x256_shade-normal-edge2rgb.py'
    )
    cfg.merge_from_dict(
        {
            'model.generator.base_channels': 4,
            'model.discriminator.base_channels': 4,
            'train_cfg': dict(max_epochs=2, val_interval=1),
            'default_hooks.checkpoint': dict(interval=1, save_best=None),
            'test_evaluator.1.network.type': 'EfficientNetLite0Features',
            'test_evaluator.1.subset_size': 2,
            'custom_hooks': [dict(type='TranslatedPicturesHook', out_dir=str(tmp_path / 'out'))],
        }
    )
    root = str(write_taskonomy())
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = root
        loader.update(num_workers=0, persistent_workers=False)
    states = []
    for name in ('straight', 'resumed'):
        cfg.work_dir = str(tmp_path / name)
        runner = Runner.from_cfg(cfg)
        runner.train()
        states.append(torch.load(tmp_path / name / 'epoch_2.pth', weights_only=True))
        cfg.update(resume=True, load_from=str(tmp_path / 'straight' / 'epoch_1.pth'))
    straight, resumed = states
    first = torch.load(tmp_path / 'straight' / 'epoch_1.pth', weights_only=True)['state_dict']
    assert runner.iter == 4 and first.keys() == straight['state_dict'].keys()
    for key, value in straight['state_dict'].items():
        assert torch.equal(resumed['state_dict'][key], value), key
    assert any(not torch.equal(straight['state_dict'][key], value) for key, value in first.items())

    metrics = runner.test()
    for name in ('', 'shade/', 'normal/', 'occlusion_edge/'):
        assert {f'{name}MAE', f'{name}FD_efficientnet_lite0'} <= metrics.keys()
    pictures = sorted(path.name for path in (tmp_path / 'out' / 'almena').iterdir())
    assert pictures == ['point_1_view_0.png', 'point_1_view_1.png']
