"""The bank network on the schematic map: banks and loans by place, and where the firms of a place have their main bank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kechuang.report import canvas, wording
from kechuang.report.canvas import Entry
from kechuang.report.maps import frame, homes, name_lines, spread_out, text_width
from kechuang.report.text import Texts

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

STRONGEST = 20
"""Links drawn: a city of 13 places has 156, and most carry next to nothing."""
DISC, LINK = "#b9d3df", "#e08a00"
MARKS = {"science": ("^", "#9b1d63"), "local": ("D", "#0b5577"), "other": ("s", "#56626d")}
"""Shape and colour of each kind of bank."""
_HEIGHT, _LEGEND = 5.75, 0.65
_AREA = (3.85, 4.1)
_LARGEST, _SMALLEST, _WIDEST = 0.36, 0.03, 0.17
"""Radius of the disc of the most loans, of the smallest one, and width of the strongest link, in inches."""
_LINE, _STEP = 0.135, 0.3
"""Height of a line of text, and the room of one mark with its number."""
_BOW = 0.12
"""How far a link bends to its right, as a part of its length: the two directions of a pair stay apart."""
_POINTS = 24


@dataclass(frozen=True)
class Seat:
    """A place on the map: name, schematic position, loans of the banks there (亿元), open banks by kind.

    `most` is what its loans come to on any map that shows it: the place keeps room for that and stays where it is.
    """

    name: str
    x: float
    y: float
    loans: float
    banks: tuple[int, int, int]
    most: float


@dataclass(frozen=True)
class Link:
    """A share of all firms on the ladder that stand in one place and have their main bank in another one."""

    home: int
    seat: int
    share: float


def strongest(shares: NDArray[np.float64], number: int = STRONGEST) -> list[Link]:
    """Return the strongest links between different places, the strongest first; equal ones in the order of places."""
    links = [
        Link(home, seat, float(shares[home, seat]))
        for home in range(len(shares))
        for seat in range(len(shares))
        if home != seat and shares[home, seat] > 0.0
    ]
    return sorted(links, key=lambda link: -link.share)[:number]


def bank_map(seats: Sequence[Seat], links: Sequence[Link], language: str = "en", most_share: float = 0.0) -> Figure:
    """Draw places with their banks and the links of firms; two maps with the same largest share have the same scale."""
    texts = Texts(language)
    unit = _LARGEST / math.sqrt(max(seat.most for seat in seats) or 1.0)
    nodes = [_Node.of(seat, unit, language) for seat in seats]
    rooms = [(node.half_width, node.half_height) for node in nodes]
    middles = spread_out(homes(seats, _AREA), rooms)
    centres = [(x, y + node.rise) for node, (x, y) in zip(nodes, middles, strict=True)]
    most = max([most_share, *(link.share for link in links)]) or 1.0
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, _HEIGHT)
        axes = canvas.add_axes(figure, left=0.0, right=1.0, bottom=_LEGEND / _HEIGHT, top=1.0)
        axes.set_axis_off()
        axes.set_aspect("equal")
        for node, centre in zip(nodes, centres, strict=True):
            _draw_disc(axes, node, centre)
        for link in reversed(links):
            _draw_link(axes, centres[link.home], centres[link.seat], _WIDEST * link.share / most)
        for node, centre in zip(nodes, centres, strict=True):
            _draw_label(axes, node, centre)
        frame(axes, rooms, middles, _HEIGHT - _LEGEND)
        entries = [Entry(shape, texts.plain(f"banks.{kind}"), colour) for kind, (shape, colour) in MARKS.items()]
        entries += [Entry("circle", texts.plain("banks.disc"), DISC), Entry("wedge", texts.plain("banks.link"), LINK)]
        canvas.legend_rows(figure, entries, columns=2, left=0.03)
        return figure


@dataclass(frozen=True)
class _Node:
    """A seat as drawn: radius of its disc and of its largest one, its lines, and half the room that all need, in inches."""

    seat: Seat
    radius: float
    lines: tuple[str, ...]
    amount: str
    wide: float
    half_width: float
    half_height: float
    room: float

    @classmethod
    def of(cls, seat: Seat, unit: float, language: str) -> _Node:
        radius, room = (max(_SMALLEST, unit * math.sqrt(max(loans, 0.0))) for loans in (seat.loans, seat.most))
        lines = name_lines(seat.name)
        kinds = sum(count > 0 for count in seat.banks)
        # Three digits above 1 亿元, tenths of it below.
        loans = float(f"{seat.loans:.3g}") if seat.loans >= 1.0 else round(seat.loans, 1)
        amount = wording.sales(10_000 * loans, language) if loans > 0.0 else "0"
        wide = max(*(text_width(line) for line in lines), _STEP * kinds, text_width(amount))
        rows = len(lines) + 2
        return cls(seat, radius, lines, amount, wide, max(room, wide / 2) + 0.04, room + _LINE * rows / 2 + 0.07, room)

    @property
    def rise(self) -> float:
        """How far the centre of the disc lies above the middle of the room."""
        return self.half_height - self.room


def _draw_disc(axes: Axes, node: _Node, centre: tuple[float, float]) -> None:
    from matplotlib.patches import Circle

    axes.add_patch(Circle(centre, node.radius, facecolor=DISC, edgecolor="#6f9fb5", linewidth=1.0))


def _draw_link(axes: Axes, start: tuple[float, float], end: tuple[float, float], width: float) -> None:
    """Draw a bent link that widens from the firms to the bank."""
    import numpy as np
    from matplotlib.patches import Polygon

    first, last = np.array(start), np.array(end)
    aside = np.array([last[1] - first[1], first[0] - last[0]])
    along = np.linspace(0.0, 1.0, _POINTS)[:, None]
    middle = 0.5 * (first + last) + 2.0 * _BOW * aside
    path = (1 - along) ** 2 * first + 2 * along * (1 - along) * middle + along**2 * last
    slope = np.gradient(path, axis=0)
    normal = np.column_stack([-slope[:, 1], slope[:, 0]]) / np.linalg.norm(slope, axis=1)[:, None]
    half = 0.5 * width * (0.15 + 0.85 * along)
    outline = np.vstack([path + half * normal, (path - half * normal)[::-1]])
    axes.add_patch(Polygon(outline, closed=True, facecolor=LINK, alpha=0.55, linewidth=0))


def _draw_label(axes: Axes, node: _Node, centre: tuple[float, float]) -> None:
    """Write name, banks by kind and loans below the disc, on a ground that keeps links from the letters."""
    from matplotlib.patches import Rectangle

    x, top = centre[0], centre[1] - node.radius - 0.03
    height = _LINE * (len(node.lines) + 2)
    axes.add_patch(
        Rectangle(
            (x - node.wide / 2 - 0.02, top - height),
            node.wide + 0.04,
            height + 0.01,
            facecolor="white",
            alpha=0.8,
            linewidth=0,
        )
    )
    for row, line in enumerate(node.lines):
        axes.text(x, top - _LINE * row, line, fontsize=8.5, fontweight="bold", ha="center", va="top")
    shown = [(look, count) for look, count in zip(MARKS.values(), node.seat.banks, strict=True) if count > 0]
    y = top - _LINE * (len(node.lines) + 0.5)
    for place, ((shape, colour), count) in enumerate(shown):
        left = x + _STEP * (place - len(shown) / 2) + 0.04
        axes.plot([left + 0.05], [y], shape, color=colour, markersize=5.5, markeredgewidth=0)
        axes.text(left + 0.12, y, str(count), fontsize=8.5, va="center_baseline")
    axes.text(
        x, top - _LINE * (len(node.lines) + 1), node.amount, fontsize=8.5, color=canvas.MUTED, ha="center", va="top"
    )
