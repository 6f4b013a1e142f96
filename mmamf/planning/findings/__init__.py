"""What is wrong with the data. Each check is one function that yields findings."""

from collections.abc import Callable, Iterator

from ..prints.fingerprint import Fingerprint
from ..samples.found_data import FoundData
from . import files, labels, pairs, split, values
from .finding import LEVELS, Finding

Check = Callable[[FoundData, Fingerprint], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    *files.CHECKS,
    *labels.CHECKS,
    *values.CHECKS,
    *pairs.CHECKS,
    *split.CHECKS,
)


def find_problems(data: FoundData, fingerprint: Fingerprint) -> list[Finding]:
    """Run all checks.

    Args:
        data: The samples.
        fingerprint: What their files contain.

    Returns:
        The findings, errors first.
    """
    found = [finding for check in CHECKS for finding in check(data, fingerprint)]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))
