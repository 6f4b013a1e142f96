import logging
import math

from mmengine.logging import print_log
from torch import Tensor, nn


class TemperatureScaling:
    """Mixin of ModalityEnsembleHead: numbers that divide its logits in predictions.

    From `On Calibration of Modern Neural Networks <https://arxiv.org/abs/1706.04599>`_. There is
    one for the ensemble and one for every modality. A head that was not calibrated has none, and
    its state dict has no entry for them.
    """

    alpha: nn.Parameter
    num_modalities: int
    out_channels: int
    threshold: float | None
    temperature: Tensor | None  # (1 + M,), the ensemble's first

    def calibrate(self, temperature: Tensor) -> None:
        """Divide the logits of the ensemble and of every modality by these numbers from now on.

        Shape:
            - temperature: (1 + M,), the ensemble's first.
        """
        expected = 1 + self.num_modalities
        if temperature.shape != (expected,) or not (temperature > 0).all():
            raise ValueError(
                f'temperature: expected {expected} positive numbers, for the ensemble and '
                f'{self.num_modalities} modalities, got {temperature.tolist()}'
            )
        self.temperature = temperature.to(self.alpha, copy=True)

    @property
    def pivot(self) -> float:
        """The logit that no temperature changes: 0, or that of the threshold for one output."""
        if self.out_channels > 1:
            return 0.0
        if not 0 < self.threshold < 1:
            raise ValueError(
                f'threshold: expected one between 0 and 1, as calibration needs it, got '
                f'{self.threshold!r}'
            )
        return math.log(self.threshold / (1 - self.threshold))

    def _read_temperature(self, state_dict: dict, prefix: str) -> None:
        """Take over the temperatures of a checkpoint."""
        found = state_dict.get(f'{prefix}temperature')
        if found is not None:
            self.calibrate(found)
        elif f'{prefix}alpha' in state_dict:  # other weights than those it was fitted to
            self.temperature = None

    def _temper(self, logits: Tensor, count: int) -> Tensor:
        """Divide stacked logits, (N, count * K, h, w), by the temperatures of their sources."""
        if self.temperature is None:
            return logits
        divisor = self.temperature[:count, None].expand(-1, self.out_channels).reshape(-1, 1, 1)
        return (logits - self.pivot) / divisor + self.pivot

    def _forget_temperature(self) -> None:
        if self.temperature is not None:
            self.temperature = None
            print_log(
                'the checkpoint was calibrated; training changes its weights, so its temperatures '
                'are dropped: run tools/calibrate.py again',
                logger='current',
                level=logging.WARNING,
            )
