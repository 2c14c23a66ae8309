"""A comparison as a terminal shows it, in English or Chinese, readable at 80 columns."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from kechuang.analyse.compare_costs import RATES
from kechuang.analyse.comparison import CANNOT_ORDER, MAIN
from kechuang.commands.compare_words import COST_ITEMS, STATUS_ZH, UNITS, WORDS
from kechuang.world.indicators import INDICATORS

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType
    from rich.table import Table

    from kechuang.analyse.comparison import Comparison


def comparison_view(found: Comparison, language: str, indicators: Sequence[str] | None = None) -> RenderableType:
    """Return differences, costs and orders of a comparison, with what has to be said about them."""
    from rich.console import Group
    from rich.text import Text

    words = WORDS[language]
    keys = list(dict.fromkeys(indicators or MAIN))
    titles = {label: run.record["scenario"]["title"][language] for label, run in _named_runs(found)}
    seed = found.runs[0].record["seed"]
    parts: list[RenderableType] = [Text(words["heading"].format(draws=found.draws, seed=seed), style="bold")]
    parts += [Text(f"S{number} {titles[label]} [{label}]") for number, label in enumerate(found.labels, start=1)]
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


def _differences(rows: pd.DataFrame, keys: Sequence[str], language: str) -> Table:
    table = plain_table(WORDS[language]["columns"].split("|"))
    for key in keys:
        row: Any = rows.loc[key]
        if not row["draws"]:
            table.add_row(label_of(key, language), WORDS[language]["no value"])
            continue
        same = row["probability"] == row["lower"] == 0.0
        table.add_row(
            label_of(key, language),
            _number(row["base_mean"]),
            WORDS[language]["same"] if same else with_interval(row),
            "" if same else _quantiles(row),
            "" if same else f"{100.0 * row['probability']:.0f} ±{_percent(row['probability_error'])}",
            _times(row["variance_ratio"]),
        )
    return table


def with_interval(row: Any) -> str:
    """Return a mean with the half-width of its interval, both to two digits of the half-width: +1099 ±695."""
    half = float(row["high"] - row["low"]) / 2.0
    if math.isnan(half) or half == 0.0:
        return _number(row["mean"], "+")
    decimals = _decimals(half, digits=2)
    return f"{row['mean']:+.{decimals}f} ±{half:.{decimals}f}"


def _quantiles(row: Any) -> str:
    """Return the three quantiles with the decimals of the largest, which shows two digits."""
    numbers = [float(row[name]) for name in ("q05", "q50", "q95")]
    decimals = _decimals(max(abs(number) for number in numbers), digits=2)
    return " ".join(f"{round(number, decimals) + 0.0:.{decimals}f}" for number in numbers)


def _unordered(found: Comparison, date: str, keys: Sequence[str], language: str) -> Iterator[RenderableType]:
    """Yield a line on what the evidence cannot order, and one on what it orders by less than the error."""
    from rich.text import Text

    rows = found.rankings[(found.rankings["date"] == date) & found.rankings["indicator"].isin(keys)]
    words = WORDS[language]
    for name, chosen in ((CANNOT_ORDER, rows["verdict"] == CANNOT_ORDER), ("narrow", rows["within_error"])):
        listed = set(rows.loc[chosen.astype(bool), "indicator"])
        names = words["and"].join(INDICATORS[key].label(language) for key in keys if key in listed)
        if names:
            yield Text(f"{words[name]}{words['colon']}{names}")


def _costs(rows: pd.DataFrame, language: str) -> Table:
    words = WORDS[language]
    table = plain_table(words["cost columns"].split("|"))
    main = rows["rate"].isna() | (rows["rate"] == RATES[0])
    for item, text in COST_ITEMS[language].items():
        chosen = rows[(rows["item"] == item) & main]
        if item == "contingent" and (chosen["value"] == 0.0).all():
            continue
        lines = [_cost_cells(row, rows[~main], language) for _, row in chosen.iterrows()]
        if len(lines) == 2 and lines[0][1:] == lines[1][1:]:
            lines = [[words["payer both"], *lines[0][1:]]]
        for name, cells in zip((text, ""), lines, strict=False):
            table.add_row(name, *cells)
    return table


def _cost_cells(row: Any, others: pd.DataFrame, language: str) -> list[str]:
    """Return who pays, the number with its interval and reading, and what it is at the other discount rates."""
    words = WORDS[language]
    same = others[(others["item"] == row["item"]) & (others["payer"] == row["payer"])].sort_values("rate")
    number = [_cost(row, language), *([words[row["reading"]]] if row["reading"] else [])]
    sign = _sign(row)
    return [
        words.get(f"payer {row['payer']}", ""),
        "\n".join(number),
        *(_number(value, sign) for value in same["value"]),
    ]


def _sign(row: Any) -> str:
    """Return the format of the sign: differences always bear one."""
    return "" if str(row["item"]).startswith(("per_", "relabelled")) else "+"


def _cost(row: Any, language: str) -> str:
    if row["status"]:
        return STATUS_ZH[row["status"]] if language == "zh" else str(row["status"])
    factor, sign = 100.0 if row["unit"] == "share" else 1.0, _sign(row)
    bounds = [_number(factor * row[name], sign) for name in ("low", "high")]
    interval = "" if math.isnan(row["low"]) else f" [{bounds[0]}, {bounds[1]}]"
    return f"{_number(factor * row['value'], sign)}{interval}"


def _orders(found: Comparison, keys: Sequence[str], language: str) -> Table:
    """Return the most frequent order of all scenarios, and where it is not clear, the pairs that are."""
    words = WORDS[language]
    table = plain_table(words["order columns"].split("|"))
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
            verdict = words["narrow"] if best["within_error"] else ""
            if best["verdict"] == CANNOT_ORDER:
                pairs = rows[(rows["kind"] == "pair") & (rows["verdict"] == rows["order"])]
                sure = words["comma"].join(_shorten(text, short) for text in pairs["order"])
                verdict = words[CANNOT_ORDER] + (f"{words['but']}{sure}" if sure else "")
            table.add_row(*cells, share, verdict)
        table.add_section()
    return table


def _shorten(order: str, short: dict[str, str]) -> str:
    return "".join(short.get(part, part) for part in re.split(r"( [>=] )", order))


def plain_table(columns: Sequence[str]) -> Table:
    """Return an empty table with these heads, the first of them that of names; `:` at the end marks words."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    first, *others = columns
    table.add_column(first, overflow="fold", min_width=14)
    for name in others:
        # A name that ends in `:` heads a column of words, which may be folded.
        wide = name.endswith(":")
        justify: Literal["left", "right"] = "left" if wide else "right"
        table.add_column(name.rstrip(":"), no_wrap=not wide, overflow="fold", justify=justify)
    return table


def label_of(key: str, language: str) -> str:
    """Return an indicator's name with its unit, and that it is of one quarter where the name does not say so."""
    indicator = INDICATORS[key]
    name = indicator.label(language)
    single = indicator.kind == "flow" and not re.search("quarter|当季|近四季", f"{indicator.en}{indicator.zh}")
    unit = UNITS[language].get(indicator.unit, indicator.unit)
    unit += WORDS[language]["a quarter"] if single and unit else ""
    return f"{name}{WORDS[language]['before unit']}{unit}" if unit else name


def _decimals(size: float, digits: int = 3) -> int:
    """Return how many decimals show about three digits: 123, 12.3, 1.23, 0.123, and 0.0012 for what is tiny."""
    if size == 0.0 or math.isnan(size) or math.isinf(size):
        return 0
    return min(4, max(0, digits - 1 - math.floor(math.log10(size))))


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
    if number > 999.0:
        return "∞" if math.isinf(number) else ">999"
    return f"{number:.0f}" if number >= 9.95 else f"{number:.1f}"
