"""The first page of a comparison: the answer in sentences, and the targets of all scenarios side by side."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kechuang.analyse.compare_costs import RATES
from kechuang.analyse.compare_statistics import ORDER_SHARE
from kechuang.analyse.comparison import CANNOT_ORDER
from kechuang.analyse.targets import JUDGED
from kechuang.report import wording
from kechuang.report.context import Cell, Table

if TYPE_CHECKING:
    from kechuang.report.comparison_context import ComparisonContext
    from kechuang.report.comparison_folder import Compared

MAIN = "high_tech_firms"
RANKED = (MAIN, "rd_real", "gdp_four_quarters")
"""What the first page says an order of: firms, the research they do, and the whole of the economy."""


def answer(context: ComparisonContext) -> dict[str, Any]:
    """Return sentences, notices and the table of targets of the first page."""
    date = context.found.dates[0]
    sentences = [sentence for scenario in context.found.others for sentence in _effect(context, scenario, date)]
    return {"sentences": [*sentences, *_orders(context, date)], "mode": _mode(context), "notices": _notices(context),
            "targets": _targets(context)}


def _mode(context: ComparisonContext) -> dict[str, Cell] | None:
    kind, texts = context.found.parameters, context.texts
    if not texts.has(f"mode.{kind}"):
        return None
    return {"title": texts(f"mode.{kind}"), "more": texts(f"mode.{kind}_more")}


def _notices(context: ComparisonContext) -> list[Markup]:
    if context.found.scale == 1.0:
        return []
    return [context.texts("page.small_city", scale=context.percent(context.found.scale))]


# What a scenario brings and costs --------------------------------------------------------------------------


def _effect(context: ComparisonContext, scenario: Compared, date: str) -> Iterator[Markup]:
    """Yield what a scenario brings in firms, and what it costs."""
    texts, table = context.texts, context.found.differences
    chosen = table[(table["scenario"] == scenario.label) & (table["date"] == date) & (table["indicator"] == MAIN)]
    row: Any = chosen.iloc[0]
    names = {"when": context.when(date), "scenario": context.title(scenario), "base": context.title(context.found.base)}
    if row["probability"] == row["lower"] == 0.0:
        yield texts("compare.same", **names, indicator=context.indicator(MAIN))
    else:
        sure = row["low"] > 0.0 or row["high"] < 0.0
        amount = context.link("section-differences", context.estimate(row))
        yield texts("compare.clear" if sure else "compare.unclear", **names, amount=amount, indicator=context.indicator(MAIN),
                    above=_draws(context, row["probability"]), below=_draws(context, row["lower"]))
    yield _cost(context, scenario, date)


def _draws(context: ComparisonContext, share: float) -> Markup:
    count = wording.number(round(share * context.found.draws), 0, context.language)
    return context.link("section-differences", context.texts("compare.of_draws", count=count, draws=context.found.draws))


def _cost(context: ComparisonContext, scenario: Compared, date: str) -> Markup:
    """Return what a scenario costs the city, per additional firm where that can be said, and how real the firms are."""
    texts, table = context.texts, context.found.costs
    rows = table[(table["scenario"] == scenario.label) & (table["date"] == date)]
    city = rows[(rows["payer"] == "city") & (rows["rate"] == RATES[0])].set_index("item")
    share = rows[rows["item"] == "relabelled_share"].iloc[0]
    total: Any = city.loc["total"]
    single: Any = city.loc["per_high_tech_firm"]
    values = {"when": context.when(date), "total": context.link("section-costs", context.estimate_of(total))}
    if isinstance(single["status"], str) or isinstance(single["reading"], str):
        return texts("compare.cost_alone", **values)
    values["single"] = context.link("section-costs", context.plain(single["value"]))
    values["range"] = context.link("section-costs", context.interval(context.plain(single["low"]), context.plain(single["high"])))
    if isinstance(share["status"], str):
        return texts("compare.cost", **values)
    relabelled = context.link("section-costs", context.percent(min(1.0, max(0.0, float(share["value"])))))
    return texts("compare.cost_relabelled", **values, relabelled=relabelled)


# Orders ----------------------------------------------------------------------------------------------------


def _orders(context: ComparisonContext, date: str) -> Iterator[Markup]:
    """Yield a sentence on each main indicator that the evidence orders, and one on all that it cannot order."""
    texts, table = context.texts, context.found.rankings
    unordered = []
    for key in RANKED:
        rows = table[(table["indicator"] == key) & (table["date"] == date) & (table["kind"] == "ranking")]
        if rows.empty:
            continue
        best = rows.iloc[0]
        if best["verdict"] == CANNOT_ORDER:
            unordered.append(context.indicator(key))
            continue
        share = context.link("section-orders", context.percent(float(best["share"])))
        yield texts("compare.order", indicator=context.indicator(key), when=context.when(date), share=share,
                    order=order_of(context, str(best["order"])))
    if unordered:
        yield texts("compare.no_order", when=context.when(date), indicators=context.listing(unordered),
                    needed=context.percent(ORDER_SHARE))


def order_of(context: ComparisonContext, order: str) -> Markup:
    """Return an order such as `plan > baseline = twin` with the titles of the scenarios."""
    titles = {scenario.label: context.title(scenario) for scenario in context.found.scenarios}
    parts = [Markup("{}").format(titles.get(part, part)) if place % 2 == 0 else Markup(" {} ").format(part)
             for place, part in enumerate(re.split(r" (>|=) ", order))]
    return Markup("").join(parts)


# Targets ---------------------------------------------------------------------------------------------------


def _targets(context: ComparisonContext) -> Table | None:
    """Return P(attain) of every judged target under every scenario, and by how much each scenario changes it."""
    texts, table = context.texts, context.found.targets
    judged = table[table["status"] == JUDGED]
    if judged.empty:
        return None
    rows: list[list[Cell]] = []
    for _, group in judged.groupby("id", sort=False):
        by_label = {str(row["scenario"]): row for _, row in group.iterrows()}
        if context.found.base.label in by_label:
            rows.append([_target(context, group.iloc[0]),
                         *(_chance(context, by_label.get(one.label)) for one in context.found.scenarios)])
    columns: list[Cell] = [texts("target.target"), *(context.title(one) for one in context.found.scenarios)]
    return Table(texts("compare.targets_caption"), columns, rows, look="compared")


def _target(context: ComparisonContext, row: Any) -> Markup:
    """Return title and date of a target, with the indicator it is judged by."""
    title, when = row[f"title_{context.language}"], context.when(str(row["date"]))
    what = context.indicator(row["indicator"]) if isinstance(row["indicator"], str) else context.texts("compare.joint")
    return Markup("<b>{}</b><span>{} · {}</span>").format(title, what, when)


def _chance(context: ComparisonContext, row: Any) -> Cell:
    """Return a probability in words and numbers with its error, and the paired difference from the base."""
    if row is None:
        return wording.MISSING
    language = context.language
    words = wording.probability(float(row["probability"]), int(row["draws"]), language)
    number = f"{wording.number(row['probability'], 2, language)}\u00a0±\u00a0{wording.number(row['error'], 2, language)}"
    cell = Markup('<strong>{}</strong><br><span class="sure">{}</span>').format(words, number)
    gap = float(row["difference"])
    if math.isnan(gap):
        return cell
    sign = "+" if gap > 0.0 else ""
    change = f"{sign}{wording.number(gap, 2, language)}\u00a0±\u00a0{wording.number(row['difference_error'], 2, language)}"
    return Markup('{}<br><span class="sure">{}</span>').format(cell, context.texts("compare.gap", change=change))
