"""What tools/test.py --out and --show-dir write, whatever the test measures."""

import importlib.util
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS, DefaultScope

from mmamf.apis import MultimodalInferencer

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'test.py'


@METRICS.register_module(force=True)
class FirstClassMetric(BaseMetric):
    """Somebody's own metric, with no argument for an output."""

    default_prefix = 'own'

    def process(self, data_batch, data_samples):
        self.results += [(s['pred_sem_seg']['data'] == 0).float().mean() for s in data_samples]

    def compute_metrics(self, results):
        return dict(first=float(sum(results) / len(results)))


@pytest.fixture
def run_test(monkeypatch, tmp_path, trained):
    """Runner of the tool in this process; returns the scalars.

    ``run_test(*arguments, change=None)``: ``change`` takes the dict of the config and changes it.
    """

    def run(*arguments: str, change=None) -> dict:
        # mmengine keeps what was logged by name and second
        config, checkpoint = trained(custom_hooks=[], experiment_name=tmp_path.name)
        if change:
            cfg = Config.fromfile(config).to_dict()
            change(cfg)
            Path(config).write_text('\n'.join(f'{k} = {v!r}' for k, v in cfg.items()))
        spec = importlib.util.spec_from_file_location('tool_test', TOOL)
        tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tool)
        work_dir = tmp_path / 'work'
        command = ['test.py', config, checkpoint, f'--work-dir={work_dir}', *arguments]
        monkeypatch.setattr(sys, 'argv', command)
        monkeypatch.setattr('mmengine.config.Config.dump', lambda *args: None)  # takes a second
        with DefaultScope.overwrite_default_scope('mmseg'):
            tool.main()
        (metrics,) = work_dir.glob('2*/*.json')
        return json.loads(metrics.read_text())

    run.config = tmp_path / 'tiny.py'
    run.checkpoint = tmp_path / 'tiny.pth'
    return run


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


OWN, OURS, MMSEG = (
    dict(type=name) for name in ('FirstClassMetric', 'MultimodalIoUMetric', 'IoUMetric')
)


@pytest.mark.parametrize(
    ('evaluator', 'scalars'),
    [
        (OWN, {'own/first'}),
        ([OWN, OURS], {'own/first', 'mIoU', 'rgb/mIoU'}),
        (MMSEG, {'aAcc', 'mIoU'}),
        (dict(OURS, format_only=True), set()),
        ([dict(MMSEG, format_only=True), OWN], {'own/first'}),
    ],
    ids=['own', 'own and ours', 'of mmseg', 'nothing', 'own and nothing'],
)
def test_masks_beside_any_metric(run_test, tmp_path, evaluator, scalars):
    out = tmp_path / 'maps'
    metrics = run_test(f'--out={out}', change=lambda cfg: cfg.update(test_evaluator=evaluator))
    assert scalars <= set(metrics) and ('own/first' in metrics) == ('own/first' in scalars)
    masks = [read(out / f'{i:02d}.png') for i in range(8)]
    assert len(list(out.iterdir())) == 8 and masks[0].shape == (48, 64)
    if 'own/first' in metrics:
        assert metrics['own/first'] == pytest.approx(np.mean([(m == 0).mean() for m in masks]))


def test_masks_equal_those_of_the_inferencer_with_reduce_zero_label(run_test, tmp_path):
    def reduce(cfg):
        cfg['test_dataloader']['dataset']['reduce_zero_label'] = True

    metrics = run_test(f'--out={tmp_path / "maps"}', change=reduce)
    root = tmp_path / 'rgbd'
    segment = MultimodalInferencer(
        run_test.checkpoint, run_test.config, device='cpu', show_progress=False
    )
    maps = segment(dict(rgb=root / 'rgb', depth=root / 'depth'))
    right = total = 0
    for name, found in maps.items():
        mask = read(tmp_path / 'maps' / f'{name}.png')
        np.testing.assert_array_equal(mask, found['ensemble'])
        label = read(root / 'label' / f'{name}.png')
        counts = (label > 0) & (label < 255)  # 1..4 in the file are the classes 0..3
        right += (mask == label - 1)[counts].sum()
        total += counts.sum()
    assert metrics['PixAcc'] == pytest.approx(100 * right / total)


def test_masks_and_pictures_of_two_folders_stay_apart(run_test, tmp_path):
    def into_folders(cfg):
        for folder in ('rgb', 'depth', 'label'):
            for i, path in enumerate(sorted((tmp_path / 'rgbd' / folder).iterdir())):
                target = path.parent / 'ab'[i % 2] / f'{i // 2}.png'
                target.parent.mkdir(exist_ok=True)
                path.rename(target)

    painted = tmp_path / 'painted'
    run_test(f'--out={tmp_path / "maps"}', f'--show-dir={painted}', change=into_folders)
    names = {f'{folder}/{i}.png' for folder in 'ab' for i in range(4)}
    for root in (tmp_path / 'maps', painted / 'vis_data' / 'vis_image'):
        assert {str(path.relative_to(root)) for path in root.rglob('*.png')} == names
    picture = read(painted / 'vis_data' / 'vis_image' / 'a' / '0.png')
    assert picture.shape == (48, 2 * 64, 3)  # truth and prediction
    assert (painted / 'prediction_sheet.png').is_file()


def test_equal_names_are_refused_before_the_test(
    run_test, tmp_path, make_rgbd_dataset, monkeypatch
):
    other = make_rgbd_dataset(root=tmp_path / 'other')

    def concatenate(cfg):
        loader = cfg['test_dataloader']
        datasets = [dict(loader['dataset'], data_root=str(r)) for r in (tmp_path / 'rgbd', other)]
        for dataset in datasets:
            del dataset['pipeline'][-1]
            meta = ('img_path', 'sample_name', 'modalities', 'ori_shape', 'img_shape')
            dataset['pipeline'].append(dict(type='PackMultimodalSegInputs', meta_keys=meta))
        loader['dataset'] = dict(type='ConcatDataset', datasets=datasets)

    monkeypatch.setattr('mmengine.runner.TestLoop.run_iter', lambda *args: pytest.fail('tested'))
    monkeypatch.setattr('mmamf.datasets.MultimodalSegDataset.get_data_info', same_name)
    with pytest.raises(SystemExit, match='error: .*rgbd/rgb/00.png and .*other/.* saved as 00.png'):
        run_test(f'--out={tmp_path / "maps"}', change=concatenate)


@pytest.mark.parametrize('option', ['--out', '--show-dir'])
def test_a_file_in_place_of_the_folder_is_refused_before_the_test(
    run_test, tmp_path, monkeypatch, option
):
    (tmp_path / 'file').touch()
    monkeypatch.setattr('mmamf.commands.test.run_test', lambda cfg: pytest.fail('tested'))
    with pytest.raises(SystemExit, match='error: .*file: expected a folder .* it is a file'):
        run_test(f'{option}={tmp_path / "file"}')


def same_name(dataset, index: int) -> dict:
    """What the data sets of two folders say, if they know nothing of each other."""
    return dict(img_path=f'{dataset.data_root}/rgb/{index:02d}.png', sample_name=f'{index:02d}')
