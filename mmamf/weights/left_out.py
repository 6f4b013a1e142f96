from collections.abc import Sequence
from typing import NamedTuple

SHOWN = 4  # names of each kind


class LeftOut(NamedTuple):
    """What was not loaded of a checkpoint, or not into a model.

    Args:
        missing: Names of the model that the checkpoint does not have.
        mismatched: Names of another size, with both sizes.
        unused: Names of the checkpoint that the model does not have.
    """

    missing: tuple[str, ...]
    mismatched: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        kinds = {
            'missing in the checkpoint': self.missing,
            'of another size': self.mismatched,
            'not in the model': self.unused,
        }
        return '; '.join(f'{kind}: {some(names)}' for kind, names in kinds.items() if names)


def some(names: Sequence[str]) -> str:
    """Count names, and show the first few."""
    more = ', ...' if len(names) > SHOWN else ''
    return f'{len(names)} ({", ".join(names[:SHOWN])}{more})'
