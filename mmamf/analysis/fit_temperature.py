import math

import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor

LIMITS = (0.05, 20.0)  # of a temperature


def fit_temperature(logits: Tensor, labels: Tensor, pivot: float = 0.0) -> float:
    """Find the temperature with the smallest negative log-likelihood.

    From `On Calibration of Modern Neural Networks <https://arxiv.org/abs/1706.04599>`_.

    Args:
        logits: Logits of pixels; one for each class, or a single one for two classes.
        labels: Their classes.
        pivot: The logit that no temperature changes, see :class:`ModalityEnsembleHead`.

    Shape:
        - logits: (P, K) or (P, 1).
        - labels: (P,).
    """

    def loss(exponent: float) -> float:
        tempered = temper(logits, math.exp(exponent), pivot)
        if logits.shape[1] == 1:
            return F.binary_cross_entropy_with_logits(tempered[:, 0], labels.float()).item()
        return F.cross_entropy(tempered, labels).item()

    limits = tuple(map(math.log, LIMITS))
    found = minimize_scalar(loss, bounds=limits, method='bounded', options=dict(xatol=1e-3))
    return math.exp(found.x)


def temper(logits: Tensor, temperature: float, pivot: float = 0.0) -> Tensor:
    """Divide logits by a temperature; the arguments are those of :func:`fit_temperature`."""
    return (logits - pivot) / temperature + pivot


def probabilities_of(logits: Tensor) -> Tensor:
    """Turn logits of pixels, (P, K) or (P, 1), into probabilities, (P, K) or (P, 2)."""
    if logits.shape[1] == 1:
        chance = torch.sigmoid(logits)
        return torch.cat([1 - chance, chance], dim=1)
    return logits.softmax(1)
