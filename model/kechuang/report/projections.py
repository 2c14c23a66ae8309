"""Sections on the paths of the main indicators and on what the three closures make of them."""

from __future__ import annotations

from typing import Any

from kechuang.report import wording
from kechuang.report.context import MILESTONES, Cell, Context, Picture, Table
from kechuang.report.figures import LAST_REPORTED, closure_panels, fan_chart, range_chart
from kechuang.report.summary import Spread, at, closures_in, overlap
from kechuang.world.indicators import INDICATORS

FAN_KEYS = ("high_tech_firms", "tech_sme_firms", "leading_firms", "gdp_four_quarters", "rd_intensity", "rd_reported",
            "industrial_value_added_ytd_growth", "corridor_high_tech_share")
RANGE_KEYS = ("high_tech_firms", "tech_sme_firms", "rd_intensity", "gdp_four_quarters")
_DATES = ("2016Q4", "2020Q4", "2023Q4", "2026Q4", "2030Q4", "2035Q4")


def paths(context: Context) -> dict[str, Any]:
    """Return a fan chart, the closures beside each other and a table for every main indicator."""
    frame = context.run.indicators
    shown = [key for key in FAN_KEYS if frame[key].notna().any() and frame[key].any()]
    return {"indicators": [_path(context, key) for key in shown]}


def _path(context: Context, key: str) -> dict[str, Any]:
    frame, language, texts = context.run.indicators, context.language, context.texts
    label = INDICATORS[key].label(language)
    reported = context.sources.reported(key)
    fan = fan_chart(frame, key, language, reported, context.sources.thresholds(context.run, key), title=False)
    pictures = [context.picture(f"path-{key}", fan, texts("paths.all"), _fan_text(context, key, label))]
    if len(closures_in(frame)) > 1:
        panels = closure_panels(frame, key, language, reported)
        pictures.append(context.picture(f"closures-{key}", panels, texts("paths.closures"), _panel_text(context, key, label)))
    return {"anchor": context.anchor(f"path-{key}-part"), "label": context.indicator(key), "pictures": pictures,
            "table": _path_table(context, key, label)}


def _path_table(context: Context, key: str, label: str) -> Table:
    texts, frame = context.texts, context.run.indicators
    closures = closures_in(frame)
    rows: list[list[Cell]] = []
    for quarter in dict.fromkeys((*(date for date in _DATES if context.reaches(date)), context.last)):
        spread = at(frame, key, quarter)
        values = (spread.q05, spread.q25, spread.q50, spread.q75, spread.q95)
        medians = [at(frame, key, quarter, closure).q50 for closure in closures]
        rows.append([context.when(quarter), *(context.number(value, key) for value in (*values, *medians))])
    columns = [texts("paths.quarter"), "5 %", "25 %", "50 %", "75 %", "95 %", *(f"{closure} 50 %" for closure in closures)]
    unit = wording.unit(INDICATORS[key], context.language)
    return Table(f"{label} · {unit}" if unit else label, columns, rows, numbers=len(columns) - 1)


def _fan_text(context: Context, key: str, label: str) -> str:
    last = at(context.run.indicators, key, context.last)
    now = at(context.run.indicators, key, LAST_REPORTED)

    def say(value: float) -> str:
        return wording.quantity(value, key, context.language)

    return context.texts.plain("paths.alt", label=label, now=say(now.q50), when=context.when(context.last),
                               middle=say(last.q50), low=say(last.q05), high=say(last.q95))


def _panel_text(context: Context, key: str, label: str) -> str:
    frame = context.run.indicators
    medians = context.said([(closure, context.number(at(frame, key, context.last, closure).q50, key))
                            for closure in closures_in(frame)])
    return context.texts.plain("paths.closures_alt", label=label, when=context.when(context.last), medians=medians)


def closures(context: Context) -> dict[str, Any]:
    """Return what the closures are, their ranges at the milestones, and how far these overlap."""
    texts, frame = context.texts, context.run.indicators
    present = closures_in(frame)
    pictures: list[Picture] = []
    rows: list[list[Cell]] = []
    quarters = [quarter for quarter in MILESTONES if context.reaches(quarter)] or [context.last]
    for key in RANGE_KEYS:
        if len(present) < 2 or not frame[key].any():
            continue
        spreads = {quarter: [at(frame, key, quarter, closure) for closure in present] for quarter in quarters}
        pictures.append(_ranges(context, key, present, spreads))
        rows += [_overlap_row(context, key, quarter, items) for quarter, items in spreads.items()]
    columns = [texts("closures.indicator"), *present, texts("closures.shared"), texts("closures.share")]
    return {
        "kinds": [(texts(f"closure.{closure}"), texts(f"closure.{closure}.text")) for closure in present],
        "pictures": pictures, "table": Table(texts("closures.caption"), columns, rows, numbers=len(columns) - 1),
    }


def _ranges(context: Context, key: str, present: tuple[str, ...], spreads: dict[str, list[Spread]]) -> Picture:
    label = INDICATORS[key].label(context.language)
    said = context.said([(f"{context.when(quarter)} {closure}", context.spread(item, key))
                         for quarter, items in spreads.items() for closure, item in zip(present, items, strict=True)])
    figure = range_chart(context.run.indicators, key, context.language, list(spreads))
    title = context.indicator(key) + _unit_suffix(key, context.language)
    return context.picture(f"ranges-{key}", figure, title,
                           context.texts.plain("closures.alt", label=label, rows=said))


def _unit_suffix(key: str, language: str) -> str:
    unit = wording.unit(INDICATORS[key], language)
    return f" · {unit}" if unit else ""


def _overlap_row(context: Context, key: str, quarter: str, items: list[Spread]) -> list[Cell]:
    shared = overlap(items)
    common: Cell = context.texts("closures.none")
    if shared.exists:
        common = context.interval(context.number(shared.low, key), context.number(shared.high, key))
    share = wording.with_unit(wording.number(100 * shared.share, 0, context.language), "%", context.language)
    name = context.indicator(key) + f" · {context.when(quarter)}"
    return [name, *(context.spread(item, key) for item in items), common, share]
