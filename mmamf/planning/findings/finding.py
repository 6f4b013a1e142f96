"""One thing that the planner has found in the data."""

from dataclasses import dataclass

LEVELS = ('error', 'warning', 'note')


@dataclass(frozen=True)
class Finding:
    """A problem or a fact that the user should know.

    Args:
        level: 'error' if a training with these data would be wrong or would stop; 'warning' if it
            would be worse than it could be; 'note' otherwise.
        code: A short name of the kind, such as 'labels-0-255', the same in every run.
        what: What was found, one sentence with numbers.
        why: Why it matters, one sentence.
        remedy: What to do: an argument of the command, or what the plan has done already.
        files: Paths of affected files below the root, at most 10.
        count: Number of all affected files.
    """

    level: str
    code: str
    what: str
    why: str
    remedy: str
    files: tuple[str, ...] = ()
    count: int = 0
