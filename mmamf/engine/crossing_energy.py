import torch
from torch import Tensor, nn

from mmamf.models.fusions import FusionOperator
from mmamf.models.modality_axis import separate_modalities


class CrossingEnergy:
    """Measures the share of the feature maps' energy that crosses modalities, per fusion point.

    It works by ablation, so it suits any operator. Let f be the operator, x the maps of all
    modalities, and x_m the same maps with all modalities except m set to zero. The *own* part of
    m's output is f(x_m), and the *foreign* part is f(x) - f(x_m), both taken at m. The share that
    crosses is

        sum |foreign|^2 / (sum |own|^2 + sum |foreign|^2)

    The sums run over samples, their present modalities, channels and pixels. The share is 0 if
    nothing crosses, and 1 if everything comes from another modality. At ``enter``, f is ``enter``.
    At ``leave``, f is ``leave`` with the carry that ``enter`` returned for the same ablation, so
    the values carried around the convolution count. The two points are measured separately: values
    that crossed in ``enter`` are the modality's own at ``leave``. If an operator weights one
    modality by another, the effect of the weight counts as crossing, too.

    Forward passes between :meth:`start` and :meth:`stop` return the usual results, but must not be
    used for training. Several passes are summed, and so are the levels of a neck.

    Args:
        model: The model. Operators for a single modality are left out.
    """

    def __init__(self, model: nn.Module) -> None:
        self._operators = {
            name: module
            for name, module in model.named_modules()
            if isinstance(module, FusionOperator) and module.num_modalities > 1
        }
        self._energies: dict[str, list[float]] = {}  # fusion point -> own, foreign

    def start(self) -> None:
        """Start measuring."""
        for name, operator in self._operators.items():
            self._measure(name, operator)

    def stop(self) -> dict[str, float]:
        """Stop measuring.

        Returns:
            Share of every fusion point that was used, by the name of the operator in the model:
            ``{'backbone.layer1.1.fusion/enter': 0.1, 'backbone.layer1.1.fusion/leave': 0.3}``.
        """
        for operator in self._operators.values():
            del operator.enter, operator.leave  # the methods of the class are visible again
        return {
            point: foreign / (own + foreign) if foreign else 0.0
            for point, (own, foreign) in self._energies.items()
        }

    def _measure(self, name: str, operator: FusionOperator) -> None:
        """Replace the operator's two methods by measuring ones."""
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
        own = torch.stack([separate_modalities(x, count)[:, m] for m, x in enumerate(alone)], dim=1)
        foreign = separate_modalities(maps, count) - own
        energies = self._energies.setdefault(point, [0.0, 0.0])
        for i, part in enumerate((own, foreign)):
            part = part if presence is None else part[presence]
            energies[i] += part.detach().float().square().sum().item()


def _only(x: Tensor, modality: int, num_modalities: int) -> Tensor:
    """Set the maps of all other modalities to zero."""
    kept = torch.zeros_like(x)
    kept[modality::num_modalities] = x[modality::num_modalities]
    return kept
