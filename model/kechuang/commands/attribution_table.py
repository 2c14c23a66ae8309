"""Where a difference comes from, as a terminal shows it: flows of firms, shares of levers, sums by channel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kechuang.analyse.attribution import CHANNEL, TOTAL
from kechuang.analyse.compare_flows import BESIDE, PART, STOCK
from kechuang.commands.compare_table import label_of, plain_table, with_interval

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType
    from rich.table import Table

    from kechuang.analyse.comparison import Comparison

MAIN = ("high_tech_firms", "rd_real", "gdp_four_quarters")
"""Indicators that are split on the terminal unless others are named; the file holds all."""
_COLUMNS = 3

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "flows": "{date}: the difference of {scenario} in counts, from flows since 2016, {draws} draws",
        "flow columns": "Stock and flows|difference",
        "beside": "  not added: ",
        "shares": "{date}: the difference of {scenario} split over what it sets differently, {draws} draws",
        "share column": "Setting",
        TOTAL: "Difference",
        "firms": "Channel: firms",
        "people": "Channel: people",
        "money": "Channel: money",
        "knowledge": "Channel: knowledge",
        "apart": "Bounds all channels",
        "nothing": "These scenarios set nothing differently before that date.",
        "exact": "Shapley shares from all coalitions; ± is half of the 95 % interval over draws.",
        "sampled": "Shapley shares; each draw takes the settings in an order of its own and in its reverse. ± is half of "
        "the 95 % interval over draws and orders. Shares add up to the difference.",
        "idle": "Changes nothing before that date: ",
        "comma": ", ",
    },
    "zh": {
        "flows": "{date}：{scenario} 的户数差额，按2016年以来的流量拆分，{draws} 次抽样",
        "flow columns": "存量与流量|差额",
        "beside": "  不计入：",
        "shares": "{date}：{scenario} 的差额按不同设定拆分，{draws} 次抽样",
        "share column": "设定",
        TOTAL: "差额合计",
        "firms": "渠道：企业",
        "people": "渠道：人才",
        "money": "渠道：资金",
        "knowledge": "渠道：知识",
        "apart": "约束所有渠道",
        "nothing": "截至该时点，两个情景的设定没有差别。",
        "exact": "夏普利值，遍历所有组合；±为各次抽样95 %置信区间的一半。",
        "sampled": "夏普利值，每次抽样按各自的顺序及其逆序逐项加入；±为95 %置信区间的一半，含抽样与顺序的误差。各项之和等于差额。",
        "idle": "截至该时点不起作用：",
        "comma": "、",
    },
}


def attribution_view(found: Comparison, language: str, indicators: Sequence[str] | None = None) -> RenderableType:
    """Return the flows behind differences of counts, and the shares of levers and channels, for every scenario and date."""
    from rich.console import Group

    parts: list[RenderableType] = []
    titles = {
        label: run.record["scenario"]["title"][language] for label, run in zip(found.labels, found.runs, strict=True)
    }
    keys = list(dict.fromkeys(indicators or MAIN))
    for attribution in found.attributions:
        scenario = attribution.plan.label
        for date in attribution.plan.dates:
            flows = found.flows[(found.flows["scenario"] == scenario) & (found.flows["date"] == date)]
            heading = WORDS[language]["flows"].format(date=date, scenario=titles[scenario], draws=found.draws)
            parts += _flow_parts(flows, heading, language)
            table = found.attribution
            rows = table[(table["scenario"] == scenario) & (table["date"] == date)]
            parts += _share_parts(rows, keys, date, titles[scenario], language)
    return Group(*parts)


def _flow_parts(rows: pd.DataFrame, heading: str, language: str) -> Iterator[RenderableType]:
    from rich.text import Text

    words = WORDS[language]
    yield Text()
    yield Text(heading, style="bold")
    table = plain_table(words["flow columns"].split("|"))
    for _, row in rows.iterrows():
        before = {STOCK: "", PART: "    ", BESIDE: words["beside"]}.get(row["kind"], "  ")
        table.add_row(f"{before}{row[language]}", with_interval(row))
    yield table


def _share_parts(
    rows: pd.DataFrame, keys: Sequence[str], date: str, title: str, language: str
) -> Iterator[RenderableType]:
    from rich.text import Text

    words = WORDS[language]
    draws = int(rows["draws"].max())
    yield Text(words["shares"].format(date=date, scenario=title, draws=draws), style="bold")
    players = rows[~rows["kind"].isin([TOTAL, CHANNEL])]
    if players.empty:
        yield Text(words["nothing"])
        return
    for first in range(0, len(keys), _COLUMNS):
        yield _shares(rows, keys[first : first + _COLUMNS], language)
    yield Text(words[str(rows["method"].iloc[0])], style="dim")
    idle = players[players["method"] == "idle"].drop_duplicates("key")
    if len(idle):
        yield Text(words["idle"] + words["comma"].join(idle[language]), style="dim")


def _shares(rows: pd.DataFrame, keys: Sequence[str], language: str) -> Table:
    """Return total, players by the size of their share in the first indicator, and channels."""
    words = WORDS[language]
    chosen = rows[rows["indicator"].isin(keys) & (rows["method"] != "idle")]
    table = plain_table([words["share column"], *(f"{label_of(key, language)}:" for key in keys)])
    cells = {(row["kind"] == CHANNEL, row["key"], row["indicator"]): row for _, row in chosen.iterrows()}
    first = chosen[chosen["indicator"] == keys[0]]
    players = first[~first["kind"].isin([TOTAL, CHANNEL])].sort_values("mean", key=abs, ascending=False)
    lines = [(words[TOTAL], False, TOTAL)]
    lines += [(row[language], False, row["key"]) for _, row in players.iterrows()]
    channels = [(words[key], True, key) for key in first.loc[first["kind"] == CHANNEL, "key"]]
    for name, channel, key in [*lines, *channels]:
        if key == TOTAL or (name, channel, key) == channels[0]:
            table.add_section()
        table.add_row(name, *(_cell(cells[channel, key, indicator]) for indicator in keys))
        if key == TOTAL:
            table.add_section()
    return table


def _cell(row: Any) -> str:
    """Return a share with its interval and what part of the difference it is, where that can be said."""
    if not row["draws"]:
        return "-"
    part = row["of_total"]
    return with_interval(row) + ("" if math.isnan(part) else f" ({round(100.0 * part) + 0:d} %)")
