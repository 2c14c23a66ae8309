"""The tables of odd.md that stand in records: places, parameters, levers, shocks, indicators, evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from kechuang.city import load_city
from kechuang.evidence import evidence_file
from kechuang.parameters import MECHANISMS, Parameter, load_parameters
from kechuang.scenario.levers import LEVERS
from kechuang.scenario.shocks import SHOCKS
from kechuang.world.indicators import INDICATORS

ROLES = {
    "fit": "a run is compared with it",
    "check": "held against the model, never fitted",
    "input": "a parameter, a lever or the start rests on it",
    "target": "states a goal of the city or the corridor",
    "context": "not used; the record says why",
}


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""

    def line(cells: Iterable[object]) -> str:
        return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(header), "|" + "--|" * len(header), *map(line, rows)])


def code(text: object) -> str:
    """Return a text set as code."""
    return f"`{text}`"


def places() -> str:
    """The 13 places."""
    rows = (
        (code(one.key), one.en, one.zh, one.zone, f"{100 * one.firm_share:.1f}", f"{one.high_tech_quotient:g}")
        for one in load_city("taizhou").places
    )
    return table(("key", "place", "地点", "zone", "share of firms, %", "quotient of high-tech firms, 2015"), rows)


def industries() -> str:
    """The 8 industries."""
    lists = ("industry_firm_share", "industry_sales_share", "margin_mean", "technology_weight", "demand_exposure")
    values = [load_parameters()[key].value for key in lists]
    rows = (
        (code(one.key), one.en, one.zh, *(f"{value[row]:g}" for value in values if isinstance(value, tuple)))
        for row, one in enumerate(load_city("taizhou").industries)
    )
    return table(("key", "industry", "产业", *map(code, lists)), rows)


def parameters(read: frozenset[str]) -> str:
    """The parameters that a run reads, by mechanism, and the names of those that wait."""
    by_mechanism: dict[str, list[Parameter]] = {mechanism: [] for mechanism in MECHANISMS}
    for parameter in load_parameters().values():
        by_mechanism[parameter.mechanism].append(parameter)
    return "\n\n".join(part for mechanism, found in by_mechanism.items() for part in _mechanism(mechanism, found, read))


def _mechanism(mechanism: str, found: list[Parameter], read: frozenset[str]) -> Iterator[str]:
    used = [one for one in found if one.key in read]
    waiting = ", ".join(code(one.key) for one in found if one.key not in read)
    yield f"#### {mechanism} · {evidence_file().mechanisms[mechanism].en}"
    if used:
        rows = ((code(p.key), p.symbol, p.meaning.en, p.unit, _value(p), p.kind, _spread(p)) for p in used)
        yield table(("parameter", "symbol", "meaning", "unit", "value", "class", "prior or range"), rows)
    if waiting:
        yield f"Recorded with their sources, read by no rule yet: {waiting}."


def _value(parameter: Parameter) -> str:
    values = parameter.value if isinstance(parameter.value, tuple) else (parameter.value,)
    return ", ".join(f"{value:.10g}" for value in values)


def _spread(parameter: Parameter) -> str:
    if parameter.prior is not None:
        return str(parameter.prior)
    return f"{parameter.range[0]:g} to {parameter.range[1]:g}" if parameter.range else ""


def levers() -> str:
    """The 19 levers, with what they move."""
    rows = (
        (
            f"V{one.number}",
            code(one.key),
            one.en,
            one.level,
            "; ".join(f"{dial.key or 'main'}: {dial.low:g} to {dial.high:g} {dial.unit}" for dial in one.dials),
            one.mechanism,
        )
        for one in LEVERS.values()
    )
    return table(("", "lever", "name", "decided by", "dials", "works through"), rows)


def shocks() -> str:
    """The shocks a scenario may hold."""
    rows = (
        (code(shock.key), code(one.key), one.unit, f"{one.low:g} to {one.high:g}", one.meaning)
        for shock in SHOCKS.values()
        for one in shock.settings
    )
    return table(("shock", "setting", "unit", "range", "meaning"), rows)


def indicators() -> str:
    """What a run reports."""
    rows = (
        (code(one.key), one.zh, one.unit, one.scope, one.kind, one.prices or "-", one.definition)
        for one in INDICATORS.values()
    )
    return table(("indicator", "中文", "unit", "scope", "kind", "prices", "definition"), rows)


def evidence() -> str:
    """How many figures there are, by what they are used for."""
    counted: Counter[str] = Counter(record.role for record in evidence_file().records)
    return table(("role", "figures", "meaning"), ((role, counted[role], text) for role, text in ROLES.items()))
