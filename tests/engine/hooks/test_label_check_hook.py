import random
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS
from mmseg.evaluation import IoUMetric
from torch import nn

from mmamf.engine.hooks import LabelCheckHook
from mmamf.evaluation import MultimodalIoUMetric

pytestmark = pytest.mark.usefixtures('mmseg_scope')


@pytest.fixture
def said(monkeypatch) -> list[str]:
    texts = []
    monkeypatch.setattr(
        'mmamf.engine.hooks.label_check_hook.print_log', lambda text, **_: texts.append(text)
    )
    return texts


def runner_of(train: dict, val: dict | None = None, model=None, metrics=(), step: int = 0):
    """What the hook reads of a runner."""

    def loader(config: dict):
        return SimpleNamespace(dataset=DATASETS.build(config))

    return SimpleNamespace(
        iter=step,
        model=model or nn.Module(),
        train_dataloader=loader(train),
        val_loop=val and object(),
        val_dataloader=val and loader(val),
        val_evaluator=SimpleNamespace(metrics=metrics),
    )


def rewrite(root, change) -> None:
    for path in sorted(root.glob('label/*.png')):
        cv2.imwrite(str(path), change(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)))


def to_mask(label: np.ndarray) -> np.ndarray:
    return np.where(label == 1, 255, 0).astype(np.uint8)


@pytest.fixture
def sets(tmp_path, rgbd_dataset_cfg):
    """Configs of a data set of four samples, five classes and some ignored pixels."""
    cfg = rgbd_dataset_cfg(root=tmp_path / 'rgbd', count=4)
    return tmp_path / 'rgbd', cfg


def test_good_labels(sets, said):
    root, cfg = sets
    rewrite(root, lambda label: np.where(label == 255, 0, label))
    LabelCheckHook().before_train(runner_of(cfg, cfg))
    assert said == []


@pytest.mark.parametrize(
    'wrap',
    [
        lambda cfg: cfg,
        lambda cfg: dict(type='RepeatDataset', dataset=cfg, times=3),
        lambda cfg: dict(type='ConcatDataset', datasets=[cfg, dict(cfg, indices=1)]),
        lambda cfg: dict(
            type='ConcatDataset', datasets=[dict(type='RepeatDataset', dataset=cfg, times=2)]
        ),
    ],
    ids=['plain', 'repeated', 'two', 'nested'],
)
def test_absent_class_through_wrappers(sets, said, wrap):
    root, cfg = sets
    rewrite(root, lambda label: np.where(label == 3, 0, label).astype(np.uint8))
    LabelCheckHook().before_train(runner_of(wrap(cfg), cfg))
    (text,) = said
    assert 'train: ' in text and 'val: 4 of 4 label maps read: 1 of 5' in text
    assert text.count('1 of 5 classes have no pixel:') == 2 and '(3)' in text


def test_class_of_the_other_part(sets, said):
    """What one part of a concatenation lacks, another has."""
    root, cfg = sets
    first = sorted(root.glob('label/*.png'))[0]
    cv2.imwrite(str(first), np.zeros_like(cv2.imread(str(first), 0)))
    parts = [dict(cfg, indices=1), dict(cfg, indices=[1, 2, 3])]
    LabelCheckHook().before_train(runner_of(dict(type='ConcatDataset', datasets=parts)))
    assert said == []


def test_masks_are_refused_and_the_remedy_helps(sets, said):
    root, cfg = sets
    rewrite(root, to_mask)
    cfg = dict(cfg, metainfo=dict(classes=('background', 'object')))
    with pytest.raises(ValueError, match="got none but 'background'.*colors=") as error:
        LabelCheckHook().before_train(runner_of(cfg, cfg))
    assert "If 255 stands for class 1 ('object' (1))" in said[0]

    remedy = "dict(type='LoadLabelMap', colors={0: 0, 255: 1})"
    assert remedy in str(error.value)
    step = eval(remedy, dict(dict=dict))
    pipeline = [step if s['type'] == 'LoadLabelMap' else s for s in cfg['pipeline']]
    said.clear()
    config = Config(dict(data=dict(cfg, pipeline=pipeline))).data
    LabelCheckHook().before_train(runner_of(config, config))
    assert said == []
    label = DATASETS.build(config)[0]['data_samples'].gt_sem_seg.data
    stored = cv2.imread(str(root / 'label' / '00.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(label[0], stored // 255)


def test_unreadable_label_is_a_warning(sets, said):
    root, cfg = sets
    (root / 'label' / '01.png').write_bytes(b'no image')
    LabelCheckHook().before_train(runner_of(cfg))
    assert 'train: 4 of 4 label maps read: 1 cannot be read, the first: ' in said[0]
    assert '01.png' in said[0]


def test_bound_on_time(sets, said, monkeypatch):
    root, cfg = sets
    rewrite(root, to_mask)
    LabelCheckHook(seconds=1e-9).before_train(runner_of(cfg))  # no refusal: three are unknown
    assert '1 of 4 label maps read' in said[0]


def test_random_state_is_left_alone(sets):
    _, cfg = sets
    runner = runner_of(cfg, cfg)
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    LabelCheckHook().before_train(runner)
    assert random.getstate() == before[0]
    np.testing.assert_equal(np.random.get_state(), before[1])
    assert torch.equal(torch.get_rng_state(), before[2])


def test_nothing_when_resumed(sets, said):
    root, cfg = sets
    rewrite(root, to_mask)
    LabelCheckHook().before_train(runner_of(cfg, step=1))
    assert said == []


def test_data_without_labels(sets, said):
    root, cfg = sets
    rewrite(root, to_mask)
    pipeline = [step for step in cfg['pipeline'] if step['type'] != 'LoadLabelMap']
    LabelCheckHook().before_train(runner_of(dict(cfg, pipeline=pipeline)))
    assert said == []


def test_parts_that_ignore_something_else(sets, said):
    root, cfg = sets
    rewrite(root, lambda label: np.where(label == 255, 0, label))
    metrics = [IoUMetric(ignore_index=0), MultimodalIoUMetric(ignore_index=0)]
    model = nn.Module()
    model.data_preprocessor = SimpleNamespace(seg_pad_val=0)
    LabelCheckHook().before_train(runner_of(cfg, cfg, model, metrics))
    (text,) = said
    assert 'IoUMetric: expected ignore_index=255, ' in text and 'got 0: remove it there' in text
    assert 'MultimodalIoUMetric' not in text
    assert 'data_preprocessor.seg_pad_val: expected 255, which losses ignore, got 0' in text


def test_bad_argument():
    with pytest.raises(ValueError, match='seconds: expected more than 0, got 0'):
        LabelCheckHook(seconds=0)
