"""Rows of a comparison: the results of all runs of a method together."""

from dataclasses import dataclass, field

from .paired import Difference, compare, mean_and_std
from .sweep import Method, Sweep

Values = dict[int, float]  # by seed


@dataclass(frozen=True)
class Row:
    """The results of a method.

    Args:
        method: The method.
        last: The ensemble's metric after the last iteration.
        best: The highest metric of any validation. The same data choose it and report it.
        members: The metric of every modality after the last iteration, by name.
        difference: ``last`` minus that of the method's reference. None for the reference itself,
            and if the two have no seed in common.
        costs: The method's entry in `costs.json`.
    """

    method: Method
    last: Values
    best: Values
    members: dict[str, Values]
    difference: Difference | None
    costs: dict = field(default_factory=dict)

    @property
    def beyond_best(self) -> Difference | None:
        """The ensemble minus the modality with the highest mean; None with fewer than two."""
        if len(self.members) < 2:
            return None
        best = max(self.members.values(), key=lambda values: mean_and_std(values)[0])
        return compare(self.last, best)

    @property
    def gains_from_nothing(self) -> bool:
        """Whether a control is better than its reference."""
        return self.method.control and bool(self.difference) and self.difference.low > 0


def make_rows(
    sweep: Sweep, results: dict[tuple[str, int], dict], costs: dict[str, dict]
) -> list[Row]:
    """Sort results by method, in the order of the sweep; leave out methods without results."""

    def values(name: str, kind: str, metric: str) -> Values:
        seeds = sweep.methods[name].seeds
        return {s: results[name, s][kind][metric] for s in seeds if (name, s) in results}

    rows = []
    for name, method in sweep.methods.items():
        last = values(name, 'last', sweep.metric)
        if not last:
            continue
        suffix = f'/{sweep.metric}'
        first = results[name, next(iter(last))]['last']
        members = [key.removesuffix(suffix) for key in first if key.endswith(suffix)]
        reference = values(method.reference, 'last', sweep.metric)
        rows.append(
            Row(
                method,
                last,
                values(name, 'best', sweep.metric),
                {member: values(name, 'last', member + suffix) for member in members},
                None if name == method.reference else compare(last, reference),
                costs.get(name, {}),
            )
        )
    return rows
