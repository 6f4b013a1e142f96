"""The code in the README and in two pages does what it says; no link is dead."""

import copy
import re
from pathlib import Path

import mmseg
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS
from mmseg.registry import MODELS as MMSEG_MODELS

ROOT = Path(__file__).parents[1]
# what makes the training of the README's config resume exactly
EXACT_RESUME = """
default_hooks = dict(
    checkpoint=dict(type='AtomicCheckpointHook'), exact_resume=dict(type='ExactResumeHook')
)
"""
README = (ROOT / 'README.md').read_text()
CODE = [README, *((ROOT / 'docs' / name).read_text() for name in ('extending.md', 'training.md'))]
BLOCKS = [block for text in CODE for block in re.findall(r'```python\n(.*?)```', text, re.DOTALL)]


def block(first_line):
    (found,) = [text for text in BLOCKS if text.startswith(first_line)]
    return found


def test_config_for_ones_own_folder_is_short():
    lines = [line for line in block('# my_config.py').splitlines() if line.strip()]
    assert len(lines) <= 41  # its name is the first


def test_config_for_ones_own_folder_loads_pretrained_weights(tmp_path):
    path = tmp_path / 'my_config.py'
    path.write_text(block('# my_config.py'))
    config = Config.fromfile(path)
    config.model.backbone.depth = 18
    config.model.pretrained = str(tmp_path / 'r18.pth')
    with torch.device('meta'):
        model = MODELS.build(config.model)
    expected = dict(type='Pretrained', checkpoint=config.model.pretrained)
    assert model.backbone.init_cfg == expected


@pytest.mark.parametrize(
    'tools', [ROOT / 'tools', Path(mmseg.__file__).parent / '.mim' / 'tools'], ids=['ours', 'mmseg']
)
def test_config_for_ones_own_folder(tools, tmp_path, monkeypatch, make_rgbd_dataset, call_script):
    monkeypatch.chdir(tmp_path)
    for split in ('train', 'val'):
        root = make_rgbd_dataset(count=2, size=(60, 80), root=tmp_path / 'data/mine' / split)
        (root / 'label').rename(root / 'labels')
    added = EXACT_RESUME if tools == ROOT / 'tools' else ''
    (tmp_path / 'my_config.py').write_text(block('# my_config.py') + added)
    # the process below has imported mmamf already
    assert Config.fromfile('my_config.py').custom_imports.imports == ['mmamf']
    options = [
        # Small and offline.
        'model.pretrained=None',
        'model.backbone.depth=18',
        'model.decode_head.head.in_channels=512',
        'model.auxiliary_head.head.in_channels=256',
        'model.decode_head.head.channels=8',
        'train_dataloader.dataset.pipeline.3.crop_size=(64,64)',
        'train_dataloader.batch_size=2',
        'train_cfg.max_iters=1',
        'train_cfg.val_interval=1',
        'default_hooks.checkpoint.interval=1',
    ]
    for tool, *args in (
        ('train.py', 'my_config.py', '--work-dir', 'work'),
        ('test.py', 'my_config.py', 'work/iter_1.pth', '--work-dir', 'work'),
    ):
        code, said = call_script(tools / tool, *args, '--cfg-options', *options)
        assert code == 0, said[-2000:]
        assert 'depth/mIoU' in said


def test_fusion_operator_of_ones_own():
    exec(block('# my_fusion.py'), {})
    backbone = MODELS.build(
        {
            'type': 'SharedMultimodalResNet',
            'depth': 18,
            'num_modalities': 3,
            'base_channels': 8,
            'stem_channels': 8,
            'fusion': {'type': 'MeanFusion'},
        }
    )
    x = torch.randn(1, 9, 32, 32, requires_grad=True)
    backbone.eval()(x)[0][0].sum().backward()
    assert all(x.grad[0, 3 * m : 3 * m + 3].any() for m in range(3))


PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').rglob('*.md'))]


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 160


@pytest.mark.parametrize('page', PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_files_exist(page):
    for target in re.findall(r'\]\(([^)#]+)\)', page.read_text()):
        if not target.startswith('http'):
            assert (page.parent / target).exists(), target


def test_the_readme_leads_to_every_page():
    for page in sorted((ROOT / 'docs').glob('*.md')):
        assert f'(docs/{page.name})' in README, page.name
    for index in sorted((ROOT / 'docs').glob('*/index.md')):
        assert f'(docs/{index.parent.name}/index.md)' in README, index
        for page in (path for path in index.parent.iterdir() if path != index):
            assert f'({page.name})' in index.read_text(), page


def test_no_placeholder_is_left():
    for path in (ROOT / 'README.md', *ROOT.glob('configs/**/README.md')):
        assert not re.search(r'^[A-Z_]{5,}$', path.read_text(), flags=re.MULTILINE), path


def test_any_backbone_with_the_fusion_as_its_neck():
    names = {}
    exec(block('model = dict(\n    backbone=dict(\n'), names)
    parts = names['model']
    parts['backbone']['backbone'].update(
        embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 1, 1]
    )
    head = {
        'type': 'SegformerHead',
        'in_channels': [8, 8, 8, 8],
        'in_index': [0, 1, 2, 3],
        'channels': 8,
        'num_classes': 5,
    }
    parts['decode_head'] = {'type': 'ModalityEnsembleHead', 'num_modalities': 2, 'head': head}
    for kind in ('MultimodalSegmentor', 'EncoderDecoder'):
        model = MMSEG_MODELS.build(
            {'type': kind, 'test_cfg': ConfigDict(mode='whole'), **copy.deepcopy(parts)}
        ).eval()
        inputs = torch.randn(2, 6, 64, 64)
        alone = model(inputs[:1], mode='tensor')
        torch.testing.assert_close(model(inputs, mode='tensor')[:1], alone, rtol=1e-4, atol=1e-4)
        assert len(model(inputs, mode='predict')) == 2
