import pytest
import torch
from mmagic.structures import DataSample

from mmamf.models.data_preprocessors.multimodal_translation_data_preprocessor import (
    MultimodalTranslationDataPreprocessor,
)

H, W = 4, 6


def make_sample(names: tuple[str, ...] = ('rgb', 'depth')) -> DataSample:
    truth = torch.full((3, H, W), 255.0)
    return DataSample(gt_img=truth, metainfo=dict(modalities=names, img_path='a.png'))


@pytest.fixture
def preprocessor():
    return MultimodalTranslationDataPreprocessor()


@pytest.mark.parametrize('collated', [list, torch.stack])
@pytest.mark.parametrize('dtype', [torch.float32, torch.uint8])
def test_scales_sources_and_leaves_truth(preprocessor, collated, dtype):
    images = [torch.full((6, H, W), value, dtype=dtype) for value in (0, 255)]
    samples = [make_sample(), make_sample()]
    batch = preprocessor(dict(inputs=collated(images), data_samples=samples), True)
    assert batch['inputs'].shape == (2, 6, H, W)
    assert batch['inputs'].dtype == torch.float32
    assert batch['inputs'].flatten(1).unique(dim=1).tolist() == [[-1], [1]]
    assert all((sample.gt_img == 255).all() for sample in batch['data_samples'])


def test_round_trip(preprocessor):
    images = torch.arange(256.0).view(1, 1, 16, 16)
    torch.testing.assert_close(preprocessor.destruct(preprocessor.normalize(images)), images)
    assert preprocessor.destruct(torch.tensor([-3.0, 3.0])).tolist() == [0, 255]


@pytest.mark.parametrize('samples', [dict(), dict(data_samples=None)])
def test_works_without_samples(preprocessor, samples):
    batch = preprocessor(dict(inputs=[torch.zeros(6, H, W)], **samples))
    assert batch['data_samples'] is None


def test_refuses_images_of_different_size(preprocessor):
    with pytest.raises(ValueError, match=r'one size .*\(6, 4, 5\), \(6, 4, 6\)'):
        preprocessor(dict(inputs=[torch.zeros(6, H, W), torch.zeros(6, H, W - 1)]))


def test_refuses_untiled_channels(preprocessor):
    with pytest.raises(ValueError, match=r"3 channels for each .*'rgb', 'depth'.*\(1, 4, 4, 6\)"):
        preprocessor(dict(inputs=[torch.zeros(4, H, W)], data_samples=[make_sample()]))
