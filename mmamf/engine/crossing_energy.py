import torch
from torch import Tensor, nn

from mmamf.models.fusions import FusionOperator


class CrossingEnergy:
    """Measures which share of the maps' energy crosses modalities, at every fusion point.

    It needs to know nothing about an operator, because it asks by ablation. Let f be what an
    operator does to the maps x of all modalities, and x_m the same maps with those of every
    modality but m set to zero. The *own* part of m's output is f(x_m), the *foreign* part is
    f(x) - f(x_m), both taken at m, and the share that crosses is

        sum |foreign|^2 / (sum |own|^2 + sum |foreign|^2)

    over samples, the modalities that they have, channels and pixels: 0 if nothing crosses, 1 if
    everything is another modality's. For ``enter`` f is ``enter``; for ``leave`` it is ``leave``
    with the carry that ``enter`` returned for the same ablation, so what is carried around the
    convolution counts. Each is measured by itself: what crossed in ``enter`` is the modality's own
    when it comes to ``leave``. An operator that weighs a modality by another one lets the weight
    cross too.

    Forward passes between :meth:`start` and :meth:`stop` return what they would return anyway. They
    must not be trained by. Several of them are summed, as are the levels of a neck.

    Args:
        model: The model. Operators for a single modality are left out.
    """

    def __init__(self, model: nn.Module) -> None:
        self._operators = {
            name: module
            for name, module in model.named_modules()
            if isinstance(module, FusionOperator) and module.num_modalities > 1
        }
        self._energies: dict[str, list[float]] = {}  # point -> own, foreign

    def start(self) -> None:
        """Measure from now on."""
        for name, operator in self._operators.items():
            self._measure(name, operator)

    def stop(self) -> dict[str, float]:
        """End measuring.

        Returns:
            Share of every fusion point that was passed, by the name of the operator in the model:
            ``{'backbone.layer1.1.fusion/enter': 0.1, 'backbone.layer1.1.fusion/leave': 0.3}``.
        """
        for operator in self._operators.values():
            del operator.enter, operator.leave  # uncovers the methods of the class
        return {
            point: foreign / (own + foreign) if foreign else 0.0
            for point, (own, foreign) in self._energies.items()
        }

    def _measure(self, name: str, operator: FusionOperator) -> None:
        """Cover the operator's two methods by ones that measure."""
        enter, leave = operator.enter, operator.leave
        modalities = range(operator.num_modalities)
        carries = []

        def measured_enter(x: Tensor) -> tuple:
            alone = [enter(_only(x, m, len(modalities))) for m in modalities]
            carries.append([carry for _, carry in alone])
            maps, carry = enter(x)
            self._add(f'{name}/enter', maps, [own for own, _ in alone], operator.presence)
            return maps, carry

        def measured_leave(x: Tensor, carry: object) -> Tensor:
            ablated = zip(modalities, carries.pop())
            alone = [leave(_only(x, m, len(modalities)), own_carry) for m, own_carry in ablated]
            maps = leave(x, carry)
            self._add(f'{name}/leave', maps, alone, operator.presence)
            return maps

        operator.enter, operator.leave = measured_enter, measured_leave

    def _add(self, point: str, maps: Tensor, alone: list[Tensor], presence: Tensor | None) -> None:
        """Add the energies of a fusion point; ``alone[m]`` is its output for modality m alone."""
        count = len(alone)
        own = torch.stack([_by_modality(x, count)[:, m] for m, x in enumerate(alone)], dim=1)
        foreign = _by_modality(maps, count) - own
        energies = self._energies.setdefault(point, [0.0, 0.0])
        for i, part in enumerate((own, foreign)):
            part = part if presence is None else part[presence]
            energies[i] += part.detach().float().square().sum().item()


def _by_modality(x: Tensor, num_modalities: int) -> Tensor:
    """Give the modalities an axis: (N*M, C, H, W) -> (N, M, C, H, W)."""
    return x.unflatten(0, (-1, num_modalities))


def _only(x: Tensor, modality: int, num_modalities: int) -> Tensor:
    """Set the maps of all other modalities to zero."""
    kept = torch.zeros_like(x)
    _by_modality(kept, num_modalities)[:, modality] = _by_modality(x, num_modalities)[:, modality]
    return kept
