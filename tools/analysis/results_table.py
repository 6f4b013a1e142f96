"""Results of a test, sorted by source, as data and as text."""

import math

MEANS = ('PixAcc', 'mAcc', 'mIoU')


def collect_results(metrics: dict[str, float]) -> dict[str, dict]:
    """Sort the scalars of MultimodalIoUMetric by source: the ensemble, then every modality.

    Returns:
        ``{source: dict(PixAcc=..., mAcc=..., mIoU=..., IoU={class: ...})}`` in percent; None for a
        class that is neither in the labels nor predicted.
    """
    results: dict[str, dict] = {}
    for key, value in metrics.items():
        source, _, metric = key.rpartition('/')
        value = None if math.isnan(value) else value
        if metric in MEANS:
            results.setdefault(source or 'ensemble', dict(IoU={}))[metric] = value
        elif metric.startswith('IoU.'):
            entry = results.setdefault(source or 'ensemble', dict(IoU={}))
            entry['IoU'][metric.removeprefix('IoU.')] = value
    return results


def format_results(results: dict[str, dict]) -> str:
    """Lay results out as two tables: a row of means per source, and a row per class."""
    classes = list(results['ensemble']['IoU'])
    width = 2 + max(map(len, [*results, *classes, 'IoU (%)']))

    def row(title: str, cells: list) -> str:
        texts = [cell if isinstance(cell, str) else _number(cell) for cell in cells]
        return f'{title:{width}}' + ''.join(f'{text:>12}' for text in texts)

    lines = [row('mean (%)', list(MEANS))]
    lines += [row(source, [entry[mean] for mean in MEANS]) for source, entry in results.items()]
    lines += ['', row('IoU (%)', list(results))]
    lines += [row(name, [entry['IoU'][name] for entry in results.values()]) for name in classes]
    return '\n'.join(lines) + '\n'


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'
