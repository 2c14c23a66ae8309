"""A comparison as a terminal shows it, in English or Chinese, readable at 80 columns."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kechuang.analyse.compare import CANNOT_ORDER, MAIN
from kechuang.commands.compare_words import COST_ITEMS, STATUS_ZH, UNITS, WORDS
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType
    from rich.table import Table

    from kechuang.analyse.compare import Comparison


def comparison_view(found: Comparison, language: str, indicators: Sequence[str] | None = None) -> RenderableType:
    """Return differences, costs and orders of a comparison, with what has to be said about them."""
    from rich.console import Group
    from rich.text import Text

    words = WORDS[language]
    keys = list(dict.fromkeys(indicators or MAIN))
    titles = {label: run.record["scenario"]["title"][language] for label, run in _named_runs(found)}
    parts: list[RenderableType] = [Text(_heading(found, titles, language), style="bold")]
    for scenario in found.others:
        for date in found.dates:
            rows = found.table[(found.table["scenario"] == scenario) & (found.table["date"] == date)]
            subject = words["subject"].format(date=date, scenario=titles[scenario], base=titles[found.base])
            parts += [Text(), Text(subject, style="bold"), _differences(rows.set_index("indicator"), keys, language)]
            if len(found.labels) == 2:
                parts += _unordered(found, date, keys, language)
            costs = found.costs[(found.costs["scenario"] == scenario) & (found.costs["date"] == date)]
            parts += [Text(words["costs"].format(date=date)), _costs(costs, language)]
    if len(found.labels) > 2:
        parts += [Text(), Text(words["orders"], style="bold"), _orders(found, keys, language)]
    parts.append(Text(words["caption"], style="dim"))
    if found.runs:
        parts.append(Text(words[found.runs[0].parameters], style="dim"))
    return Group(*parts)


def _named_runs(found: Comparison) -> Iterator[tuple[str, Any]]:
    yield from zip(found.labels, found.runs, strict=True)


def _heading(found: Comparison, titles: dict[str, str], language: str) -> str:
    names = "; ".join(f"S{number} {titles[label]} ({label})" for number, label in enumerate(found.labels, start=1))
    return WORDS[language]["heading"].format(names=names, draws=found.draws, seed=found.runs[0].record["seed"])


def _differences(rows: pd.DataFrame, keys: Sequence[str], language: str) -> Table:
    table = _table(WORDS[language]["columns"].split("|"))
    for key in keys:
        row: Any = rows.loc[key]
        if not row["draws"]:
            table.add_row(label_of(key, language), WORDS[language]["no value"])
            continue
        same = row["probability"] == row["lower"] == 0.0
        half = float(row["high"] - row["low"]) / 2.0
        decimals = _decimals(max(abs(float(row["mean"])), 0.0 if math.isnan(half) else half))
        spread = "" if math.isnan(half) else f" ±{half:.{decimals}f}"
        table.add_row(
            label_of(key, language),
            _number(row["base_mean"]),
            WORDS[language]["same"] if same else f"{row['mean']:+.{decimals}f}{spread}",
            "" if same else " ".join(_number(row[name], "+") for name in ("q05", "q50", "q95")),
            "" if same else f"{100.0 * row['probability']:.0f} ±{_percent(row['probability_error'])}",
            _times(row["variance_ratio"]),
        )
    return table


def _unordered(found: Comparison, date: str, keys: Sequence[str], language: str) -> Iterator[RenderableType]:
    """Yield the line on what the evidence cannot order."""
    from rich.text import Text

    rows = found.rankings[(found.rankings["date"] == date) & found.rankings["indicator"].isin(keys)]
    open_ones = set(rows.loc[rows["verdict"] == CANNOT_ORDER, "indicator"])
    words = WORDS[language]
    names = words["comma"].join(label_of(key, language) for key in keys if key in open_ones)
    if names:
        yield Text(f"{words[CANNOT_ORDER]}{words['colon']}{names}")


def _costs(rows: pd.DataFrame, language: str) -> Table:
    words = WORDS[language]
    table = _table(words["cost columns"].split("|"))
    main = rows["rate"].isna() | (rows["rate"] == rows["rate"].max() - 0.02)
    for item, text in COST_ITEMS[language].items():
        chosen = rows[(rows["item"] == item) & main]
        if item == "contingent" and (chosen["value"] == 0.0).all():
            continue
        first = True
        for _, row in chosen.iterrows():
            others = rows[(rows["item"] == item) & (rows["payer"] == row["payer"]) & ~main].sort_values("rate")
            reading = words[row["reading"]] if row["reading"] else ""
            table.add_row(
                text if first else "",
                words.get(f"payer {row['payer']}", ""),
                "\n".join(part for part in (_cost(row, language), reading) if part),
                *(_number(value, "+") for value in others["value"]),
            )
            first = False
    return table


def _cost(row: Any, language: str) -> str:
    if row["status"]:
        return STATUS_ZH[row["status"]] if language == "zh" else str(row["status"])
    factor, sign = (100.0, "") if row["unit"] == "share" else (1.0, "+")
    bounds = [_number(factor * row[name], sign) for name in ("low", "high")]
    interval = "" if math.isnan(row["low"]) else f" [{bounds[0]}, {bounds[1]}]"
    return f"{_number(factor * row['value'], sign)}{interval}"


def _orders(found: Comparison, keys: Sequence[str], language: str) -> Table:
    """Return the most frequent order of all scenarios, and where it is not clear, the pairs that are."""
    words = WORDS[language]
    table = _table(words["order columns"].split("|"))
    short = {label: f"S{number}" for number, label in enumerate(found.labels, start=1)}
    for date in found.dates:
        for key in keys:
            rows = found.rankings[(found.rankings["date"] == date) & (found.rankings["indicator"] == key)]
            ranked = rows[rows["kind"] == "ranking"]
            if ranked.empty:
                continue
            best = ranked.iloc[0]
            cells = [label_of(key, language), date, _shorten(best["order"], short)]
            share = f"{100.0 * best['share']:.0f} ±{_percent(best['error'])}"
            verdict = ""
            if best["verdict"] == CANNOT_ORDER:
                pairs = rows[(rows["kind"] == "pair") & (rows["verdict"] == rows["order"])]
                sure = words["comma"].join(_shorten(text, short) for text in pairs["order"])
                verdict = words[CANNOT_ORDER] + (f"{words['but']}{sure}" if sure else "")
            table.add_row(*cells, share, verdict)
        table.add_section()
    return table


def _shorten(order: str, short: dict[str, str]) -> str:
    return "".join(short.get(part, part) for part in re.split(r"( [>=] )", order))


def _table(columns: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    first, *others = columns
    table.add_column(first, overflow="fold", min_width=14)
    for name in others:
        # A name that ends in `:` heads a column of words, which may be folded.
        wide = name.endswith(":")
        table.add_column(name.rstrip(":"), no_wrap=not wide, justify="left" if wide else "right")
    return table


def label_of(key: str, language: str) -> str:
    """Return an indicator's name with its unit, and that it is of one quarter where the name does not say so."""
    indicator = INDICATORS[key]
    name = indicator.label(language)
    single = indicator.kind == "flow" and not re.search("quarter|当季|近四季", f"{indicator.en}{indicator.zh}")
    units = [UNITS[language].get(indicator.unit, indicator.unit), WORDS[language]["a quarter"] if single else ""]
    inside = WORDS[language]["unit comma"].join(unit for unit in units if unit)
    return f"{name}{WORDS[language]['brackets'].format(inside)}" if inside else name


def _decimals(size: float) -> int:
    """Return how many decimals show about three digits: 123, 12.3, 1.23, 0.123, and 0.0012 for what is tiny."""
    if size == 0.0 or math.isnan(size) or math.isinf(size):
        return 0
    return min(4, max(0, 2 - math.floor(math.log10(size))))


def _number(value: Any, sign: str = "") -> str:
    number = float(value)
    if math.isnan(number):
        return "-"
    return f"{number:{sign}.{_decimals(abs(number))}f}" if number else "0"


def _percent(share: Any) -> str:
    """Return an error in percent, never rounded to nothing: 14, 0.5."""
    percent = 100.0 * float(share)
    return f"{percent:.0f}" if percent >= 0.95 else f"{percent:.1f}"


def _times(value: Any) -> str:
    number = float(value)
    if math.isnan(number):
        return "-"
    return "∞" if math.isinf(number) else f"{number:.0f}" if number >= 9.95 else f"{number:.1f}"
