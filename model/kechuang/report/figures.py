"""Figures by quarter, for reports and notebooks: fan charts, the three closures side by side, ranges at a date.

Every function takes the indicators of a run as a frame (draw, closure, quarter, one column per indicator) and
returns a matplotlib figure. Ticks of years stand at year-ends: a stock of 2020Q4 lies on the tick 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kechuang.clock import START_YEAR, quarter_index
from kechuang.report import canvas, wording
from kechuang.report.canvas import CLOSURE_COLOURS, CLOSURE_LINES, Entry
from kechuang.report.summary import LEVELS, at, bands, closures_in, overlap
from kechuang.report.text import Texts
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LAST_REPORTED = "2020Q4"
"""The last quarter from which figures are used; later quarters are projection."""


@dataclass(frozen=True)
class Reported:
    """A figure that somebody published, to be drawn into a chart; `role` is 'fit' or 'check'."""

    id: str
    quarter: str
    value: float
    role: str


@dataclass(frozen=True)
class Threshold:
    """A target value at a date, to be drawn into a chart."""

    quarter: str
    value: float


def position(label: str) -> float:
    """Return where the end of a quarter lies on the axis of years (2020Q4 is 2020.0)."""
    return START_YEAR - 1 + quarter_index(label) / 4


def fan_chart(frame: pd.DataFrame, key: str, language: str = "en", reported: Sequence[Reported] = (),
              targets: Sequence[Threshold] = (), title: bool = True) -> Figure:
    """Draw 5-95 % and 25-75 % bands and the median over all draws, the medians of the closures and the figures."""
    texts = Texts(language)
    closures = closures_in(frame)
    entries = _fan_entries(closures, reported, targets, texts)
    below, above = canvas.legend_height(len(entries), columns=3), 0.6 if title else 0.3
    height = 2.35 + below + above
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, height)
        axes = canvas.add_axes(figure, left=0.125, right=0.885, bottom=(0.27 + below) / height, top=1 - above / height)
        table = bands(frame, key)
        _draw_fan(axes, table)
        for closure in closures:
            own = bands(frame, key, closure)
            axes.plot(_years(own), own[0.5], color=CLOSURE_COLOURS[closure], linestyle=CLOSURE_LINES[closure],
                      linewidth=1.2)
        _draw_reported(axes, reported)
        for target in targets:
            x = position(target.quarter)
            axes.plot([x - 1.1, x + 1.1], [target.value, target.value], color=canvas.TARGET, linewidth=2.4,
                      solid_capstyle="butt", zorder=4)
        _finish_time_axis(axes, table.index[-1], key, language)
        _mark_today(axes, table.index[-1], texts)
        _label_ends(axes, table, key, language)
        unit = wording.chart_unit(INDICATORS[key], language)
        figure.text(0.02, 1 - (above - 0.12) / height, unit, va="center", color=canvas.MUTED, fontsize=9)
        canvas.legend_rows(figure, entries, columns=3)
        if title:
            figure.text(0.02, 1 - 0.1 / height, INDICATORS[key].label(language), va="top", fontsize=12, fontweight="bold")
        return figure


def closure_panels(frame: pd.DataFrame, key: str, language: str = "en",
                   reported: Sequence[Reported] = ()) -> Figure:
    """Draw one fan per closure beside each other, on one scale."""
    texts = Texts(language)
    closures = closures_in(frame)
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, 2.65)
        last = bands(frame, key).index[-1]
        width = 0.86 / len(closures)
        drawn: list[Axes] = []
        for place, closure in enumerate(closures):
            left = 0.125 + place * width
            axes = canvas.add_axes(figure, left=left, right=left + width - 0.03, bottom=0.1, top=0.885,
                                   share=drawn[0] if drawn else None)
            _draw_fan(axes, bands(frame, key, closure), CLOSURE_COLOURS[closure])
            _draw_reported(axes, reported)
            axes.set_title(texts.plain(f"closure.{closure}.short"), loc="left", pad=6, fontsize=10)
            axes.tick_params(labelleft=place == 0)
            drawn.append(axes)
        for axes in drawn:
            _finish_time_axis(axes, last, key, language, years=(2020, 2035))
        return figure


def range_chart(frame: pd.DataFrame, key: str, language: str = "en",
                quarters: Sequence[str] = ("2026Q4", "2035Q4")) -> Figure:
    """Draw the 5-95 % range of each closure and of all draws at some dates, with what the closures share."""
    texts = Texts(language)
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, 1.85)
        closures = closures_in(frame)
        rows = [*closures, ""]
        width = 0.86 / len(quarters)
        for place, quarter in enumerate(quarters):
            left = 0.12 + place * width
            axes = canvas.add_axes(figure, left=left, right=left + width - 0.04, bottom=0.17, top=0.83)
            _draw_ranges(axes, frame, key, quarter, rows)
            axes.set_title(wording.quarter(quarter, language), loc="left", fontsize=10, pad=5)
            axes.set_yticks(range(len(rows)), [*closures, texts.plain("chart.all")] if place == 0 else [""] * len(rows))
            axes.set_ylim(len(rows) - 0.45, -0.55)
            axes.tick_params(axis="y", length=0)
            canvas.number_axis(axes.xaxis, key, language, ticks=3)
            axes.grid(axis="x")
        return figure


def _years(table: pd.DataFrame) -> list[float]:
    return [START_YEAR - 1 + quarter / 4 for quarter in table.index]


def _draw_fan(axes: Axes, table: pd.DataFrame, colour: str = "") -> None:
    years = _years(table)
    outer, inner = (colour, colour) if colour else (canvas.BAND_OUTER, canvas.BAND_INNER)
    solid: dict[str, Any] = {"linewidth": 0}
    axes.fill_between(years, table[LEVELS[0]], table[LEVELS[4]], color=outer, alpha=0.2 if colour else 1, **solid)
    axes.fill_between(years, table[LEVELS[1]], table[LEVELS[3]], color=inner, alpha=0.35 if colour else 1, **solid)
    axes.plot(years, table[LEVELS[2]], color=colour or canvas.ACCENT, linewidth=1.9)


def _fan_entries(closures: Sequence[str], reported: Sequence[Reported], targets: Sequence[Threshold],
                 texts: Texts) -> list[Entry]:
    entries = [Entry("band", texts.plain("chart.band90"), canvas.BAND_OUTER),
               Entry("band", texts.plain("chart.band50"), canvas.BAND_INNER),
               Entry("line", texts.plain("chart.median"), canvas.ACCENT)]
    entries += [Entry("line", texts.plain("chart.closure_median", closure=closure), CLOSURE_COLOURS[closure],
                      CLOSURE_LINES[closure]) for closure in closures]
    roles = {figure.role for figure in reported}
    entries += [Entry(kind, texts.plain(f"chart.reported_{role}"), canvas.INK)
                for role, kind in (("fit", "filled"), ("check", "hollow")) if role in roles]
    return entries + [Entry("line", texts.plain("chart.target"), canvas.TARGET)] * bool(targets)


def _draw_reported(axes: Axes, reported: Sequence[Reported]) -> None:
    """Figures that the model was fitted to are filled, those it never saw are hollow."""
    for figure in reported:
        axes.plot([position(figure.quarter)], [figure.value], "D", color=canvas.INK, markersize=5.5, zorder=5,
                  markerfacecolor=canvas.INK if figure.role == "fit" else "white", markeredgewidth=1.3)


def _finish_time_axis(axes: Axes, last: int, key: str, language: str,
                      years: Sequence[int] = (2015, 2020, 2026, 2030, 2035)) -> None:
    end = START_YEAR - 1 + last / 4
    axes.set_xlim(START_YEAR - 1.25, end + 0.15)
    axes.set_xticks([year for year in years if year <= end + 0.1])
    if INDICATORS[key].kind != "index":
        axes.set_ylim(bottom=0)
    canvas.number_axis(axes.yaxis, key, language, ticks=5)
    axes.grid(axis="y")


def _mark_today(axes: Axes, last: int, texts: Texts) -> None:
    """A hairline where the reported figures end and the projection begins."""
    if last <= quarter_index(LAST_REPORTED):
        return
    axes.axvline(position(LAST_REPORTED), color=canvas.MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.annotate(texts.plain("chart.projection"), (position(LAST_REPORTED) + 0.2, 1.045), color=canvas.MUTED,
                  xycoords=("data", "axes fraction"), fontsize=9)


def _label_ends(axes: Axes, table: pd.DataFrame, key: str, language: str) -> None:
    """Write the 5, 50 and 95 % of the last quarter at the right edge, apart from each other."""
    decimals = INDICATORS[key].decimals
    low, high = axes.get_ylim()
    gap = 0.07 * (high - low)
    values = [float(table.iloc[-1][level]) for level in (LEVELS[0], LEVELS[2], LEVELS[4])]
    heights = [min(values[0], values[1] - gap), values[1], max(values[2], values[1] + gap)]
    for value, height, middle in zip(values, heights, (False, True, False), strict=True):
        axes.annotate(wording.rounded(value, decimals, language), (1.015, height), va="center", fontsize=9,
                      xycoords=("axes fraction", "data"), color=canvas.ACCENT if middle else canvas.MUTED,
                      fontweight="bold" if middle else "normal", annotation_clip=False)


def _draw_ranges(axes: Axes, frame: pd.DataFrame, key: str, quarter: str, rows: Sequence[str]) -> None:
    spreads = [at(frame, key, quarter, closure) for closure in rows]
    shared = overlap(spreads[:-1])
    if shared.exists and len(spreads) > 2:
        axes.axvspan(shared.low, shared.high, color="#e9edf0", linewidth=0)
    for row, (closure, item) in enumerate(zip(rows, spreads, strict=True)):
        colour = CLOSURE_COLOURS.get(closure, canvas.INK)
        axes.plot([item.q05, item.q95], [row, row], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot([item.q25, item.q75], [row, row], color=colour, linewidth=6, solid_capstyle="butt")
        axes.plot([item.q50], [row], "o", color="white", markeredgecolor=colour, markersize=5.5, markeredgewidth=1.5)
