"""Figures of the ladder studies: ranges of the closures, new certificates per technology SME, bunching at the thresholds.

They take what `kechuang.analyse.ladder_closures`, `ladder_dilution` and `ladder_bunching` return and draw it in English or Chinese.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kechuang.report import canvas
from kechuang.report.canvas import CLOSURE_COLOURS, Entry
from kechuang.report.summary import closures_in

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TEXTS = {
    "high_tech_firms": ("High-tech firms", "高新技术企业（家）"),
    "tech_sme_firms": ("Technology SMEs", "科技型中小企业（家）"),
    "2026Q4": ("end of 2026", "2026年底"),
    "2035Q4": ("end of 2035", "2035年底"),
    "prior": ("prior: 5-95 % and median", "先验：5%–95%区间与中位数"),
    "provisional": ("provisional point: luck alone", "暂定参数点：仅随机因素"),
    "closure": ("closure {}", "闭合方式{}"),
    "rate": ("new certificates per 100 technology SMEs", "每百家科技型中小企业新认定高企（家）"),
    "on": ("firms differ (5-95 %)", "企业有差异（5%–95%）"),
    "off": ("firms alike", "企业无差异"),
    "on_law_of_2016": ("firms differ, small-firm tax of 2016", "企业有差异，小微税制停留在2016年"),
    "class_0": ("sales under 5000万", "年销售额5000万元以下"),
    "class_1": ("sales 5000万 to 2亿", "年销售额5000万至2亿元"),
    "class_2": ("sales over 2亿", "年销售额2亿元以上"),
    "firms": ("firms doing R&D", "有研发活动企业（家）"),
    "reported": ("reported R&D", "上报研发"),
    "real": ("real R&D", "实际研发"),
    "smooth": ("smooth law", "平滑反事实"),
    "intensity": ("R&D over sales, %; threshold dotted", "研发投入占销售额比重（%），虚线为认定门槛"),
}
_LATIN = {"class_0": "sales under 50 m", "class_1": "sales 50 to 200 m", "class_2": "sales over 200 m"}


def _text(key: str, language: str) -> str:
    english, chinese = _TEXTS[key]
    return chinese if language == "zh" else _LATIN.get(key, english)


def ranges_figure(table: pd.DataFrame, language: str = "en") -> Figure:
    """Draw the 5-95 % range and median of both steps of the ladder by closure and date, under the prior and at the point."""
    keys, dates = ("high_tech_firms", "tech_sme_firms"), ("2026Q4", "2035Q4")
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, 3.5)
        for row, key in enumerate(keys):
            for column, date in enumerate(dates):
                left, top = 0.1 + 0.46 * column, 0.9 - 0.43 * row
                axes = canvas.add_axes(figure, left=left, right=left + 0.4, bottom=top - 0.25, top=top)
                _draw_ranges(axes, table[table["quarter"] == date], key)
                axes.set_title(f"{_text(key, language)}, {_text(date, language)}", loc="left", fontsize=9, pad=4)
                canvas.plain_axis(axes.xaxis, language, ticks=3)
                axes.grid(axis="x")
        entries = [Entry("band", _text("prior", language), canvas.BAND_INNER)]
        entries.append(Entry("line", _text("provisional", language), canvas.INK))
        canvas.legend_rows(figure, entries, columns=2)
        return figure


def _draw_ranges(axes: Axes, table: pd.DataFrame, key: str) -> None:
    closures = closures_in(table)
    for row, closure in enumerate(closures):
        for label, width, height, colour in (
            ("prior", 7, 0.0, CLOSURE_COLOURS[closure]),
            ("provisional", 2.5, 0.3, canvas.INK),
        ):
            values = table.loc[(table["label"] == label) & (table["closure"] == closure), key]
            if values.empty:
                continue
            low, middle, high = values.quantile([0.05, 0.5, 0.95])
            shade = 0.45 if label == "prior" else 1.0
            axes.plot([low, high], [row + height] * 2, color=colour, linewidth=width, alpha=shade, solid_capstyle="butt")
            axes.plot([middle], [row + height], "o", color="white", markeredgecolor=colour, markersize=4.5, zorder=4)
    axes.set_yticks(range(len(closures)), closures)
    axes.set_ylim(len(closures) - 0.4, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(left=0)


def rates_figure(table: pd.DataFrame, language: str = "en") -> Figure:
    """Draw new certificates per 100 technology SMEs by year and closure, firms differing and alike."""
    looks: dict[str, tuple[str, Any]] = {
        "on": (canvas.ACCENT, "-"),
        "off": (canvas.TARGET, (0, (4, 1.5))),
        "on_law_of_2016": (canvas.MUTED, (0, (1, 1))),
    }
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, 2.75)
        closures = closures_in(table)
        drawn: list[Axes] = []
        for place, closure in enumerate(closures):
            left = 0.08 + place * 0.91 / len(closures)
            axes = canvas.add_axes(figure, left=left, right=left + 0.91 / len(closures) - 0.03, bottom=0.29, top=0.82,
                                   share=drawn[0] if drawn else None)
            part = table[table["closure"] == closure]
            for variant, (colour, dashes) in looks.items():
                rates = part[part["variant"] == variant].groupby("year")["rate"]
                bands = {level: 100.0 * rates.quantile(level) for level in (0.05, 0.5, 0.95)}
                if variant == "on":
                    axes.fill_between(bands[0.5].index, bands[0.05], bands[0.95], color=colour, alpha=0.2, linewidth=0)
                axes.plot(bands[0.5].index, bands[0.5], color=colour, linestyle=dashes, linewidth=1.8)
            axes.set_title(_text("closure", language).format(closure), loc="left", fontsize=10, pad=4)
            axes.set_xticks([2017, 2019])
            axes.tick_params(labelleft=place == 0)
            axes.grid(axis="y")
            drawn.append(axes)
        drawn[0].set_ylim(bottom=0)
        figure.text(0.03, 0.94, _text("rate", language), fontsize=9, color=canvas.MUTED)
        entries = [Entry("line", _text(variant, language), *look) for variant, look in looks.items()]
        canvas.legend_rows(figure, entries, columns=2)
        return figure


def bunching_figure(classes: Sequence[dict[str, Any]], language: str = "en") -> Figure:
    """Draw doers by R&D over sales in three classes of size: reported, real, and what a smooth law would put there."""
    with canvas.drawing():
        figure = canvas.new_figure(canvas.WIDTH, 5.0)
        for k, one in enumerate(classes):
            top = 0.94 - 0.3 * k
            axes = canvas.add_axes(figure, left=0.11, right=0.98, bottom=top - 0.215, top=top)
            lower = 100.0 * one["lower"]
            axes.fill_between(lower, one["reported"], step="post", color=canvas.BAND_INNER, linewidth=0)
            axes.step(lower, one["real"], where="post", color=canvas.TARGET, linewidth=1.5)
            axes.step(lower, one["counterfactual"], where="post", color=canvas.INK, linewidth=1.0, linestyle=(0, (4, 2)))
            axes.axvline(100.0 * one["notch"], color=canvas.MUTED, linewidth=1.0, linestyle=(0, (1, 1)))
            axes.set_title(_text(f"class_{k}", language), loc="left", fontsize=10, pad=4)
            axes.set_xlim(0.5, 10)
            axes.set_ylim(bottom=0)
            canvas.plain_axis(axes.yaxis, language, ticks=3)
            canvas.plain_axis(axes.xaxis, language, ticks=10)
            axes.grid(axis="y")
        figure.text(0.98, 0.965, _text("firms", language), fontsize=9, color=canvas.MUTED, ha="right")
        figure.text(0.5, 0.062, _text("intensity", language), fontsize=9, color=canvas.MUTED, ha="center")
        entries = [
            Entry("band", _text("reported", language), canvas.BAND_INNER),
            Entry("line", _text("real", language), canvas.TARGET),
            Entry("line", _text("smooth", language), canvas.INK, (0, (4, 2))),
        ]
        canvas.legend_rows(figure, entries, columns=3)
        return figure
