from collections.abc import Sequence

from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS

from mmamf.ensemble import metric_key

from .translated_images import translated_images

HALF_RANGE = 127.5  # 0..255 -> -1..1
SCALE = 10  # factor in the papers' tables


@METRICS.register_module()
class TranslationMetric(BaseMetric):
    """Mean absolute and mean squared error of the ensemble and of every modality's own output.

    Scalars are ``MAE`` and ``MSE``. Scalars of a modality start with ``<modality>/``. Both are 10
    times the error of images in -1..1 (0..255 divided by 127.5, minus 1), as in the tables of
    `Deep Multimodal Fusion by Channel Exchanging <https://arxiv.org/abs/2011.05005>`_, which are
    headed (x 10^-1). The largest MAE is 20, and the largest MSE is 40. The mean is over the pixels
    and channels of an image, then over the images. The release of that paper logs MAE and the root
    of MSE without the factor; its root is ``(MSE / 10) ** 0.5``.

    Args:
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        ValueError: If a sample lacks an image or has one of another size, or there is no sample.
    """

    default_prefix = ''  # without one, mmengine warns

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Compute the errors of each output, one result per sample."""
        for sample in data_samples:
            truth, outputs = translated_images(sample)
            errors = {}
            for name, image in outputs.items():
                difference = (image - truth).double() / HALF_RANGE
                errors[metric_key(name, 'MAE')] = difference.abs().mean().item()
                errors[metric_key(name, 'MSE')] = difference.square().mean().item()
            self.results.append(errors)

    def compute_metrics(self, results: list[dict[str, float]]) -> dict[str, float]:
        """Average the errors of all samples."""
        if not results:
            raise ValueError('TranslationMetric: expected at least one sample, got none')
        return {
            key: SCALE * sum(errors[key] for errors in results) / len(results) for key in results[0]
        }
