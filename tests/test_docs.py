"""The code in the pages of docs/ does what they say."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS

ROOT = Path(__file__).parents[1]


def blocks(page):
    text = (ROOT / 'docs' / page).read_text()
    return re.findall(r'^ *```python\n(.*?)^ *```', text, flags=re.DOTALL | re.MULTILINE)


def test_example_of_rare_classes(tmp_path, monkeypatch):
    weights, make, config = blocks('rare_classes.md')
    (tmp_path / 'make_fields.py').write_text(make)
    subprocess.run([sys.executable, 'make_fields.py'], cwd=tmp_path, check=True)
    labels = [cv2.imread(str(p), -1) for p in (tmp_path / 'data/fields').rglob('labels/*.png')]
    share = np.bincount(np.ravel(labels), minlength=3) / np.size(labels)
    assert len(labels) == 80 and np.allclose(share, [0.9, 0.09, 0.013], atol=0.006)

    shutil.copytree(ROOT / 'configs' / '_base_', tmp_path / 'configs' / '_base_')
    (tmp_path / 'configs' / 'fields.py').write_text(config)
    (tmp_path / 'configs' / 'weighted.py').write_text(
        "_base_ = './fields.py'\n" + re.sub('^   ', '', weights, flags=re.MULTILINE)
    )
    monkeypatch.chdir(tmp_path)
    plain, weighted = (Config.fromfile(f'configs/{name}.py') for name in ('fields', 'weighted'))
    assert len(DATASETS.build(plain.train_dataloader.dataset)) == 60
    assert len(DATASETS.build(plain.val_dataloader.dataset)) == 20
    MODELS.build(plain.model)
    loss = MODELS.build(weighted.model).decode_head.head.loss_decode
    assert loss.class_weight == [1.0, 3.1, 8.3]
