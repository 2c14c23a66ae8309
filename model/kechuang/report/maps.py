"""A schematic map of the places: circles as large as a count, near their true position, no name over another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kechuang.report import canvas, wording
from kechuang.report.canvas import Entry
from kechuang.report.text import Texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ZONE_COLOURS = {"core": "#0b5577", "corridor": "#3f8fb0", "rest": "#aebac4", "county": "#aebac4"}
_HEIGHT, _LEGEND = 5.35, 0.65
_AREA = (3.75, 3.95)
"""Width and height in inches over which the centres are spread before they are moved apart."""
_FILL = 0.16
"""Part of that area which all circles together cover."""
_LINE, _LETTER, _IDEOGRAPH = 0.135, 0.072, 0.125
"""Height of a line, width of a letter and of a Chinese character in inches, as generous as the widest font."""
_ROUNDS, _PULL = 800, 0.02


class Located(Protocol):
    """Anything with a schematic position."""

    @property
    def x(self) -> float: ...  # noqa: D102
    @property
    def y(self) -> float: ...  # noqa: D102


@dataclass(frozen=True)
class Spot:
    """A place on the map: name, zone (core, corridor, rest, county), schematic position, counts at two dates."""

    name: str
    zone: str
    x: float
    y: float
    early: float
    late: float


@dataclass(frozen=True)
class _Mark:
    """A spot as drawn: its circles in inches, its lines of text, and half the room that all of it needs."""

    spot: Spot
    inner: float
    outer: float
    lines: tuple[str, ...]
    half_width: float
    half_height: float

    @property
    def rise(self) -> float:
        """How far the centre of the circles lies above the middle of the room."""
        return self.half_height - max(self.inner, self.outer)


def place_map(spots: Sequence[Spot], dates: tuple[str, str], language: str = "en") -> Figure:
    """Draw one mark per place: the area of the disc is the earlier count, that of the ring the later one."""
    texts = Texts(language)
    marks = _marks(spots)
    rooms = [(mark.half_width, mark.half_height) for mark in marks]
    middles = spread_out(homes(spots, _AREA), rooms)
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, _HEIGHT)
        axes = canvas.add_axes(figure, left=0.0, right=1.0, bottom=_LEGEND / _HEIGHT, top=1.0)
        axes.set_axis_off()
        axes.set_aspect("equal")
        for mark, (x, y) in zip(marks, middles, strict=True):
            _draw(axes, mark, x, y + mark.rise, language)
        frame(axes, rooms, middles, _HEIGHT - _LEGEND)
        entries = [Entry("circle", texts.plain("map.early", date=dates[0]), canvas.INK),
                   Entry("hollow circle", texts.plain("map.late", date=dates[1]), canvas.INK)]
        entries += [Entry("band", texts.plain(f"map.{zone}"), ZONE_COLOURS[zone]) for zone in ("core", "corridor", "rest")]
        canvas.legend_rows(figure, entries, columns=2, left=0.06)
        return figure


def spread_out(homes: Sequence[tuple[float, float]], rooms: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Move boxes (half width, half height) apart until none overlaps, each held by a weak pull to its home."""
    points = [list(home) for home in homes]
    pairs = [(points[first], points[second], rooms[first][0] + rooms[second][0], rooms[first][1] + rooms[second][1])
             for first in range(len(points)) for second in range(first + 1, len(points))]
    for turn in range(_ROUNDS):
        pull = _PULL * (1 - turn / _ROUNDS)
        for point, home in zip(points, homes, strict=True):
            for axis in (0, 1):
                point[axis] += pull * (home[axis] - point[axis])
        for first, second, width, height in pairs:
            if abs(second[0] - first[0]) < width and abs(second[1] - first[1]) < height:
                _part(first, second, (width, height))
    return [(point[0], point[1]) for point in points]


def _part(first: list[float], second: list[float], apart: tuple[float, float]) -> None:
    """Move two overlapping boxes away from each other along the axis that needs the shorter way."""
    overlaps = [apart[axis] - abs(second[axis] - first[axis]) for axis in (0, 1)]
    axis = 0 if overlaps[0] < overlaps[1] else 1
    step = 0.5 * overlaps[axis] * (1 if second[axis] >= first[axis] else -1)
    first[axis] -= step
    second[axis] += step


def _marks(spots: Sequence[Spot]) -> list[_Mark]:
    total = sum(max(spot.early, spot.late, 0.0) for spot in spots)
    unit = math.sqrt(_FILL * _AREA[0] * _AREA[1] / math.pi / total) if total > 0 else 0.0
    marks = []
    for spot in spots:
        inner, outer = unit * math.sqrt(max(spot.early, 0.0)), unit * math.sqrt(max(spot.late, 0.0))
        lines = name_lines(spot.name)
        wide = max(text_width(line) for line in lines)
        room = max(inner, outer)
        marks.append(_Mark(spot, inner, outer, lines, max(room, wide / 2) + 0.03,
                           room + _LINE * (len(lines) + 1) / 2 + 0.06))
    return marks


def text_width(line: str) -> float:
    """Return a generous estimate of the width of a line of small text in inches."""
    return sum(_IDEOGRAPH if ord(letter) > 0x2E80 else _LETTER for letter in line)


def name_lines(name: str) -> tuple[str, ...]:
    """Break a long name in two: at the space nearest to the middle, or a Chinese one after its first half."""
    spaces = [position for position, letter in enumerate(name) if letter == " "]
    if len(name) > 12 and spaces:
        cut = min(spaces, key=lambda position: abs(position - len(name) / 2))
        return name[:cut], name[cut + 1:]
    if ord(name[0]) > 0x2E80 and len(name) > 5:
        cut = len(name) // 2
        return name[:cut], name[cut:]
    return (name,)


def homes(spots: Sequence[Located], area: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the positions stretched to an area of that width and height, in inches."""
    scaled = []
    for values, length in (([spot.x for spot in spots], area[0]), ([spot.y for spot in spots], area[1])):
        low, span = min(values), (max(values) - min(values)) or 1.0
        scaled.append([(value - low) / span * length for value in values])
    return list(zip(scaled[0], scaled[1], strict=True))


def _draw(axes: Axes, mark: _Mark, x: float, y: float, language: str) -> None:
    from matplotlib.patches import Circle

    colour = ZONE_COLOURS[mark.spot.zone]
    axes.add_patch(Circle((x, y), mark.outer, facecolor=colour, alpha=0.35, linewidth=0))
    axes.add_patch(Circle((x, y), mark.outer, facecolor="none", edgecolor=colour, linewidth=1.3))
    axes.add_patch(Circle((x, y), mark.inner, facecolor=colour, linewidth=0))
    top = y - max(mark.inner, mark.outer) - 0.03
    for row, line in enumerate(mark.lines):
        axes.text(x, top - _LINE * row, line, fontsize=8.5, fontweight="bold", ha="center", va="top")
    axes.text(x, top - _LINE * len(mark.lines), wording.rounded(mark.spot.late, 0, language), fontsize=8.5,
              color=canvas.MUTED, ha="center", va="top")


def frame(axes: Axes, rooms: Sequence[tuple[float, float]], middles: Sequence[tuple[float, float]], height: float) -> None:
    """Centre boxes (half width, half height) on a map, one inch of it as long as one of the figure if there is room."""
    for axis, length, limits in ((0, canvas.WIDTH, axes.set_xlim), (1, height, axes.set_ylim)):
        low = min(middle[axis] - room[axis] for middle, room in zip(middles, rooms, strict=True))
        high = max(middle[axis] + room[axis] for middle, room in zip(middles, rooms, strict=True))
        spare = max(0.0, length - (high - low)) / 2
        limits(low - spare, high + spare)
