"""Results of a test, sorted by source, as data and as text."""

import math
import re

# metric of one class; the name of a class may contain slashes and dots
OF_CLASS = re.compile(r'(?:([\w/]+?)/)?(IoU|Dice|Fscore|Precision|Recall)\.(.+)')
TIMES = ('data_time', 'time')  # times that mmengine adds to the metrics


def collect_results(metrics: dict[str, float]) -> dict[str, dict]:
    """Sort the scalars of a test by source: the ensemble, then every modality.

    Returns:
        ``{source: dict(mIoU=..., IoU={class: ...})}``, with whatever metrics there are. The value
        is None for a class that is neither in the labels nor predicted. Without classes, as in
        translation, there is no ``IoU``. ``Dice`` and others exist if the metric computes them.
    """
    results: dict[str, dict] = {}
    for key, value in metrics.items():
        if key in TIMES:
            continue
        value = None if math.isnan(value) else value
        if match := OF_CLASS.fullmatch(key):
            source, metric, name = match.groups()
            results.setdefault(source or 'ensemble', {}).setdefault(metric, {})[name] = value
        else:
            source, _, metric = key.rpartition('/')
            results.setdefault(source or 'ensemble', {})[metric] = value
    return results


def format_results(results: dict[str, dict]) -> str:
    """Format results: a row of means per source and, if there are classes, a row per class."""
    ensemble = results['ensemble']
    means = sorted(name for name, value in ensemble.items() if not isinstance(value, dict))
    classes = list(ensemble.get('IoU', {}))
    title = 'mean (%)' if classes else 'mean'
    width = 2 + max(map(len, [*results, *classes, title]))

    def row(title: str, cells: list) -> str:
        texts = [cell if isinstance(cell, str) else _number(cell) for cell in cells]
        return f'{title:{width}}' + ''.join(f'{text:>12}' for text in texts)

    lines = [row(title, means)]
    lines += [row(source, [entry[mean] for mean in means]) for source, entry in results.items()]
    if classes:
        lines += ['', row('IoU (%)', list(results))]
        lines += [row(name, [entry['IoU'][name] for entry in results.values()]) for name in classes]
    return '\n'.join(lines) + '\n'


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'
