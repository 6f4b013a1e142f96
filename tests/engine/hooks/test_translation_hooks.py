from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmagic.structures import DataSample
from mmengine.logging import MMLogger

from mmamf.engine.hooks import TranslatedPicturesHook, TranslationSheetHook
from mmamf.visualization.prediction_sheet import GAP, LINE, MARGIN

H, W = 40, 80
TILE_H, TILE_W = 160, 320  # enlarged by 4
ORDER = ('shade', 'depth')


def make_sample(index=0, names=ORDER, truth=True, folder='rgb') -> DataSample:
    """A sample whose images are plain: sources 10, 20, outputs 30, 40, ensemble 50, truth 60."""

    def plain(value):
        return torch.full((3, H, W), value + index / 10)

    sample = DataSample(
        metainfo=dict(
            modalities=names,
            target='rgb',
            img_path=f'shade/{index}.png',
            target_path=f'{folder}/{index}.png',
        ),
        fake_img=plain(50),
    )
    for m, name in enumerate(names):
        sample.set_data(
            {f'source_{name}': plain(10 * (m + 1)), f'fake_img_{name}': plain(10 * (m + 3))}
        )
    if truth:
        sample.gt_img = plain(60)
    return sample


def run_test(hook, samples) -> None:
    runner = SimpleNamespace(
        test_dataloader=SimpleNamespace(sampler=samples, dataset=SimpleNamespace(metainfo={})),
        logger=MMLogger.get_current_instance(),
    )
    hook.before_test_epoch(runner)
    for i, sample in enumerate(samples):
        hook.after_test_iter(runner, i, outputs=[sample])
    hook.after_test_epoch(runner)


def read_tiles(path) -> np.ndarray:
    """Read the gray value of every tile; -1 where there is none."""
    sheet = cv2.imread(str(path))
    left, top = MARGIN + LINE, MARGIN + LINE
    rows = sheet[top + TILE_H // 2 :: TILE_H + GAP]
    tiles = rows[:, left + TILE_W // 2 : -MARGIN : TILE_W + GAP, 0].astype(int)
    return np.where(tiles == 255, -1, tiles)


@pytest.mark.parametrize(
    ('names', 'truth', 'expected'),
    [
        (ORDER, True, [10, 20, 30, 40, 50, 60]),
        (ORDER, False, [10, 20, 30, 40, 50]),
        (('shade',), True, [10, 50, 60]),  # output and ensemble are the same
    ],
)
def test_sheet_shows_inputs_outputs_ensemble_and_truth(tmp_path, names, truth, expected):
    hook = TranslationSheetHook(num_samples=2, out_dir=str(tmp_path))
    run_test(hook, [make_sample(10 * i, names, truth) for i in range(3)])
    tiles = read_tiles(tmp_path / 'translation_sheet.png')
    # the first and the last sample
    assert tiles.tolist() == [expected, [value + 2 for value in expected]]


def test_pictures_without_a_name_are_saved_by_that_of_the_truth(tmp_path):
    samples = [make_sample(i) for i in range(2)]
    samples[1].fake_img = torch.stack([torch.full((H, W), v) for v in (-3.0, 127.6, 300.0)])
    run_test(TranslatedPicturesHook(str(tmp_path / 'out')), samples + samples[:1])
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['0.png', '1.png']
    picture = cv2.imread(str(tmp_path / 'out' / '1.png'))[..., ::-1]
    assert picture.shape == (H, W, 3)
    assert picture[0, 0].tolist() == [0, 128, 255]


def test_pictures_keep_the_folders_of_the_samples(tmp_path):
    samples = [make_sample(folder=f'rgb/{building}') for building in 'ab']
    for sample, building in zip(samples, 'ab'):
        sample.set_metainfo(dict(sample_name=f'{building}/v1.5'))
    run_test(TranslatedPicturesHook(str(tmp_path)), samples)
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*.png'))
    assert found == ['a/v1.5.png', 'b/v1.5.png']


def test_pictures_of_the_same_name_are_refused(tmp_path):
    samples = [make_sample(folder='a'), make_sample(folder='b')]
    with pytest.raises(ValueError, match='b/0.png and a/0.png would both be saved as 0.png'):
        run_test(TranslatedPicturesHook(str(tmp_path)), samples)
