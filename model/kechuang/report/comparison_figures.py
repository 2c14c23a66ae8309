"""Figures of a comparison: the difference over time, and the shares of levers and channels in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kechuang.report import canvas
from kechuang.report.canvas import Entry
from kechuang.report.figures import position
from kechuang.report.text import Texts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COLOURS = ("#0b5577", "#b8490a", "#00785c", "#7a3b8f", "#6b5b00")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (3, 1, 1, 1)), (0, (6, 1, 1, 1)))
"""Scenarios against the base, in their order; a sixth begins again. Colour-blind readers have the dashes."""
CHANNEL_COLOURS = {"firms": "#0b5577", "people": "#b8490a", "money": "#00785c", "knowledge": "#7a3b8f", "apart": "#8a949e"}
_ROW, _NAME = 0.46, 9.2


@dataclass(frozen=True)
class Share:
    """One bar: what a setting or channel adds to the difference, with the 95 % interval."""

    name: str
    channel: str
    mean: float
    low: float
    high: float


def difference_fan(paths: Sequence[pd.DataFrame], names: Sequence[str], unit: str, language: str = "en") -> Figure:
    """Draw median and 5-95 % of the difference from the base by quarter, one line a scenario; rows in order of time."""
    texts = Texts(language)
    entries = [Entry("line", name, COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]) for k, name in enumerate(names)]
    below = canvas.legend_height(len(entries), columns=1)
    height = 2.35 + below
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, height)
        axes = canvas.add_axes(figure, left=0.135, right=0.945, bottom=(0.27 + below) / height, top=1 - 0.28 / height)
        axes.axhline(0.0, color=canvas.INK, linewidth=0.9)
        for table, entry in zip(paths, entries, strict=True):
            years = [position(str(quarter)) for quarter in table["quarter"]]
            axes.fill_between(years, table["q05"], table["q95"], color=entry.colour, alpha=0.15, linewidth=0)
            axes.plot(years, table["q50"], color=entry.colour, linestyle=entry.dashes, linewidth=1.8)
            axes.set_xlim(years[0], years[-1])
            ticks = [year for year in (2016, 2020, 2026, 2030, 2035) if years[0] <= year <= years[-1]]
            axes.set_xticks(ticks, [str(year) for year in ticks])
        canvas.plain_axis(axes.yaxis, language, ticks=5, whole=False)
        axes.grid(axis="y")
        label = texts.plain("compare.axis", unit=unit) if unit else texts.plain("compare.axis_plain")
        figure.text(0.02, 1 - 0.12 / height, label, va="center", color=canvas.MUTED, fontsize=9)
        canvas.legend_rows(figure, entries, columns=1)
        return figure


def share_bars(shares: Sequence[Share], unit: str, language: str = "en") -> Figure:
    """Draw one row per setting: what it adds to the difference, with its interval; colours are those of the channels."""
    texts = Texts(language)
    present = [channel for channel in CHANNEL_COLOURS if any(share.channel == channel for share in shares)]
    entries = [Entry("band", texts.plain(f"channel.{channel}"), CHANNEL_COLOURS[channel]) for channel in present]
    below = canvas.legend_height(len(entries), columns=2)
    height = 0.55 + _ROW * len(shares) + below
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, height)
        axes = canvas.add_axes(figure, left=0.03, right=0.97, bottom=(0.45 + below) / height, top=1 - 0.05 / height)
        for row, share in enumerate(shares):
            colour = CHANNEL_COLOURS[share.channel]
            axes.text(0.0, row - 0.33, share.name, fontsize=_NAME, transform=axes.get_yaxis_transform())
            axes.barh([row + 0.12], [share.mean], height=0.34, color=colour)
            axes.plot([share.low, share.high], [row + 0.12, row + 0.12], color=canvas.INK, linewidth=1.1)
        axes.axvline(0.0, color=canvas.INK, linewidth=0.9)
        axes.set_yticks([])
        axes.set_ylim(len(shares) - 0.55, -0.65)
        axes.spines["left"].set_visible(False)
        canvas.plain_axis(axes.xaxis, language, ticks=5, whole=False)
        axes.grid(axis="x")
        figure.text(0.5, (0.1 + below) / height, unit, ha="center", color=canvas.MUTED, fontsize=9)
        canvas.legend_rows(figure, entries, columns=2)
        return figure
