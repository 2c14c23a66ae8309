"""Figures that are not fans: the ladder by year, firm sizes, costs by year, industries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kechuang.report import canvas, wording
from kechuang.report.canvas import CLOSURE_COLOURS, CLOSURE_LINES, Entry
from kechuang.report.summary import LEVELS, by_year, closures_in, grouped_quantiles, spread, yearly_bands
from kechuang.report.text import Texts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kechuang.report.snapshots import Histograms

NEW, RENEWED, LAPSED = "#0b5577", "#93bfd1", "#b8490a"
_NO_LIMIT = 1e8
"""Yearly sales in 万元 that no firm has: an edge above it stands for no limit."""
EARLY, LATE = "#8a949e", "#0b5577"


def ladder_flows(frame: pd.DataFrame, language: str = "en") -> Figure:
    """Draw certificates by year, medians over draws: new and renewed above the line, lapsed below it."""
    texts = Texts(language)
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, 2.95)
        axes = canvas.add_axes(figure, left=0.125, right=0.98, bottom=0.165, top=0.9)
        new, renewed, lapsed = (yearly_bands(frame, f"certificates_{name}") for name in ("new", "renewed", "lapsed"))
        years = list(new.index)
        axes.bar(years, new[0.5], width=0.72, color=NEW)
        axes.bar(years, renewed[0.5], width=0.72, bottom=new[0.5], color=RENEWED)
        axes.bar(years, -lapsed[0.5], width=0.72, color=LAPSED, hatch="////", edgecolor="white", linewidth=0)
        axes.axhline(0, color=canvas.INK, linewidth=0.8)
        _year_axis(axes, years)
        canvas.number_axis(axes.yaxis, "certificates_new", language, ticks=6)
        axes.grid(axis="y")
        _unit(axes, texts.plain("chart.firms_a_year"))
        canvas.legend_rows(figure, [Entry("band", texts.plain(f"chart.certificates_{name}"), colour) for name, colour
                                    in (("new", NEW), ("renewed", RENEWED), ("lapsed", LAPSED))], columns=3)
        return figure


def certification_rate(frame: pd.DataFrame, language: str = "en", last_year: int = 2035) -> Figure:
    """Draw new certificates of a year per 100 technology SMEs at the end of the year before, medians by closure."""
    texts = Texts(language)
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, 2.95)
        axes = canvas.add_axes(figure, left=0.125, right=0.98, bottom=0.165, top=0.9)
        entries = []
        for closure in closures_in(frame):
            rates = _rates(frame[frame["closure"] == closure], last_year)
            colour, dashes = CLOSURE_COLOURS[closure], CLOSURE_LINES[closure]
            axes.fill_between(rates.index, rates[LEVELS[0]], rates[LEVELS[4]], color=colour, alpha=0.13, linewidth=0)
            axes.plot(rates.index, rates[LEVELS[2]], color=colour, linestyle=dashes, linewidth=1.8)
            entries.append(Entry("line", texts.plain("chart.closure_median", closure=closure), colour, dashes))
            _year_axis(axes, list(rates.index))
        axes.set_ylim(bottom=0)
        canvas.plain_axis(axes.yaxis, language, ticks=5, whole=False)
        axes.grid(axis="y")
        _unit(axes, texts.plain("chart.per_hundred"))
        canvas.legend_rows(figure, entries, columns=3)
        return figure


def firm_sizes(histograms: Histograms, language: str = "en") -> Figure:
    """Draw how many firms have which yearly sales at the first and last date, counts by powers of ten."""
    texts = Texts(language)
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, 3.05)
        axes = canvas.add_axes(figure, left=0.125, right=0.97, bottom=0.24, top=0.9)
        axes.set_yscale("log")
        entries = []
        edges = range(len(histograms.size_edges))
        for date, colour, dashes in ((histograms.dates[0], EARLY, (0, (4, 1.5))), (histograms.dates[-1], LATE, "-")):
            middle, low, high = _histogram_bands(histograms.sizes(date))
            axes.stairs(high, edges, baseline=low, fill=True, color=colour, alpha=0.18)
            axes.stairs(middle, edges, color=colour, linewidth=1.9, linestyle=dashes, baseline=None)
            entries.append(Entry("line", wording.quarter(date, language), colour, dashes))
        axes.set_ylim(bottom=0.7)
        shown = [place for place in range(1, len(edges) - 1) if place % 2 == 0]
        axes.set_xticks(shown, [wording.sales(histograms.size_edges[place], language) for place in shown])
        axes.set_xlim(0, len(edges) - 1)
        canvas.decade_axis(axes.yaxis, language)
        axes.grid(axis="y")
        _unit(axes, texts.plain("chart.firms"))
        axes.text(0.5, -0.175, texts.plain("chart.yearly_sales"), transform=axes.transAxes, ha="center",
                  color=canvas.MUTED, fontsize=9)
        canvas.legend_rows(figure, entries, columns=2, left=0.125)
        return figure


def bunching(histograms: Histograms, notches: Sequence[float], language: str = "en") -> Figure:
    """Draw certified firms by R&D over sales at the first date, reported and real, with the threshold of each class."""
    import numpy as np

    texts = Texts(language)
    percent = 100 * np.asarray(histograms.intensity_edges)
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, 2.9)
        for place, (notch, bounds) in enumerate(zip(notches, histograms.classes, strict=True)):
            left = 0.105 + place * 0.3
            axes = canvas.add_axes(figure, left=left, right=left + 0.24, bottom=0.26, top=0.84)
            for kind, colour in (("reported", canvas.BAND_INNER), ("real", canvas.INK)):
                counts = np.median(histograms.intensity(kind, place, histograms.dates[0]), axis=0)
                axes.stairs(counts, percent, color=colour, fill=kind == "reported", linewidth=1.3)
            axes.axvline(100 * notch, color=canvas.TARGET, linewidth=1.2, linestyle=(0, (3, 1.5)))
            axes.set_xlim(0, 10)
            axes.set_xticks([0, 5, 10], ["0", "5", "10 %"])
            canvas.plain_axis(axes.yaxis, language, ticks=4)
            axes.set_title(_class_name(bounds, texts), loc="left", fontsize=9, pad=6)
        canvas.legend_rows(figure, [
            Entry("band", texts.plain("chart.intensity_reported"), canvas.BAND_INNER),
            Entry("line", texts.plain("chart.intensity_real"), canvas.INK),
            Entry("line", texts.plain("chart.notch"), canvas.TARGET, (0, (3, 1.5)))], columns=3)
        return figure


def _class_name(bounds: tuple[float, float], texts: Texts) -> str:
    low, high = (wording.sales(bound, texts.language) for bound in bounds)
    if bounds[0] <= 0:
        return texts.plain("sizes.below", high=high)
    return texts.plain("sizes.above", low=low) if bounds[1] >= _NO_LIMIT else f"{low}–{high}"


def cost_by_year(costs: pd.DataFrame, language: str = "en") -> Figure:
    """Draw the yearly cash cost and the city's tax not collected, all levers together: medians and 5-95 %."""
    texts = Texts(language)
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, 2.75)
        axes = canvas.add_axes(figure, left=0.125, right=0.98, bottom=0.175, top=0.89)
        totals = costs.groupby(["draw", "quarter"], as_index=False)[["cash", "forgone_local"]].sum()
        entries = []
        for kind, colour, dashes in (("cash", canvas.ACCENT, "-"), ("forgone_local", "#b8490a", (0, (4, 1.5)))):
            table = yearly_bands(totals, kind)
            axes.fill_between(table.index, table[LEVELS[0]], table[LEVELS[4]], color=colour, alpha=0.16, linewidth=0)
            axes.plot(table.index, table[LEVELS[2]], color=colour, linestyle=dashes, linewidth=1.9)
            entries.append(Entry("line", texts.plain(f"cost.{kind}.short"), colour, dashes))
            _year_axis(axes, list(table.index))
        axes.set_ylim(bottom=0)
        canvas.plain_axis(axes.yaxis, language, ticks=5, whole=False)
        axes.grid(axis="y")
        _unit(axes, texts.plain("chart.yi_a_year"))
        canvas.legend_rows(figure, entries, columns=2)
        return figure


def industry_chart(early: pd.DataFrame, late: pd.DataFrame, names: Mapping[str, str], labels: Sequence[str],
                   language: str = "en") -> Figure:
    """Draw one row per industry: the count at two dates (one row per draw, one column per industry)."""
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, 4.3)
        axes = canvas.add_axes(figure, left=0.03, right=0.97, bottom=0.13, top=0.99)
        for row, key in enumerate(names):
            first, last = spread(early[key]), spread(late[key])
            axes.text(0, row - 0.3, names[key], fontsize=9.5)
            axes.plot([first.q50, last.q50], [row, row], color=canvas.RULE, linewidth=1.2, zorder=1)
            axes.plot([last.q05, last.q95], [row, row], color=LATE, linewidth=5, alpha=0.28, solid_capstyle="butt")
            axes.plot([first.q50], [row], "o", color=EARLY, markerfacecolor="white", markersize=6.5, markeredgewidth=1.6)
            axes.plot([last.q50], [row], "o", color=LATE, markersize=7)
        axes.set_yticks([])
        axes.set_ylim(len(names) - 0.6, -0.75)
        axes.set_xlim(left=0)
        axes.spines["left"].set_visible(False)
        canvas.plain_axis(axes.xaxis, language, ticks=5)
        axes.grid(axis="x")
        entries = [Entry("hollow circle", labels[0], EARLY), Entry("circle", labels[1], LATE)]
        canvas.legend_rows(figure, entries, columns=2)
        return figure


def _rates(frame: pd.DataFrame, last_year: int) -> pd.DataFrame:
    """Return bands by year of 100 x new certificates of a year / technology SMEs at the end of the year before."""
    flows = by_year(frame, "certificates_new").set_index(["draw", "year"])["certificates_new"]
    ends = frame[frame["quarter"].str.endswith("Q4")]
    stocks = ends.assign(year=ends["quarter"].str[:4].astype(int) + 1).set_index(["draw", "year"])["tech_sme_firms"]
    rates = (100 * flows / stocks.where(stocks > 0)).dropna()
    rates.index = rates.index.get_level_values("year")
    return grouped_quantiles(rates[rates.index <= last_year])


def _histogram_bands(counts: Any) -> tuple[Any, Any, Any]:
    """Return median, 5 and 95 % by bin of an array [draws, bins]; empty bins stand below the axis of logs."""
    import numpy as np

    low, middle, high = np.quantile(counts, (0.05, 0.5, 0.95), axis=0)
    return tuple(np.maximum(part, 0.5) for part in (middle, low, high))


def _year_axis(axes: Axes, years: Sequence[int]) -> None:
    axes.set_xticks([year for year in (2016, 2020, 2026, 2030, 2035) if years[0] <= year <= years[-1]])


def _unit(axes: Axes, text: str) -> None:
    axes.text(-0.1, 1.05, text, transform=axes.transAxes, color=canvas.MUTED, fontsize=9)
