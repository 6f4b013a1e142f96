"""Fixtures of translated samples."""

import pytest
import torch
from mmengine.evaluator import Evaluator


@pytest.fixture
def make_translated():
    """Writer of samples as a translation model returns them.

    ``make_translated(truth, depth=..., rgb=..., ensemble=...)``: images (N, 3, H, W) in 0..255;
    the keywords are the outputs, in the order of the modalities.
    """
    from mmagic.structures import DataSample  # not where only segmentation is tested

    def make(truth: torch.Tensor, ensemble: torch.Tensor, **outputs: torch.Tensor) -> list:
        samples = []
        for i, image in enumerate(truth):
            sample = DataSample(metainfo=dict(modalities=tuple(outputs), target_path=f'{i}.png'))
            sample.gt_img, sample.fake_img = image, ensemble[i]
            for name, output in outputs.items():
                sample.set_data({f'fake_img_{name}': output[i]})
            samples.append(sample)
        return samples

    return make


@pytest.fixture
def evaluate():
    """Run a metric over samples in batches, as a test loop does."""

    def run(metric, samples: list, batch_size: int = 2) -> dict[str, float]:
        evaluator = Evaluator(metric)
        for start in range(0, len(samples), batch_size):
            evaluator.process(samples[start : start + batch_size])
        return evaluator.evaluate(len(samples))

    return run
