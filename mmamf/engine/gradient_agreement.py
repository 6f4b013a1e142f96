from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmamf.models.folded_batch import FoldedBatch
from mmamf.models.share_batch import SharesBatch


class GradientAgreement:
    """Measures whether the modalities pull a shared convolution in the same direction.

    The gradient of a shared convolution is a sum over the rows of the folded batch, so it is the
    sum of one gradient per modality. The agreement is the cosine of the angle between these: 1 if
    all modalities ask for the same change, 0 if they have nothing to do with each other, and -1 if
    each undoes what the other does. With more than two modalities it is the mean over all pairs.

    Between :meth:`start` and :meth:`stop`, the backward pass computes the gradients of these
    convolutions a second time, modality by modality. The training does not change.

    Args:
        model: The model. The convolutions are those of its backbone and heads that get folded
            modalities. Convolutions of other classes than torch's are left out.
    """

    def __init__(self, model: nn.Module) -> None:
        self._convs: dict[str, nn.Conv2d] = {}
        self._batches: dict[str, FoldedBatch] = {}
        for prefix, network in model.named_modules():
            batch = getattr(network, 'batch', None)
            if isinstance(network, SharesBatch) or not isinstance(batch, FoldedBatch):
                continue
            for name, module in network.named_modules(prefix=prefix):
                if type(module) is nn.Conv2d and batch.num_modalities > 1:
                    self._convs[name] = module
                    self._batches[name] = batch
        self._handles: list[RemovableHandle] = []
        self._gradients: dict[str, Tensor] = {}

    def start(self) -> None:
        """Start measuring."""
        self._gradients = {}
        for name, conv in self._convs.items():
            self._handles.append(conv.register_forward_hook(self._make_hook(name)))

    def stop(self) -> dict[str, float]:
        """Stop measuring.

        Returns:
            Agreement in every convolution that got gradients, by its name in the model.
        """
        for handle in self._handles:
            handle.remove()
        self._handles = []
        found = {}
        for name in (name for name in self._convs if name in self._gradients):
            units = F.normalize(self._gradients[name].flatten(1).float(), dim=1)  # (M, numbers)
            pairs = combinations(units, 2)
            found[name] = torch.stack([(a * b).sum() for a, b in pairs]).mean()
        return dict(zip(found, torch.stack([*found.values()]).tolist())) if found else {}

    def _make_hook(self, name: str):  # noqa: ANN202
        batch = self._batches[name]

        def after_forward(conv: nn.Conv2d, inputs: tuple[Tensor], out: Tensor) -> None:
            (x,) = inputs
            if not out.requires_grad or batch.kept is not None:  # rows of absent modalities are out
                return
            out.register_hook(lambda grad: self._add(name, conv, x.detach(), grad))

        return after_forward

    def _add(self, name: str, conv: nn.Conv2d, x: Tensor, grad: Tensor) -> None:
        m = self._batches[name].num_modalities
        parts = torch.stack([_weight_gradient(conv, x[i::m], grad[i::m]) for i in range(m)])
        self._gradients[name] = self._gradients.get(name, 0) + parts


def _weight_gradient(conv: nn.Conv2d, x: Tensor, grad: Tensor) -> Tensor:
    with torch.enable_grad():
        weight = conv.weight.detach().requires_grad_()
        out = conv._conv_forward(x.to(grad.dtype), weight.to(grad.dtype), None)
        return torch.autograd.grad(out, weight, grad)[0]
