"""Draws a comparison: a bar for every method, and its difference from its reference."""

import math
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mmamf.visualization.figures import add_grid, choose_colors, save_figure

from .paired import mean_and_std
from .rows import Row

ROW = 0.27  # inches
INK = '#222222'
ZERO = '#888888'
BEST = '#c8102e'
BAR = 0.76  # share of a row
CONTROL = '#cfcfcf'


def draw_chart(rows: list[Row], metric: str, path: Path) -> None:
    """Draw the rows into a file, from the top down, under the titles of their groups.

    On the left, bars start at zero and show the mean after the last iteration with its standard
    deviation. Points show every seed, and a red line shows the mean of the best validations. On the
    right are the differences with their 95 % intervals; a filled mark means that the interval does
    not contain zero. Controls are hatched.
    """
    groups = list(dict.fromkeys(row.method.group for row in rows))
    colors = choose_colors(groups)
    places, titles, y = [], [], 0.0
    for index, row in enumerate(rows):
        if index == 0 or row.method.group != rows[index - 1].method.group:
            titles.append((y, row.method.group))
            y += 1
        places.append(y)
        y += 1
    figure = Figure(figsize=(12, ROW * y + 1.3), dpi=120, layout='constrained')
    bars, differences = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    for place, row in zip(places, rows, strict=True):
        color = CONTROL if row.method.control else colors[row.method.group]
        _draw_bar(bars, place, row, color)
        _draw_difference(differences, place, row, color)
    for place, title in titles:
        bars.annotate(
            title,
            (0, place),
            xycoords=('axes fraction', 'data'),
            xytext=(4, 0),
            textcoords='offset points',
            va='center',
            weight='bold',
            fontsize=9,
        )
    bars.set_yticks(places, [row.method.title for row in rows])
    bars.set(ylim=(y - 0.4, -0.6), xlabel=f'{metric} (%)', title='last iteration')
    differences.set(xlabel=f'{metric} (points)', title='difference to the reference')
    differences.axvline(0, color=ZERO, linewidth=1)
    for axes in (bars, differences):
        add_grid(axes, 'x')
        axes.set_axisbelow(True)
        axes.spines['left'].set_visible(False)
        axes.tick_params(axis='y', length=0)
    figure.legend(handles=_legend(rows), loc='outside lower center', ncols=3, frameon=False)
    save_figure(figure, path)


def _draw_bar(axes: Axes, place: float, row: Row, color: str) -> None:
    mean, std = mean_and_std(row.last)
    hatch = '////' if row.method.control else None
    axes.barh(place, mean, height=BAR, color=color, alpha=0.55, hatch=hatch, edgecolor='white')
    if not math.isnan(std):
        axes.errorbar(mean, place, xerr=std, color=INK, capsize=3, linewidth=1.2)
    n = len(row.last)
    heights = [place + BAR * ((i + 0.5) / n - 0.5) for i in range(n)]  # the first seed on top
    axes.plot(list(row.last.values()), heights, '.', color=INK, markersize=3.5, alpha=0.7)
    best, _ = mean_and_std(row.best)
    axes.vlines(best, place - BAR / 2, place + BAR / 2, color=BEST, linewidth=1.6)


def _draw_difference(axes: Axes, place: float, row: Row, color: str) -> None:
    difference = row.difference
    if difference is None:
        return
    if not math.isnan(difference.p):
        axes.hlines(place, difference.low, difference.high, color=INK, linewidth=1.2)
    axes.plot(
        difference.mean,
        place,
        'o',
        markersize=6,
        markerfacecolor=color if difference.significant else 'white',
        markeredgecolor=INK,
    )
    if row.gains_from_nothing:
        axes.annotate(
            'gain without information',
            (difference.high, place),
            xytext=(6, 0),
            textcoords='offset points',
            va='center',
            color=BEST,
            fontsize=8,
        )


def _legend(rows: list[Row]) -> list:
    def point(marker: str, label: str, fill: str) -> Line2D:
        return Line2D([], [], marker=marker, color=INK, markerfacecolor=fill, label=label, ls='')

    handles = [
        Line2D([], [], color=INK, label='standard deviation'),
        point('.', 'a seed', INK),
        Line2D([], [], color=BEST, label='mean of best validations'),
        point('o', 'difference, 95 % interval with 0', 'white'),
        point('o', '95 % interval without 0', ZERO),
    ]
    if any(row.method.control for row in rows):
        handles.append(Patch(facecolor=CONTROL, edgecolor='white', hatch='////', label='control'))
    return handles
