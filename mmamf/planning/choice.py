"""One decision of a plan."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """A value in the config, and why it was chosen.

    Args:
        value: The value.
        reason: One or two sentences with the numbers that led to it. They become a comment in the
            config.
    """

    value: Any
    reason: str
