"""What all figures share: colours that colour-blind readers can tell apart, fixed margins, axes of numbers, legends.

Nothing here depends on how wide a text comes out: legends stand in columns of equal width and margins are fixed,
because the font that a reader has is not the font that laid the figure out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from kechuang.report import fonts, wording
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH = 4.8
"""Width of every figure in inches: two stand side by side on A4, one on a phone, the text legible on both."""
_ROW = 0.19
"""Height of a row of a legend in inches."""
INK, MUTED, RULE = "#1b2733", "#56626d", "#d5dbe1"
ACCENT, BAND_OUTER, BAND_INNER = "#0b5577", "#cfe2ea", "#93bfd1"
TARGET = "#9b1d63"
CLOSURE_COLOURS = {"A": "#0072b2", "B": "#b8490a", "C": "#00785c"}
CLOSURE_LINES: dict[str, Any] = {"A": (0, (5, 1.5)), "B": (0, (3, 1, 1, 1)), "C": (0, (1, 1))}


@dataclass(frozen=True)
class Entry:
    """One entry of a legend: a band, a line, a wedge or a mark (by name or by its letter), and what it means."""

    kind: str
    label: str
    colour: str
    dashes: Any = "-"


@contextmanager
def drawing() -> Iterator[None]:
    """Draw with the look of the report."""
    with fonts.style():
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that many inches that notebooks show as SVG, without pyplot's global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = _picture_class()(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


@cache
def _picture_class() -> type[Figure]:
    """Return the class of figures, made once: matplotlib reads through all its properties for every class of artists."""
    from matplotlib.figure import Figure

    class Picture(Figure):
        def _repr_svg_(self) -> str:
            return fonts.svg(self, "figure")

    return Picture


def add_axes(figure: Figure, left: float, right: float, bottom: float, top: float, share: Axes | None = None) -> Axes:
    """Add axes by their four edges, in parts of the figure."""
    axes: Axes = figure.add_axes((left, bottom, right - left, top - bottom), sharey=share)
    axes.tick_params(length=3)
    return axes


def number_axis(axis: Axis, key: str, language: str, ticks: int) -> None:
    """Label an axis with the numbers of an indicator, as few as can be read."""
    plain_axis(axis, language, ticks, whole=INDICATORS[key].decimals == 0)


def plain_axis(axis: Axis, language: str, ticks: int, whole: bool = True) -> None:
    """Label an axis with plain numbers."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(ticks, integer=whole))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value, language)))


def decade_axis(axis: Axis, language: str) -> None:
    """Label an axis of logarithms with 1, 10, 100, ... written out."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(numticks=9))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: wording.number(value, 0, language)))


def _tick(value: float, language: str) -> str:
    digits = 0 if abs(value - round(value)) < 1e-9 else 1 if abs(value * 10 - round(value * 10)) < 1e-9 else 2
    return wording.number(value, digits, language)


def legend_height(entries: int, columns: int) -> float:
    """Return the inches that a legend needs below the axes."""
    return 0.05 + _ROW * -(-entries // columns)


def legend_rows(figure: Figure, entries: Sequence[Entry], columns: int, left: float = 0.03) -> None:
    """Write a legend along the lower edge of a figure in columns of equal width."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left, 0.0, 1 - left, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0, columns)
    axes.set_ylim(0, height)
    rows = -(-len(entries) // columns)
    swatch = 0.26 * columns / (width * (1 - left))
    for place, entry in enumerate(entries):
        column, row = place % columns, place // columns
        y = 0.1 + _ROW * (rows - 1 - row)
        _draw_swatch(axes, entry, column, y, swatch)
        axes.text(column + 1.3 * swatch, y, entry.label, va="center", fontsize=9, color="#3d4852")


def _draw_swatch(axes: Axes, entry: Entry, x: float, y: float, width: float) -> None:
    if entry.kind == "band":
        axes.fill_between([x, x + width], y - 0.055, y + 0.055, color=entry.colour, linewidth=0)
    elif entry.kind == "line":
        axes.plot([x, x + width], [y, y], color=entry.colour, linestyle=entry.dashes, linewidth=1.9,
                  solid_capstyle="butt")
    elif entry.kind == "wedge":
        axes.fill([x, x + width, x + width], [y, y + 0.055, y - 0.055], color=entry.colour, linewidth=0)
    else:
        shape = entry.kind if len(entry.kind) == 1 else "o" if "circle" in entry.kind else "D"
        axes.plot([x + width / 2], [y], shape, color=entry.colour, markersize=5.5, markeredgewidth=1.3,
                  markerfacecolor="white" if "hollow" in entry.kind else entry.colour)
