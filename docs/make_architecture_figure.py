"""Draws docs/architecture.png: the network for two modalities, and the fusion inside its blocks."""

from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle

OUT = Path(__file__).resolve().parent / 'architecture.png'
RGB, DEPTH, SHARED, INK, FUSION = '#3274b5', '#e58a1f', '#dfe2e7', '#2b2b2b', '#2e8b57'
LANES = (RGB, DEPTH)
PALETTE = np.array(
    [(200, 200, 190), (140, 110, 80), (110, 120, 140), (90, 60, 40), (230, 130, 30), (220, 40, 40)]
)


def room() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cast rays into a room with a cabinet, a table and a chair: color, depth, labels."""
    w, h = 96, 72
    x, y = np.meshgrid((np.arange(w) - w / 2) / 60, (np.arange(h) - h / 2) / 60)
    with np.errstate(divide='ignore'):
        sides, floor, ceiling = 1.9 / abs(x), 1.0 / y, -1.3 / y
    floor[floor < 0] = ceiling[ceiling < 0] = np.inf
    surfaces = np.stack([np.minimum(sides, 4.2), floor, ceiling])
    labels, depth = surfaces.argmin(0), surfaces.min(0)
    # class, distance, left, right, top, bottom (m, y downward)
    for kind, z, left, right, top, bottom in (
        (3, 3.9, -2.0, -0.7, -0.9, 1.0),  # cabinet
        (4, 2.8, -0.85, 0.6, 0.2, 0.34),  # table
        (4, 2.8, -0.8, -0.66, 0.3, 1.0),
        (4, 2.8, 0.41, 0.55, 0.3, 1.0),
        (5, 2.3, 0.75, 1.35, 0.35, 0.5),  # chair
        (5, 2.3, 1.23, 1.35, -0.35, 0.95),
        (5, 2.3, 0.75, 0.87, 0.45, 0.95),
    ):
        inside = (x * z > left) & (x * z < right) & (y * z > top) & (y * z < bottom)
        labels[inside], depth[inside] = kind, z
    side = (labels == 0) & (depth < 4.15)
    tints = [
        (226, 216, 196),
        (150, 118, 92),
        (240, 240, 236),
        (96, 128, 110),
        (196, 140, 84),
        (126, 60, 92),
    ]
    light = (1.2 - 0.09 * depth) * np.where(side, 0.85, 1)
    color = (np.array(tints)[labels] * light[..., None]).clip(0, 255).astype(np.uint8)
    near_to_far = (255 * (depth - depth.min()) / np.ptp(depth)).astype(np.uint8)
    turbo = cv2.applyColorMap(near_to_far, cv2.COLORMAP_TURBO)[..., ::-1]
    return color, turbo, labels


def painted(labels: np.ndarray, mistaken: int | None = None) -> np.ndarray:
    """Paint labels like a prediction: with rounded outlines, and one class partly wrong."""
    labels = labels.copy()
    if mistaken is not None:
        rows, columns = np.nonzero(labels == mistaken)
        part = rows + columns > np.percentile(rows + columns, 45)
        labels[rows[part], columns[part]] = mistaken - 1
    votes = [cv2.blur((labels == k).astype(np.float32), (3, 3)) for k in range(len(PALETTE))]
    return PALETTE[np.argmax(votes, axis=0)].astype(np.uint8)


class Canvas:
    """Drawing functions in inches."""

    def __init__(self, axes: Axes) -> None:
        self.axes = axes

    def text(self, x: float, y: float, text: str, size: float = 8.5, **kwargs) -> None:
        """Write centered text."""
        style = dict(ha='center', va='center', color=INK, linespacing=1.25) | kwargs
        self.axes.text(x, y, text, fontsize=size, **style)

    def box(
        self, x: float, y: float, w: float, h: float, color: str, text: str = '', **kwargs
    ) -> None:
        """Draw a rounded box around its center."""
        style = dict(facecolor=color, edgecolor=INK, linewidth=0.8, zorder=3) | kwargs
        shape = FancyBboxPatch(
            (x - w / 2, y - h / 2), w, h, boxstyle='round,pad=0,rounding_size=0.05', **style
        )
        self.axes.add_patch(shape)
        ink = 'white' if color in LANES else INK
        self.text(x, y, text, 8, color=ink, zorder=4)

    def line(
        self,
        *points: tuple[float, float],
        color: str = INK,
        head: bool = True,
        zorder: float = 2,
    ) -> None:
        """Draw a polyline on a white halo, by default with an arrow head."""
        xs, ys = zip(*points, strict=True)
        self.axes.plot(xs, ys, color='white', linewidth=3.6, zorder=zorder - 0.1)
        self.axes.plot(xs, ys, color=color, linewidth=1.4, zorder=zorder)
        if head:
            self.axes.annotate(
                '',
                points[-1],
                points[-2],
                arrowprops=dict(
                    arrowstyle='-|>', color=color, lw=1.4, shrinkA=0, shrinkB=0, mutation_scale=9
                ),
                zorder=zorder + 0.05,
            )

    def picture(self, x: float, y: float, image: np.ndarray, color: str, w: float = 0.96) -> None:
        """Show an image around its center, with a frame."""
        h = w * image.shape[0] / image.shape[1]
        extent = (x - w / 2, x + w / 2, y - h / 2, y + h / 2)
        self.axes.imshow(image, extent=extent, interpolation='bilinear', zorder=3, aspect='auto')
        frame = Rectangle(extent[::2], w, h, fill=False, edgecolor=color, linewidth=2, zorder=4)
        self.axes.add_patch(frame)

    def slabs(self, x: float, y: float, color: str, count: int = 3) -> None:
        """Draw the channels of a feature map as slanted slabs, around their center."""
        for i in range(count):
            low = y + (count / 2 - i - 1) * 0.15
            corners = [(-0.22, 0), (0.12, 0), (0.22, 0.11), (-0.12, 0.11)]
            points = [(x + dx, low + dy) for dx, dy in corners]
            self.axes.add_patch(
                Polygon(points, facecolor=color, edgecolor='white', linewidth=0.8, zorder=5 - i / 9)
            )

    def channels(self, x: float, y: float, own: str, last: str, sign: int) -> None:
        """Draw channels as an upright bar: four fifths, and the last fifth on the inner side."""
        w, h = 0.17, 0.6
        for start, part, color in ((0, 0.2, last), (0.2, 0.8, own)):
            low = y + sign * (start - 0.5) * h
            self.axes.add_patch(
                Rectangle(
                    (x - w / 2, low),
                    w,
                    sign * part * h,
                    facecolor=color,
                    edgecolor='white',
                    linewidth=0.8,
                    zorder=3,
                )
            )

    def plus(self, x: float, y: float) -> None:
        """Draw a plus sign."""
        self.axes.add_patch(Circle((x, y), 0.1, facecolor='white', edgecolor=INK, lw=0.9, zorder=3))
        self.axes.plot([x - 0.06, x + 0.06], [y, y], color=INK, lw=1, zorder=4)
        self.axes.plot([x, x], [y - 0.06, y + 0.06], color=INK, lw=1, zorder=4)


def draw_network(c: Canvas, top: float, bottom: float) -> None:
    """Draw the path from the images to the ensemble, one lane per modality."""
    lanes, middle = (top, bottom), (top + bottom) / 2
    color, depth, labels = room()
    predictions = painted(labels, 5), painted(labels, 4)
    captions = bottom - 0.68

    for y, image, name, lane in zip(lanes, (color, depth), ('RGB', 'depth'), LANES, strict=True):
        c.picture(0.62, y, image, lane)
        c.text(0.62, y + 0.5, name, 9, color=lane, weight='bold')
        c.line((1.12, y), (1.5, middle + (y - middle) * 0.3), color=lane)
    for sign, lane in zip((1, -1), LANES, strict=True):
        c.slabs(1.78, middle + sign * 0.225, lane)
        c.line((2.02, middle + sign * 0.2), (2.38, middle + sign * (top - middle)), color=lane)
        c.slabs(2.65, middle + sign * (top - middle), lane)
    c.text(1.78, captions, 'stacked\n(N, M·C, H, W)')
    c.text(2.72, captions, 'folded\n(N·M, C, H, W)')

    height = top - bottom + 0.72
    for i in range(4):
        x = 3.45 + i * 0.72
        for y, lane in zip(lanes, LANES, strict=True):
            c.line((2.9 if i == 0 else x - 0.44, y), (x - 0.25, y), color=lane)
            c.box(x - 0.09, y, 0.15, 0.56, lane)
        c.box(x, middle, 0.5, height, SHARED, zorder=2.2)
        for sign in (1, -1):
            c.line(
                (x + 0.04, middle + sign * 0.18),
                (x + 0.2, middle - sign * 0.18),
                color=FUSION,
                zorder=4,
            )
        c.text(x - 0.1, middle, str(i + 1), 9.5, weight='bold', zorder=5)
    c.text(4.53, top + 0.5, 'shared ResNet, private norms', 9, weight='bold')
    c.text(4.75, captions, 'fusion in the last block\nof each stage')

    x = 6.45
    for y, lane in zip(lanes, LANES, strict=True):
        c.line((5.86, y), (x - 0.3, y), color=lane)
        c.line((x + 0.3, y), (x + 0.56, y), color=lane)
    c.box(x, middle, 0.6, height, SHARED, 'shared\ndecoder')
    c.text(x, captions, 'RefineNet or any\nmmseg head')

    for y, image, lane in zip(lanes, predictions, LANES, strict=True):
        c.picture(7.5, y, image, lane, 0.86)
        c.line((7.94, y), (8.2, y), (8.36, middle + np.sign(y - middle) * 0.13), color=lane)
    c.text(7.5, captions, 'a prediction\nper modality')
    c.plus(8.42, middle)
    c.line((8.52, middle), (8.66, middle))
    c.picture(9.1, middle, painted(labels), INK, 0.9)
    c.text(9.05, captions, 'ensemble, weighted\nby softmax($\\alpha$)')


def draw_block(c: Canvas, top: float, bottom: float) -> None:
    """Draw the fusion around the 3 x 3 convolution of a block."""
    middle, height = (top + bottom) / 2, top - bottom + 0.72
    # per lane: its height, the direction away from the other lane (1 is up), its color
    sides = ((top, 1, RGB), (bottom, -1, DEPTH))

    def layer(x: float, kernel: str) -> None:
        c.box(x, middle, 0.46, height, SHARED, f'conv\n{kernel}')
        for y, _, lane in sides:
            c.line((x + 0.23, y), (x + 0.36, y), color=lane, head=False)
            c.box(x + 0.56, y, 0.4, 0.5, lane, 'norm')

    def shuffle(x: float) -> None:
        for y, sign, lane in sides:
            other = DEPTH if lane == RGB else RGB
            c.channels(x, y, lane, lane, sign)
            c.line((x + 0.13, y), (x + 0.67, y), color=lane)
            c.line(
                (x + 0.13, y - sign * 0.24), (x + 0.67, middle * 2 - y + sign * 0.24), color=lane
            )
            c.channels(x + 0.8, y, lane, other, sign)
            c.text(x + 0.4, y + sign * 0.16, 'shuffle', 8, color=FUSION, weight='bold')

    for y, sign, lane in sides:
        away = y + sign * 0.66
        for start, end in (
            (0.25, 0.5),
            (1.49, 1.67),
            (2.65, 2.83),
            (3.82, 4.55),
            (4.75, 4.97),
            (5.95, 6.13),
            (7.12, 7.38),
            (7.58, 7.85),
        ):
            c.line((start, y), (end, y), color=lane)
        c.plus(4.65, y)
        c.plus(7.48, y)
        # the carry: kept channels, read one pixel away, are added to the other modality
        c.line((1.76, y + sign * 0.31), (1.76, away), (2.68, away), color=lane)
        c.box(3.22, away, 1.08, 0.3, 'white', 'pixel shift', edgecolor=lane, linewidth=1.4)
        c.line((3.76, away), (3.92, away), (4.6, 2 * middle - y + sign * 0.1), color=lane)
        # the input of the block
        skip = away + sign * 0.28
        c.line((0.34, y), (0.34, skip), (7.48, skip), (7.48, y + sign * 0.1), color=lane)
    layer(0.73, '1×1')
    shuffle(1.76)
    layer(3.06, '3×3')
    shuffle(5.06)
    layer(6.36, '1×1')


def draw_key(c: Canvas, x: float, top: float) -> None:
    """Explain the block's colors and operations."""
    c.text(x, top, 'Last block of a stage', 9, weight='bold', ha='left')
    key = ((SHARED, 'shared weights'), (RGB, 'RGB only'), (DEPTH, 'depth only'))
    for i, (shade, text) in enumerate(key):
        y = top - 0.32 - i * 0.26
        c.box(x + 0.12, y, 0.24, 0.17, shade)
        c.text(x + 0.34, y, text, 8, ha='left')
    c.text(x, top - 1.2, 'shuffle', 8, color=FUSION, weight='bold', ha='left')
    c.text(x, top - 1.44, '1/5 of the channels\nis exchanged', 8, ha='left')
    c.text(x, top - 1.77, 'pixel shift', 8, weight='bold', ha='left')
    c.text(
        x,
        top - 2.09,
        'the other 4/5, read one\npixel away, are added to\nthe other modality',
        8,
        ha='left',
    )


def main() -> None:
    """Draw the figure into its file."""
    size = (9.75, 6.0)
    figure = Figure(figsize=size, dpi=185)
    axes = figure.add_axes((0, 0, 1, 1))
    c = Canvas(axes)
    draw_network(c, 5.25, 4.25)
    panel = FancyBboxPatch((0.1, 0.1), 9.55, 3.0, boxstyle='round,pad=0,rounding_size=0.1')
    panel.set(facecolor='#fafbfc', edgecolor='#c9ced6', linewidth=1)
    axes.add_patch(panel)
    draw_block(c, 2.0, 1.2)
    draw_key(c, 8.0, 2.78)
    axes.set(xlim=(0, size[0]), ylim=(0, size[1]), aspect='equal')
    axes.axis('off')
    figure.savefig(OUT)


if __name__ == '__main__':
    main()
