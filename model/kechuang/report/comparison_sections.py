"""Sections of a comparison: differences, costs, orders, what the scenarios set, and how to check the folder."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kechuang.analyse.compare_costs import BOTH_BAD, BOTH_GOOD, NOT_REPORTED, RATES, SAVED
from kechuang.analyse.compare_statistics import NO_VALUE, UNDEFINED
from kechuang.analyse.compare_tables import PATH_KEYS
from kechuang.analyse.comparison import CANNOT_ORDER, MAIN
from kechuang.report import wording
from kechuang.report.comparison_answer import order_of
from kechuang.report.comparison_context import difference_unit
from kechuang.report.comparison_figures import difference_fan
from kechuang.report.context import Cell, Picture, Table
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    from kechuang.report.comparison_context import ComparisonContext
    from kechuang.report.comparison_folder import Compared

COST_ITEMS = ("cash", "forgone", "contingent", "total", "local_revenue", "rd_real", "value_added", "per_high_tech_firm",
              "relabelled_share", "per_real_rd", "per_value_added")
STATUSES = {UNDEFINED: "undefined", NOT_REPORTED: "not_reported", NO_VALUE: "no_value"}
READINGS = {SAVED: "saved", BOTH_GOOD: "both_good", BOTH_BAD: "both_bad"}
_HUGE = 999.0


# Differences -----------------------------------------------------------------------------------------------


def differences(context: ComparisonContext) -> dict[str, Any]:
    """Return the differences over time as figures, and a table for every scenario and date."""
    pictures = [picture for key in PATH_KEYS if (picture := _fan(context, key)) is not None]
    tables = [_difference_table(context, scenario, date) for scenario in context.found.others for date in context.found.dates]
    return {"pictures": pictures, "tables": tables}


def _fan(context: ComparisonContext, key: str) -> Picture | None:
    paths = context.found.paths[context.found.paths["indicator"] == key]
    tables = [paths[paths["scenario"] == one.label].sort_values("quarter") for one in context.found.others]
    if any(table.empty for table in tables):
        return None
    names = [context.plain_title(one) for one in context.found.others]
    said = []
    for name, table in zip(names, tables, strict=True):
        last = table.iloc[-1]
        size = (max(abs(last["q05"]), abs(last["q95"])),)
        said.append((name, context.range_text(*(context.signed(last[level], size) for level in ("q50", "q05", "q95")))))
    unit = wording.chart_unit(INDICATORS[key], context.language)
    unit = difference_unit(key, context.language) if INDICATORS[key].unit == "%" else unit
    text = context.texts.plain("compare.fan_alt", label=INDICATORS[key].label(context.language), rows=context.said(said),
                               when=context.when(str(tables[0]["quarter"].iloc[-1])))
    figure = difference_fan(tables, names, unit, context.language)
    return context.picture(f"difference-{key}", figure, context.indicator(key), text)


def _difference_table(context: ComparisonContext, scenario: Compared, date: str) -> Table:
    texts, table = context.texts, context.found.differences
    rows = table[(table["scenario"] == scenario.label) & (table["date"] == date)].set_index("indicator")
    caption = texts("compare.differences_caption", when=context.when(date), scenario=context.title(scenario),
                    base=context.title(context.found.base))
    columns = [texts(f"compare.{name}") for name in ("indicator", "base_value", "difference", "quantiles", "probability", "ratio")]
    return Table(caption, columns, [_difference_row(context, key, rows.loc[key]) for key in MAIN if key in rows.index], numbers=5)


def _difference_row(context: ComparisonContext, key: str, row: Any) -> list[Cell]:
    name = context.with_unit(key)
    if not row["draws"]:
        return [name, *[wording.MISSING] * 5]
    base = context.number(float(row["base_mean"]), key)
    if row["probability"] == row["lower"] == 0.0:
        return [name, base, context.texts("compare.no_difference"), "", "", _times(context, float(row["variance_ratio"]))]
    quantiles = [float(row[level]) for level in ("q05", "q50", "q95")]
    size = (max(abs(value) for value in quantiles),)
    error = wording.number(100.0 * row["probability_error"], 0 if row["probability_error"] >= 0.0095 else 1, context.language)
    chance = f"{wording.number(100.0 * row['probability'], 0, context.language)} ± {error}"
    return [name, base, context.estimate(row), " / ".join(context.signed(value, size) for value in quantiles), chance,
            _times(context, float(row["variance_ratio"]))]


def _times(context: ComparisonContext, ratio: float) -> str:
    if math.isnan(ratio):
        return wording.MISSING
    if ratio > _HUGE:
        return "∞" if math.isinf(ratio) else f"> {_HUGE:.0f}"
    return wording.number(ratio, 0 if ratio >= 9.95 else 1, context.language)


# Costs -----------------------------------------------------------------------------------------------------


def costs(context: ComparisonContext) -> dict[str, Any]:
    """Return a table of costs and what they buy for every scenario and date."""
    return {"tables": [_cost_table(context, scenario, date) for scenario in context.found.others for date in context.found.dates]}


def _cost_table(context: ComparisonContext, scenario: Compared, date: str) -> Table:
    texts, table = context.texts, context.found.costs
    rows = table[(table["scenario"] == scenario.label) & (table["date"] == date)]
    lines: list[list[Cell]] = []
    for item in COST_ITEMS:
        chosen = rows[(rows["item"] == item) & (rows["rate"].isna() | (rows["rate"] == RATES[0]))]
        cells = [_cost_cells(context, row, rows) for _, row in chosen.iterrows()]
        if len(cells) == 2 and cells[0][1:] == cells[1][1:]:
            cells = [[texts("payer.both"), *cells[0][1:]]]
        lines += [[texts(f"costitem.{item}"), *line] for line in cells]
    rates = [texts("compare.rate", rate=wording.number(100.0 * rate, 0, context.language)) for rate in RATES]
    columns = [texts("compare.item"), texts("compare.payer"), *rates]
    caption = texts("compare.costs_caption", when=context.when(date), scenario=context.title(scenario))
    return Table(caption, columns, lines, numbers=len(RATES))


def _cost_cells(context: ComparisonContext, row: Any, rows: Any) -> list[Cell]:
    """Return who pays, the number with its interval and what its sign means, and the number at the other discount rates."""
    texts = context.texts
    payer = texts(f"payer.{row['payer']}") if isinstance(row["payer"], str) else Markup("")
    if isinstance(row["status"], str):
        return [payer, texts(f"compare.{STATUSES[row['status']]}"), *[""] * (len(RATES) - 1)]
    single = str(row["item"]).startswith(("per_", "relabelled"))
    main: Cell = _ratio(context, row) if single else context.estimate_of(row)
    if isinstance(row["reading"], str):
        main = Markup("{}<br>{}").format(main, texts(f"compare.{READINGS[row['reading']]}"))
    others = []
    for rate in RATES[1:]:
        payer_too = rows["payer"].eq(row["payer"]) | rows["payer"].isna()
        same = rows[(rows["item"] == row["item"]) & (rows["rate"] == rate) & payer_too]
        value = float(same["value"].iloc[0]) if len(same) else math.nan
        others.append("" if math.isnan(value) else context.plain(value) if single else context.signed(value))
    return [payer, main, *others]


def _ratio(context: ComparisonContext, row: Any) -> str:
    factor = 100.0 if row["unit"] == "share" else 1.0
    value, low, high = (factor * float(row[name]) for name in ("value", "low", "high"))
    return context.range_text(context.plain(value), context.plain(low), context.plain(high))


# Orders ----------------------------------------------------------------------------------------------------


def orders(context: ComparisonContext) -> dict[str, Any]:
    """Return the most frequent order of the scenarios by indicator and date, with the verdict on it."""
    texts, table = context.texts, context.found.rankings
    rows: list[list[Cell]] = []
    for date in context.found.dates:
        for key in MAIN:
            found = table[(table["date"] == date) & (table["indicator"] == key)]
            ranked = found[found["kind"] == "ranking"]
            if ranked.empty:
                continue
            best = ranked.iloc[0]
            error = wording.number(100.0 * best["error"], 0 if best["error"] >= 0.0095 else 1, context.language)
            share = f"{wording.number(100.0 * best['share'], 0, context.language)} ± {error}"
            rows.append([context.indicator(key), context.when(date), order_of(context, str(best["order"])), share,
                         _verdict(context, best, found)])
    columns = [texts(f"compare.{name}") for name in ("indicator", "at", "order_column", "order_share", "verdict")]
    return {"table": Table(texts("section.orders"), columns, rows, tight=(1, 3), quiet=True)}


def _verdict(context: ComparisonContext, best: Any, found: Any) -> Cell:
    if best["verdict"] != CANNOT_ORDER:
        return context.texts("compare.narrow") if best["within_error"] else context.texts("compare.ordered")
    pairs = found[(found["kind"] == "pair") & (found["verdict"] == found["order"])]
    verdict = context.texts("compare.cannot_order")
    if pairs.empty:
        return verdict
    sure = context.listing([order_of(context, str(text)) for text in pairs["order"]])
    return context.texts("compare.cannot_but", verdict=verdict, pairs=sure)


# What the scenarios set ------------------------------------------------------------------------------------


def plans(context: ComparisonContext) -> dict[str, Any]:
    """Return for every scenario its title, what it is about, and what it sets with the source of each lever's range."""
    return {"scenarios": [{"title": context.plain_title(one), "anchor": context.anchor(f"scenario-{context.place(one.label)}"),
                           "summary": context.texts.pick(one.summary), "table": _plan(context, one)}
                          for one in context.found.scenarios]}


def _plan(context: ComparisonContext, scenario: Compared) -> Table:
    texts = context.texts
    rows: list[list[Cell]] = [[texts(f"setting.{key}"), Markup("<code>{}</code>").format(value), texts("compare.by_scenario")]
                              for key, value in scenario.settings.items()]
    rows += [[context.sources.lever_name(key, context.language), _settings(settings), _source(key)]
             for key, settings in scenario.levers.items()]
    rows += [[_shock(key, context.language), _settings(settings), texts("compare.by_scenario")]
             for key, settings in scenario.shocks.items()]
    columns = [texts(f"compare.{name}") for name in ("lever", "setting", "source")]
    return Table(texts("compare.plan_caption", scenario=context.plain_title(scenario)), columns, rows, quiet=True)


def _settings(settings: Mapping[str, Any]) -> Markup:
    parts = [f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
             for name, value in settings.items()]
    return Markup("<code>{}</code>").format("; ".join(parts))


def _source(key: str) -> str:
    from kechuang.scenario.levers import LEVERS

    return LEVERS[key].source if key in LEVERS else ""


def _shock(key: str, language: str) -> str:
    from kechuang.scenario.shocks import SHOCKS

    kind = SHOCKS.get(key)
    return key if kind is None else kind.zh if language == "zh" else kind.en


# Provenance ------------------------------------------------------------------------------------------------


def provenance(context: ComparisonContext) -> dict[str, Any]:
    """Return the runs behind the comparison, the hashes, and the commands that check or repeat it."""
    found, texts = context.found, context.texts
    record = found.record
    versions = {"python": record.get("python", ""), **record.get("packages", {})}
    facts = [
        (texts("provenance.parameters"), texts.either(f"parameter_set.{found.parameters}", found.parameters)),
        (texts("provenance.draws"), wording.number(found.draws, 0, context.language)),
        (texts("provenance.seed"), str(record.get("seed", ""))),
        (texts("provenance.record"), Markup("<code>{}</code>").format(found.record_hash)),
        (texts("provenance.code"), Markup("<code>{}</code>").format(record.get("code", ""))),
        (texts("provenance.versions"), ", ".join(f"{name} {version}" for name, version in versions.items() if version)),
        *((context.title(one), Markup("<code>{}</code>").format(one.folder)) for one in found.scenarios),
    ]
    folder = texts.plain("compare.folder")
    commands = [(texts("provenance.verify"), f"kechuang verify {folder}"),
                (texts("provenance.rebuild"), f"kechuang report {folder}")]
    rows: list[list[Cell]] = [[Markup("<code>{}</code>").format(name), Markup("<code>{}</code>").format(digest)]
                              for name, digest in record.get("outputs", {}).items()]
    files = Table(texts("provenance.files"), [texts("provenance.file"), "SHA-256"], rows, quiet=True)
    return {"facts": facts, "commands": commands, "files": files}
