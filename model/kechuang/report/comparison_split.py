"""Where a difference comes from: flows of firms that add up exactly, shares of levers, sums by channel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kechuang.analyse.attribution import CHANNEL, TOTAL
from kechuang.analyse.compare_flows import BESIDE, PART, STOCK
from kechuang.report import wording
from kechuang.report.comparison_context import difference_unit
from kechuang.report.comparison_figures import Share, share_bars
from kechuang.report.context import Cell, Picture, Table
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.report.comparison_context import ComparisonContext
    from kechuang.report.comparison_folder import Compared

SPLIT = ("high_tech_firms", "rd_real", "gdp_four_quarters")
"""Indicators whose difference is shown split; the file holds all."""
IDLE = "idle"


def flows(context: ComparisonContext) -> dict[str, Any]:
    """Return the balances of counts for every scenario and date."""
    table = context.found.flows
    dates = list(dict.fromkeys(table["date"]))
    return {"tables": [_flow_table(context, scenario, str(date)) for scenario in context.found.others for date in dates]}


def _flow_table(context: ComparisonContext, scenario: Compared, date: str) -> Table:
    texts, table = context.texts, context.found.flows
    rows: list[list[Cell]] = []
    for _, row in table[(table["scenario"] == scenario.label) & (table["date"] == date)].iterrows():
        known = str(row["item"]) in INDICATORS
        name: Cell = context.indicator(str(row["item"])) if known else str(row[context.language])
        if row["kind"] == BESIDE:
            name = texts("compare.beside", name=name)
        elif row["kind"] != STOCK:
            name = Markup("{}{}").format("\u2003" * (2 if row["kind"] == PART else 1), name)
        rows.append([name, context.estimate(row)])
    caption = texts("compare.flows_caption", when=context.when(date), scenario=context.title(scenario),
                    base=context.title(context.found.base))
    return Table(caption, [texts("compare.flow"), texts("compare.difference")], rows, numbers=1)


def shares(context: ComparisonContext) -> dict[str, Any] | None:
    """Return figures and tables of the shares of levers and channels, or None where the difference was not split."""
    table = context.found.attribution
    if table is None or table.empty:
        return None
    parts = []
    for scenario in context.found.others:
        rows = table[table["scenario"] == scenario.label]
        for date in dict.fromkeys(rows["date"]):
            parts.append(_part(context, scenario, str(date), rows[rows["date"] == date]))
    return {"parts": parts}


def _part(context: ComparisonContext, scenario: Compared, date: str, rows: pd.DataFrame) -> dict[str, Any]:
    texts = context.texts
    players = rows[~rows["kind"].isin([TOTAL, CHANNEL])]
    idle = list(dict.fromkeys(players.loc[players["method"] == IDLE, context.language]))
    draws = int(rows["draws"].max())
    title = texts("compare.shares_title", when=context.when(date), scenario=context.title(scenario), draws=draws)
    if players.empty or len(players) == len(players[players["method"] == IDLE]):
        return {"title": title, "pictures": [], "tables": [], "note": texts("compare.nothing")}
    method = str(rows.loc[rows["kind"] == TOTAL, "method"].iloc[0])
    note = texts(f"compare.{method}")
    if idle:
        note = Markup("{} {}").format(note, texts("compare.idle", names=context.listing(idle)))
    number = context.place(scenario.label)
    pictures = [_picture(context, key, rows, f"shares-{number}-{date}-{key}") for key in SPLIT]
    return {"title": title, "pictures": pictures, "tables": [_share_table(context, rows, title)], "note": note}


def _ordered(rows: pd.DataFrame, key: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return players by the size of their share in an indicator, and channels in their order."""
    chosen = rows[(rows["indicator"] == key) & (rows["method"] != IDLE)]
    players = chosen[~chosen["kind"].isin([TOTAL, CHANNEL])].sort_values("mean", key=abs, ascending=False, kind="stable")
    return players, chosen[chosen["kind"] == CHANNEL]


def _picture(context: ComparisonContext, key: str, rows: pd.DataFrame, name: str) -> Picture:
    players, _ = _ordered(rows, key)
    bars = [Share(str(row[context.language]), str(row["channel"]), float(row["mean"]), float(row["low"]), float(row["high"]))
            for _, row in players.iterrows()]
    said = context.said([(str(row[context.language]), context.estimate(row)) for _, row in players.iterrows()])
    label = INDICATORS[key].label(context.language)
    unit = wording.chart_unit(INDICATORS[key], context.language)
    unit = difference_unit(key, context.language) if INDICATORS[key].unit == "%" else unit
    return context.picture(name, share_bars(bars, unit, context.language), context.indicator(key),
                           context.texts.plain("compare.shares_alt", label=label, rows=said))


def _share_table(context: ComparisonContext, rows: pd.DataFrame, title: Markup) -> Table:
    """Return total, players and channels in rows, the split indicators in columns."""
    texts = context.texts
    cells = {(str(row["kind"]) == CHANNEL, str(row["key"]), str(row["indicator"])): row for _, row in rows.iterrows()}
    players, channels = _ordered(rows, SPLIT[0])
    lines: list[tuple[Cell, bool, str]] = [(texts("compare.total"), False, TOTAL)]
    lines += [(str(row[context.language]), False, str(row["key"])) for _, row in players.iterrows()]
    lines += [(texts("compare.channel", name=texts(f"channel.{key}")), True, str(key)) for key in channels["key"]]
    table: list[list[Cell]] = [[name, *(_cell(context, cells[channel, key, indicator]) for indicator in SPLIT)]
                               for name, channel, key in lines]
    columns = [texts("compare.lever"), *(context.with_unit(key) for key in SPLIT)]
    return Table(title, columns, table, numbers=len(SPLIT), quiet=True)


def _cell(context: ComparisonContext, row: Any) -> str:
    """Return a share with its interval, and what part of the difference it is where that can be said."""
    if not row["draws"]:
        return wording.MISSING
    part = float(row["of_total"])
    text = context.estimate(row)
    return text if math.isnan(part) else f"{text} · {wording.number(100.0 * part, 0, context.language)} %"
