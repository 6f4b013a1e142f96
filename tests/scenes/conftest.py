"""Small scenes, and a segmentor that looks at each pixel alone."""

import numpy as np
import pytest
from mmengine.dataset import Compose

from mmamf.datasets.transforms import LoadMultimodalImages
from mmamf.datasets.transforms.stack_planes import stack_planes
from mmamf.scenes import PieceSegmentor
from mmamf.structures import Modality

DESCRIPTIONS = dict(
    rgb=dict(channels=3, dtype='uint8'),
    dsm=dict(channels=1, dtype='float32', missing=-9999, optional=True),
)
PALETTE = [(10, 20, 30), (40, 50, 60), (70, 80, 90), (1, 2, 3)]


class PointwiseSegmentor:
    """A 1 x 1 convolution with random weights, and softmax. It notes what it has seen."""

    classes = ('field', 'forest', 'water', 'road')
    palette = PALETTE
    threshold = None

    def __init__(self, descriptions):
        self.descriptions = {name: Modality(name, **spec) for name, spec in descriptions.items()}
        self.modalities = tuple(self.descriptions)
        self.pipeline = Compose([LoadMultimodalImages(), self._pack])
        channels = sum(modality.num_channels for modality in self.descriptions.values())
        self.weights = np.random.default_rng(0).normal(size=(len(self.classes), channels))
        self.present, self.shapes, self.batches = [], [], []

    def predict_scores(self, data):
        self.batches.append(len(data))
        return [self.scores_of(item) for item in data]

    def predict(self, data, return_probabilities=False):
        self.batches.append(len(data))
        predicted = []
        for item in data:
            scores = self.scores_of(item)
            predicted.append(dict(ensemble=scores.argmax(0).astype(np.uint8)))
            if return_probabilities:  # the modalities disagree everywhere
                chances = dict(rgb=scores, dsm=scores[::-1], ensemble=scores)
                predicted[-1]['probabilities'] = chances
        return predicted

    def scores_of(self, item):
        self.present.append(item['present'])
        self.shapes.append(item['inputs'].shape[1:])
        names = [[name] * m.num_channels for name, m in self.descriptions.items()]
        absent = [name not in item['present'] for name in sum(names, [])]
        values = np.nan_to_num(item['inputs'].astype(np.float32) / 50 - 2)
        values[absent] = 0  # as where a reading is missing
        logits = np.tensordot(self.weights.astype(np.float32), values, 1)
        scores = np.exp(logits - logits.max(0))
        return scores / scores.sum(0)

    @staticmethod
    def _pack(results):
        return dict(inputs=stack_planes(results), present=results['present'])


@pytest.fixture
def make_segmentor():
    """Maker of a pointwise segmentor and what segments pieces with it."""

    def make(descriptions=DESCRIPTIONS, **options):
        return PieceSegmentor(PointwiseSegmentor(descriptions), **options)

    return make


@pytest.fixture
def write_raster(tmp_path):
    """Writer of a GeoTIFF: ``write_raster('rgb.tif', array (bands, H, W), **profile)``."""
    rasterio = pytest.importorskip('rasterio', reason='rasterio is not installed')

    def write(name, values, **profile):
        path = tmp_path / name
        where = dict(
            crs='EPSG:32633', transform=rasterio.transform.from_origin(5e5, 5e6, 0.25, 0.25)
        )
        options = dict(where, driver='GTiff', dtype=values.dtype, count=len(values)) | profile
        with rasterio.open(
            path, 'w', height=values.shape[1], width=values.shape[2], **options
        ) as f:
            f.write(values)
        return str(path)

    return write


@pytest.fixture
def write_scene(write_raster):
    """Writer of a scene of (H, W) px; a quarter of it has no rgb, and a quarter no dsm."""

    def write(height=150, width=220, **dsm):
        rng = np.random.default_rng(1)
        rgb = rng.integers(1, 256, (3, height, width), np.uint8)
        heights = rng.uniform(0, 90, (1, height, width)).astype(np.float32)
        heights[:, : height // 2, : width // 2] = -9999
        return dict(
            rgb=write_raster('rgb.tif', rgb),
            dsm=write_raster('dsm.tif', heights, **(dict(nodata=-9999) | dsm)),
        )

    return write
