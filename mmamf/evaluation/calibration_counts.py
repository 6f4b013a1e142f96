from dataclasses import dataclass, fields

import torch
from torch import Tensor

BINS = 15  # as in the paper


@dataclass(frozen=True)
class CalibrationCounts:
    """Sums over pixels from which the measures of calibration are computed, in constant memory.

    From `On Calibration of Modern Neural Networks <https://arxiv.org/abs/1706.04599>`_. Pixels are
    sorted into 15 bins by their confidence, the largest probability of a class. torchmetrics
    computes the same from all confidences, which it keeps.

    Args:
        pixels: Number of pixels in each bin.
        confidence: Sum of their confidences.
        correct: Number of correct ones among them.
        squares: Sum of the squared differences between the probabilities and the truth.
        surprise: Sum of the negative logarithms of the true class's probability.

    Shape:
        - pixels, confidence, correct: (15,).
        - squares, surprise: ().
    """

    pixels: Tensor
    confidence: Tensor
    correct: Tensor
    squares: Tensor
    surprise: Tensor

    @classmethod
    def of(cls, probabilities: Tensor, labels: Tensor) -> 'CalibrationCounts':
        """Count pixels, none of which is ignored.

        Shape:
            - probabilities: (P, K).
            - labels: (P,), class indices.
        """
        confidence, guesses = (part.double() for part in probabilities.max(1))
        places = (confidence * BINS).long().clamp(max=BINS - 1)
        chosen = probabilities.gather(1, labels[:, None])[:, 0].double()
        squares = probabilities.double().square().sum(1) - 2 * chosen + 1
        weighted = [torch.ones_like(confidence), confidence, (guesses == labels).double()]
        tiny = torch.finfo(torch.float32).tiny  # a probability may be rounded to 0
        sums = [torch.bincount(places, values, BINS) for values in weighted]
        return cls(*sums, squares.sum(), -chosen.clamp(min=tiny).log().sum())

    def __add__(self, other: 'CalibrationCounts') -> 'CalibrationCounts':
        names = [field.name for field in fields(self)]
        return CalibrationCounts(*(getattr(self, name) + getattr(other, name) for name in names))

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean of |confidence - accuracy|, weighted by pixels."""
        return ((self.confidence - self.correct).abs().sum() / self.pixels.sum()).item()

    @property
    def brier(self) -> float:
        """Brier score: the mean squared distance of probabilities and truth, from 0 to 2."""
        return (self.squares / self.pixels.sum()).item()

    @property
    def nll(self) -> float:
        """Mean negative log-likelihood of the true class, in nats."""
        return (self.surprise / self.pixels.sum()).item()
