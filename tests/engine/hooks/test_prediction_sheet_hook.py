from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import DATASETS
from mmengine.structures import PixelData
from torch.utils.data import DataLoader

from mmamf.engine.hooks import PredictionSheetHook
from mmamf.visualization.prediction_sheet import GAP, LINE, MARGIN

H, W, SCALE = 48, 64, 5  # 320 / 64
PALETTE = [[200, 10, 20], [20, 190, 40], [60, 50, 220], [240, 220, 10], [10, 200, 210]]
SPECS = dict(
    rgb=dict(channels=3, dtype='uint8'),
    depth=dict(channels=1, dtype='uint16', missing=0),
    heat=dict(channels=1, dtype='float32', missing=-1),
    edge=dict(channels=1, dtype='uint8'),
)


@pytest.fixture
def build_dataset(make_rgbd_dataset, mmseg_scope):
    """Builder of a data set of 5 samples with the modalities and labels that are asked for."""

    def build(modalities: tuple[str, ...], labels: bool = True):
        root = make_rgbd_dataset(count=5, size=(H, W))
        rng = np.random.default_rng(1)
        for folder in ('heat', 'edge'):
            (root / folder).mkdir()
        for i in range(5):
            heat = rng.random((H, W), np.float32)
            heat[:10, :10] = -1
            np.save(root / 'heat' / f'{i:02d}.npy', heat)
            cv2.imwrite(str(root / 'edge' / f'{i:02d}.png'), np.full((H, W), 40 + i, np.uint8))
        prefix = {name: name for name in modalities}
        return DATASETS.build(
            dict(
                type='MultimodalSegDataset',
                modalities=modalities,
                data_root=str(root),
                data_prefix=prefix | (dict(seg_map_path='label') if labels else {}),
                img_suffix=dict(rgb='.png', depth='.png', heat='.npy', edge='.png'),
                metainfo=dict(classes=tuple('abcde'), palette=PALETTE),
                test_mode=True,
                pipeline=[
                    dict(type='LoadMultimodalImages', modalities=SPECS),
                    *([dict(type='LoadLabelMap')] if labels else []),
                    dict(type='PackMultimodalSegInputs'),
                ],
            )
        )

    return build


def run_test(dataset, out_dir, members=(), num_samples=2, absent=None, mode='test') -> np.ndarray:
    """Let the hook see a test whose ensemble says class 1, and member i class 2 + i."""
    runner = SimpleNamespace(
        **{f'{mode}_dataloader': DataLoader(dataset, batch_size=2)},
        logger=MMLogger.get_current_instance(),
        log_dir=str(out_dir),
    )
    hook = PredictionSheetHook(num_samples)
    getattr(hook, f'before_{mode}_epoch')(runner)
    samples = [dataset[i]['data_samples'] for i in range(len(dataset))]
    for index, sample in enumerate(samples):
        sample.pred_sem_seg = PixelData(data=torch.ones(1, H, W, dtype=torch.long))
        for i, name in enumerate(members):
            if (absent or {}).get(index) == name:
                continue
            part = PixelData(data=torch.full((1, H, W), 2 + i))
            sample.set_data({f'pred_sem_seg_{name}': part})
    for i in range(0, len(samples), 2):
        getattr(hook, f'after_{mode}_iter')(runner, i // 2, None, samples[i : i + 2])
    getattr(hook, f'after_{mode}_epoch')(runner, {})
    return cv2.imread(str(out_dir / 'prediction_sheet.png'))[..., ::-1]


def tile(sheet: np.ndarray, row: int, column: int) -> np.ndarray:
    """Cut a tile out of the sheet, at the size of the sample."""
    y = MARGIN + LINE + row * (H * SCALE + GAP)
    x = MARGIN + LINE + column * (W * SCALE + GAP)
    return sheet[y : y + H * SCALE : SCALE, x : x + W * SCALE : SCALE]


def columns(sheet: np.ndarray) -> int:
    return round((sheet.shape[1] - 2 * MARGIN - LINE + GAP) / (W * SCALE + GAP))


def read(dataset, name: str, index: int) -> np.ndarray:
    return cv2.imread(dataset[index]['data_samples'].modality_paths[name], cv2.IMREAD_UNCHANGED)


def test_two_modalities_truth_members_and_ensemble(tmp_path, build_dataset):
    dataset = build_dataset(('rgb', 'depth'))
    sheet = run_test(dataset, tmp_path, members=('depth', 'rgb'))
    assert columns(sheet) == 6
    for row, index in enumerate((0, 4)):  # evenly spaced: the first and the last one
        np.testing.assert_array_equal(tile(sheet, row, 0), read(dataset, 'rgb', index)[..., ::-1])
        missing = read(dataset, 'depth', index) == 0
        assert missing.any()
        np.testing.assert_array_equal((tile(sheet, row, 1) == 0).all(-1), missing)
        labels = dataset[index]['data_samples'].gt_sem_seg.data[0].numpy()
        colors = np.array([*PALETTE, *[[0, 0, 0]] * 251])[labels]
        np.testing.assert_array_equal(tile(sheet, row, 2), colors)
        # in the order of the modalities; `members` said depth first
        for column, label in ((3, 3), (4, 2), (5, 1)):
            assert (tile(sheet, row, column) == PALETTE[label]).all()


def test_a_validation_draws_the_sheet_of_a_test(tmp_path, build_dataset):
    dataset = build_dataset(('rgb', 'depth'))
    sheets = []
    for mode in ('test', 'val'):
        (tmp_path / mode).mkdir()
        sheets.append(run_test(dataset, tmp_path / mode, members=('rgb', 'depth'), mode=mode))
    np.testing.assert_array_equal(*sheets)


def test_what_a_sample_lacks_keeps_its_place(tmp_path, build_dataset):
    """The first one has no file of rgb, the last one a file of depth that was dropped."""
    dataset = build_dataset(('rgb', 'depth'))
    absent = {0: 'rgb', 4: 'depth'}

    def lacking(packed: dict) -> dict:
        sample = packed['data_samples']
        name = absent.get(int(sample.sample_name))
        paths = sample.modality_paths | ({'rgb': None} if name == 'rgb' else {})
        present = tuple(other for other in ('rgb', 'depth') if other != name)
        sample.set_metainfo(dict(modality_paths=paths, present=present))
        return packed

    dataset.pipeline.transforms.append(lacking)
    sheet = run_test(dataset, tmp_path, members=('rgb', 'depth'), absent=absent)
    assert columns(sheet) == 6
    for row, empty in enumerate(((0, 3), (1, 4))):
        for column in range(6):
            assert (tile(sheet, row, column) == 255).all() == (column in empty)
        assert (tile(sheet, row, 5) == PALETTE[1]).all()


def test_one_modality_of_a_stock_model(tmp_path, build_dataset):
    sheet = run_test(build_dataset(('rgb',)), tmp_path, num_samples=99)
    assert columns(sheet) == 3
    assert all((tile(sheet, row, 2) == PALETTE[1]).all() for row in range(5))


def test_three_modalities_without_labels(tmp_path, build_dataset):
    sheet = run_test(build_dataset(('heat', 'rgb', 'edge'), labels=False), tmp_path)
    assert columns(sheet) == 4
    heat = tile(sheet, 0, 0)
    assert (heat[:10, :10] == 0).all() and (heat[10:].sum(-1) > 0).all()
    assert (tile(sheet, 1, 2) == 44).all()
    assert (tile(sheet, 0, 3) == PALETTE[1]).all()


def test_samples_of_a_stock_pipeline_show_their_image(tmp_path, build_dataset):
    dataset = build_dataset(('rgb',))
    dataset.pipeline.transforms.pop()
    expected = cv2.imread(dataset[0]['img_path'])[..., ::-1]

    def packed(results: dict) -> dict:
        from mmseg.structures import SegDataSample

        return dict(data_samples=SegDataSample(metainfo=dict(img_path=results['img_path'])))

    dataset.pipeline.transforms.append(packed)
    sheet = run_test(dataset, tmp_path)
    assert columns(sheet) == 2
    np.testing.assert_array_equal(tile(sheet, 0, 0), expected)


def test_no_samples_asked_for_is_refused():
    with pytest.raises(ValueError, match='num_samples: expected at least 1, got 0'):
        PredictionSheetHook(0)
