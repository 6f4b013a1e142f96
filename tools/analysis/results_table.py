"""Results of a test, sorted by source, as data and as text."""

import math

CLASS = 'IoU.'
TIMES = ('data_time', 'time')  # of an iteration, which mmengine writes beside the metrics


def collect_results(metrics: dict[str, float]) -> dict[str, dict]:
    """Sort the scalars of a test by source: the ensemble, then every modality.

    Returns:
        ``{source: dict(mIoU=..., IoU={class: ...})}``, whatever the metrics are; None for a class
        that is neither in the labels nor predicted. Without classes, as in translation, there is no
        ``IoU``.
    """
    results: dict[str, dict] = {}
    for key, value in metrics.items():
        if key in TIMES:
            continue
        source, _, metric = key.rpartition('/')
        entry = results.setdefault(source or 'ensemble', {})
        value = None if math.isnan(value) else value
        if metric.startswith(CLASS):
            entry.setdefault('IoU', {})[metric.removeprefix(CLASS)] = value
        else:
            entry[metric] = value
    return results


def format_results(results: dict[str, dict]) -> str:
    """Lay results out as a row of means per source and, if there are classes, a row per class."""
    ensemble = results['ensemble']
    means = sorted(name for name in ensemble if name != 'IoU')
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
