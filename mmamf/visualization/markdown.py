"""Tables in Markdown, and their cells for results of tests."""

from collections.abc import Iterable, Mapping, Sequence

from mmamf.ensemble import ENSEMBLE, metric_key

METRIC = 'mIoU'
CLASS = 'IoU.'  # prefix of a class name in the ensemble's scalars
NONE = '-'

Scalars = Mapping[str, float | None]  # results of one test: mIoU, <modality>/mIoU, IoU.<class>, ...


def format_table(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """Format a Markdown table.

    Args:
        head: Heading of every column.
        rows: Cells of every row.
        texts: Number of columns with text, at the left. The others have numbers, which are aligned
            to the right.
    """
    rule = '---|' * texts + '---:|' * (len(head) - texts)
    lines = [f'| {" | ".join(cells)} |' for cells in (head, *rows)]
    return '\n'.join([lines[0], f'|{rule}', *lines[1:]]) + '\n'


def format_percent(value: float | None) -> str:
    """Format a scalar with one decimal."""
    return NONE if value is None else f'{value:.1f}'


def format_sources(scalars: Scalars, sources: Iterable[str]) -> list[str]:
    """Format the mIoU of the ensemble or of modalities."""
    return [format_percent(scalars.get(metric_key(source, METRIC))) for source in sources]


def format_change(scalars: Scalars, before: Scalars) -> str:
    """Format the change of the ensemble's mIoU from that of another test."""
    new, old = (of[metric_key(ENSEMBLE, METRIC)] for of in (scalars, before))
    if new is None or old is None:
        return NONE
    return f'{round(new - old, 1) + 0.0:+.1f}'  # + 0.0 turns -0.0 into 0.0


def count_found(scalars: Scalars) -> str:
    """Count the classes that the ensemble predicts correctly in at least one pixel: ``1 of 6``.

    Args:
        scalars: Scalars of a test. A class that is neither in the labels nor predicted is None and
            is not counted.
    """
    known = [v for key, v in scalars.items() if key.startswith(CLASS) and v is not None]
    return f'{sum(value > 0 for value in known)} of {len(known)}' if known else NONE
