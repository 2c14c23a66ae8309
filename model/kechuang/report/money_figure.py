"""Money between sectors in one year as bands: who pays stands on the left, who receives on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kechuang.report import canvas, wording
from kechuang.report.networks import GROUPS
from kechuang.report.text import Texts

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

COLOURS = {"outside": "#7d8791", "banks": "#00785c", "funds": "#7a6a00", "firms": "#0b5577", "cells": "#3f8fb0",
           "households": "#b8490a", "government": "#9b1d63"}
PAYERS = ("outside", "banks", "funds", "firms", "cells", "households", "government")
RECEIVERS = ("firms", "cells", "banks", "funds", "households", "government", "outside")
"""Orders in which the great flows run side by side: from outside to firms, from firms to households, from these outside."""
_TOP, _BARS, _HAIR = 0.38, 2.8, 0.014
"""Height of the heading, of the bars of one side together, and of what would be too thin to see, in inches."""
_SLOT = 0.33
"""Least height of a bar with its label, so that labels never touch."""
_LEFT, _RIGHT, _BAR = 1.2, 3.6, 0.11
"""Where the bars stand and how wide they are, in inches."""
_LABELLED = 0.125
"""Bands at least this thick carry their amount."""
_POINTS = 40


@dataclass(frozen=True)
class Band:
    """A net payment of the year and where it leaves and arrives: upper edges and thickness in inches from the top."""

    payer: str
    receiver: str
    amount: float
    start: float
    end: float
    thickness: float


@dataclass(frozen=True)
class Bar:
    """A sector on one side: total of its bands, upper edge and length in inches from the top."""

    sector: str
    amount: float
    top: float
    length: float


@dataclass(frozen=True)
class Layout:
    """Bars of both sides and the bands between them."""

    payers: tuple[Bar, ...]
    receivers: tuple[Bar, ...]
    bands: tuple[Band, ...]

    @property
    def depth(self) -> float:
        """How far down the longer side reaches."""
        return max([bar.top + max(bar.length, _SLOT) for bar in (*self.payers, *self.receivers)], default=0.0)


def lay_out(net: NDArray[np.float64], bars: float = _BARS) -> Layout:
    """Place bars and bands for net payments [payer, receiver] over GROUPS; `bars` inches stand for all of them."""
    names = list(GROUPS)
    amounts = {(payer, receiver): float(net[names.index(payer), names.index(receiver)])
               for payer in PAYERS for receiver in RECEIVERS if net[names.index(payer), names.index(receiver)] > 0.0}
    unit = bars / (sum(amounts.values()) or 1.0)
    paid = _bars(PAYERS, {name: sum(amount for (payer, _), amount in amounts.items() if payer == name) for name in PAYERS}, unit)
    received = _bars(RECEIVERS, {name: sum(amount for (_, receiver), amount in amounts.items() if receiver == name)
                                 for name in RECEIVERS}, unit)
    starts, ends = ({bar.sector: bar.top for bar in side} for side in (paid, received))
    bands, arrivals = [], {}
    for receiver in RECEIVERS:
        for payer in PAYERS:
            if (payer, receiver) in amounts:
                arrivals[payer, receiver] = ends[receiver]
                ends[receiver] += unit * amounts[payer, receiver]
    for payer in PAYERS:
        for receiver in RECEIVERS:
            if (payer, receiver) in amounts:
                amount = amounts[payer, receiver]
                bands.append(Band(payer, receiver, amount, starts[payer], arrivals[payer, receiver], unit * amount))
                starts[payer] += unit * amount
    return Layout(tuple(paid), tuple(received), tuple(bands))


def _bars(order: Sequence[str], totals: Mapping[str, float], unit: float) -> list[Bar]:
    """Stack the sectors that move anything; a short bar stands in the middle of the room of its label."""
    bars, top = [], 0.0
    for name in order:
        if totals[name] > 0.0:
            length = unit * totals[name]
            room = max(length, _SLOT)
            bars.append(Bar(name, totals[name], top + (room - length) / 2, length))
            top += room + 0.07
    return bars


def money_figure(net: NDArray[np.float64], year: str, language: str = "en") -> Figure:
    """Draw the net payments of a year (亿元) between groups of sectors."""
    texts, layout = Texts(language), lay_out(net)
    height = _TOP + layout.depth + 0.1
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, height)
        axes = canvas.add_axes(figure, left=0.0, right=1.0, bottom=0.0, top=1.0)
        axes.set_axis_off()
        axes.set_xlim(0, canvas.WIDTH)
        axes.set_ylim(height, 0)
        for band in sorted(layout.bands, key=lambda band: -band.thickness):
            _draw_band(axes, band)
        for band in layout.bands:
            if band.thickness >= _LABELLED:
                axes.text(_LEFT + _BAR + 0.06, _TOP + band.start + band.thickness / 2, _amount(band.amount, language),
                          fontsize=8.5, va="center_baseline")
        for bar in layout.payers:
            _draw_bar(axes, bar, _LEFT, -0.07, "right", texts)
        for bar in layout.receivers:
            _draw_bar(axes, bar, _RIGHT, _BAR + 0.07, "left", texts)
        axes.text(_LEFT + _BAR, 0.14, texts.plain("money.pays"), fontsize=9, ha="right", color=canvas.MUTED)
        axes.text(_RIGHT, 0.14, texts.plain("money.receives"), fontsize=9, color=canvas.MUTED)
        axes.text((_LEFT + _RIGHT + _BAR) / 2, 0.14, texts.plain("money.unit", year=year), fontsize=9, fontweight="bold",
                  ha="center")
        return figure


def _amount(value: float, language: str) -> str:
    return wording.rounded(value, 0 if value >= 10 else 1, language)


def _draw_bar(axes: Axes, bar: Bar, left: float, aside: float, align: str, texts: Texts) -> None:
    from matplotlib.patches import Rectangle

    length = max(bar.length, _HAIR)
    axes.add_patch(Rectangle((left, _TOP + bar.top), _BAR, length, facecolor=COLOURS[bar.sector], linewidth=0))
    x, y = left + aside, _TOP + bar.top + bar.length / 2
    axes.text(x, y - 0.015, texts.plain(f"sector.{bar.sector}"), fontsize=9, fontweight="bold", ha=align, va="bottom")
    axes.text(x, y + 0.015, _amount(bar.amount, texts.language), fontsize=9, color=canvas.MUTED, ha=align, va="top")


def _draw_band(axes: Axes, band: Band) -> None:
    """Draw a band that leaves and arrives level; a thin one is a hair line."""
    import numpy as np

    along = np.linspace(0.0, 1.0, _POINTS)
    rise = along * along * (3.0 - 2.0 * along)
    upper = _TOP + band.start + (band.end - band.start) * rise
    x = _LEFT + _BAR + along * (_RIGHT - _LEFT - _BAR)
    axes.fill_between(x, upper, upper + max(band.thickness, _HAIR), color=COLOURS[band.payer], alpha=0.42, linewidth=0)
