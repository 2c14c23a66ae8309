"""The national calendar of tax rules: what the law says in a year, under two readings of the time after 2020.

Law "2020" carries the rules of the end of 2020 on for ever; "known" goes on with the rules as later written.
This is data only, from `calibration/law.yaml`; the tax functions that use it belong to the world.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from kechuang.clock import quarter_index
from kechuang.datafile import DataFile, Node
from kechuang.errors import InputError, did_you_mean

FILE = "calibration/law.yaml"
LAWS = ("2020", "known")
_FIRST_YEAR, _LAST_YEAR = 2008, 2060
Rule = TypeVar("Rule")


@dataclass(frozen=True)
class SmallProfit:
    """Schedule of small low-profit firms in a year; profits in 万元 a year, rates as shares.

    Up to `limit` the profit is taxed band by band: `band_rates[k]` up to `band_bounds[k]`. Above it, or above
    `staff_max` workers or `assets_max` 万元 (`..._other` outside industry), all profit pays the regular rate.
    """

    limit: float
    band_bounds: tuple[float, ...]
    band_rates: tuple[float, ...]
    staff_max: float
    assets_max: float
    staff_max_other: float
    assets_max_other: float
    source: str


@dataclass(frozen=True)
class HighTech:
    """What a certificate of a national high-tech enterprise gives and asks for."""

    rate: float
    certificate_quarters: int
    notch_bounds: tuple[float, ...]
    notch_rates: tuple[float, ...]
    staff_share_min: float
    revenue_share_min: float
    source: str


@dataclass(frozen=True)
class LossCarryForward:
    """Years for which a loss counts, and how many (`listed`) for firms on the list from a year on."""

    ordinary: int
    listed: int
    listed_from: int


@dataclass(frozen=True)
class _Deduction:
    """Super-deduction of the law in per cent, and what evaluated technology SMEs (`listed_...`) get."""

    manufacturing: float
    other: float
    listed_manufacturing: float
    listed_other: float


@dataclass(frozen=True)
class Law:
    """The whole calendar; entries as (first year or quarter, rule), in order of time, by law."""

    regular_rate: float
    small_profit: dict[str, tuple[tuple[int, SmallProfit], ...]]
    super_deduction: dict[str, tuple[tuple[int, _Deduction], ...]]
    evaluated_share: float
    high_tech: HighTech
    loss_carry_forward: LossCarryForward


@cache
def load_law() -> Law:
    """Return the calendar that is shipped with the package."""
    from kechuang.resources import path

    return read_law(path(FILE), FILE)


def small_profit_bands(law: str, year: int) -> SmallProfit:
    """Return the schedule of small low-profit firms in a year (before 2016: that of 2016)."""
    return _in_force(load_law().small_profit[_known(law)], year)


def super_deduction(law: str, quarter: int) -> dict[str, dict[str, float]]:
    """Return the super-deduction of quarter t in per cent of R&D (before 2016Q1: that of 2016Q1).

    {"manufacturing" | "other": {"base_percent": ladder 0, "listed_percent": ladder 1 and above}}; the second
    is a mean over the list, part of which passes the national evaluation.
    """
    calendar = load_law()
    rule = _in_force(calendar.super_deduction[_known(law)], quarter)

    def rates(base: float, evaluated: float) -> dict[str, float]:
        return {"base_percent": base,
                "listed_percent": base + (evaluated - base) * calendar.evaluated_share}

    return {"manufacturing": rates(rule.manufacturing, rule.listed_manufacturing),
            "other": rates(rule.other, rule.listed_other)}


def read_law(path: Path, name: str) -> Law:
    """Read a calendar file; `name` is how messages call it."""
    file = DataFile(path, name)
    parts = ("regular_rate", "small_profit", "super_deduction", "high_tech", "loss_carry_forward")
    fields = file.root.fields(parts)
    if len(fields) < len(parts):
        file.finish()
    deduction = fields["super_deduction"].fields((*LAWS, "evaluated_share"))
    share = deduction.get("evaluated_share")
    law = Law(
        regular_rate=_sourced_share(fields["regular_rate"]),
        small_profit=_calendars(fields["small_profit"].fields(LAWS), _year, _read_small_profit),
        super_deduction=_calendars(deduction, _quarter, _read_deduction),
        evaluated_share=_sourced_share(share) if share is not None else 0.0,
        high_tech=_read_high_tech(fields["high_tech"]),
        loss_carry_forward=_read_loss(fields["loss_carry_forward"]))
    file.finish()
    return law


def _known(law: str) -> str:
    if law not in LAWS:
        raise InputError(f'law "{law}" is not one of {", ".join(LAWS)}{did_you_mean(law, LAWS)}')
    return law


def _in_force(calendar: tuple[tuple[int, Rule], ...], when: int) -> Rule:
    """Return the last entry that has begun; the first one before its date."""
    begun = [rule for start, rule in calendar if start <= when]
    return begun[-1] if begun else calendar[0][1]


def _calendars(fields: dict[str, Node], read_start: Callable[[Node], int],
               read_rule: Callable[[Node], Rule]) -> dict[str, tuple[tuple[int, Rule], ...]]:
    """Read the entries of both laws; those of "known" follow those of "2020"."""
    found: dict[str, tuple[tuple[int, Rule], ...]] = {}
    before: tuple[tuple[int, Rule], ...] = ()
    for law in LAWS:
        for entry in fields[law].elements() if law in fields else ():
            start_node = dict(entry.items()).get("from")
            start = read_start(start_node) if start_node is not None else 0
            if before and start <= before[-1][0] and start_node is not None:
                start_node.problem("must come after the entry before it")
            before = (*before, (start, read_rule(entry)))
        if not before and law in fields:
            fields[law].problem("has no entry")
        found[law] = before
    return found


def _year(node: Node) -> int:
    return node.whole(_FIRST_YEAR, _LAST_YEAR)


def _quarter(node: Node) -> int:
    try:
        return quarter_index(str(node.value))
    except ValueError as error:
        node.problem(str(error))
        return 0


def _read_small_profit(node: Node) -> SmallProfit:
    amounts = ("limit", "staff", "assets", "staff_other", "assets_other")
    fields = node.fields(("from", *amounts, "bounds", "rates", "source"))
    limit, staff, assets, staff_other, assets_other = (
        fields[key].number(0) if key in fields else 0.0 for key in amounts)
    bounds = fields["bounds"].numbers(low=0) if "bounds" in fields else ()
    rates = fields["rates"].numbers(len(bounds), 0, 1) if "rates" in fields else ()
    if len(bounds) > 2:
        fields["bounds"].problem("small profits are taxed in two bands at most")
    if "bounds" in fields and (list(bounds) != sorted(set(bounds)) or bounds[-1:] != (limit,)):
        fields["bounds"].problem("must rise and end at the limit")
    return SmallProfit(limit, bounds, rates, staff, assets, staff_other, assets_other, _source(fields))


def _read_deduction(node: Node) -> _Deduction:
    names = ("manufacturing", "other", "listed_manufacturing", "listed_other")
    fields = node.fields(("from", *names, "source"), ("evidence",))
    _source(fields)
    return _Deduction(*(fields[key].number(0, 200) if key in fields else 0.0 for key in names))


def _read_high_tech(node: Node) -> HighTech:
    shares = ("rate", "staff_share_min", "revenue_share_min")
    fields = node.fields((*shares, "certificate_quarters", "notch_bounds", "notch_rates", "source"),
                         ("evidence",))
    rate, staff, revenue = (fields[key].number(0, 1) if key in fields else 0.0 for key in shares)
    bounds = fields["notch_bounds"].numbers(low=0) if "notch_bounds" in fields else ()
    rates = fields["notch_rates"].numbers(len(bounds) + 1, 0, 1) if "notch_rates" in fields else ()
    quarters = fields["certificate_quarters"].whole(1) if "certificate_quarters" in fields else 1
    return HighTech(rate, quarters, bounds, rates, staff, revenue, _source(fields))


def _read_loss(node: Node) -> LossCarryForward:
    fields = node.fields(("ordinary", "listed", "listed_from", "source"))
    _source(fields)
    return LossCarryForward(*(fields[key].whole(0) if key in fields else 0
                              for key in ("ordinary", "listed", "listed_from")))


def _sourced_share(node: Node) -> float:
    fields = node.fields(("value", "source"))
    _source(fields)
    return fields["value"].number(0, 1) if "value" in fields else 0.0


def _source(fields: dict[str, Node]) -> str:
    return fields["source"].text() if "source" in fields else ""
