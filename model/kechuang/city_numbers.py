"""The numbers of another city: what its file puts in place of the first city's numbers in calibration/parameters.yaml.

A city file may have a part `numbers` with `quantities` (what is known or assumed about the city, each with a source), with
`parameters` (which parameter becomes what), with `levers` (policy of its own) and with `test` (what a transfer is judged by).
A quantity is one number, a prior, or several named readings of one text. A parameter becomes a value, a sum of quantities,
or the drawn value times a factor. Everything else stays as drawn: that is what a transfer of the model means. About every
parameter of `LOCAL` a city has to say something, and be it that it is assumed to be the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kechuang.errors import InputError, did_you_mean
from kechuang.parameters import read_prior
from kechuang.priors import Prior

if TYPE_CHECKING:
    from kechuang.city import City
    from kechuang.datafile import Node
    from kechuang.parameters import Draw, Value

Readings = Mapping[str, str]
"""Quantity -> name of the reading that is taken."""
_FORMS = ("value", "sum", "factor")
LOCAL = (
    "shock_depth_2020",
    "research_reported_2015",
    "other_research_share",
    "pool_size",
    "listing_cap_2015",
    "talent_stock_2015",
    "talent_inflow",
    "academician_visits",
    "small_firm_loans_2020",
    "other_borrowers",
    "carriers_2015",
    "carrier_births",
    "digital_project_arrivals",
    "digital_project_arrivals_2020",
    "local_revenue_2020",
    "modelled_revenue_2020",
    "support_ceiling_2020",
    "above_scale_firms",
    "manufacturing_units",
    "software_units",
    "registry_total",
    "registry_listed_high_tech",
    "direct_high_tech",
    "industry_firm_share",
    "industry_sales_share",
    "above_scale_value_share",
    "research_share_2020",
    "gdp_2016",
    "gdp_2020",
    "industry_value_added_2016",
    "industry_value_added_2020",
    "construction_value_added_2020",
    "corridor_firm_share",
)
"""Parameters that are sizes, stocks and shares of the first city and not behaviour: those of any other city differ."""


@dataclass(frozen=True)
class Quantity:
    """Something known of a city: one number, or a prior, or named readings; exactly one of the three."""

    source: str
    value: float | None = None
    prior: Prior | None = None
    readings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Replacement:
    """What a parameter becomes: `value`, or the sum of weights x quantities, or that sum times the drawn value.

    `least` bounds a sum from below. In `weights` the empty name stands for the number 1.
    """

    source: str
    form: str
    value: float | tuple[float, ...] = 0.0
    weights: dict[str, float] = field(default_factory=dict)
    least: float | None = None


@dataclass(frozen=True)
class CityTest:
    """What a transfer is judged by: indicator -> evidence (summed) of the outcomes and of what is only looked at.

    `start` names the quantities that are the counts of end-2015; the verdict asks for one value of `reading` under which
    all outcomes are met, whatever the other readings are. `note` is a caution that belongs on the page.
    """

    reading: str
    start: dict[str, str]
    outcomes: dict[str, tuple[str, ...]]
    checks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class CityNumbers:
    """All numbers of a city's own; a city without any has those of the parameters."""

    quantities: dict[str, Quantity] = field(default_factory=dict)
    parameters: dict[str, Replacement] = field(default_factory=dict)
    levers: dict[str, Any] = field(default_factory=dict)
    test: CityTest | None = None

    def variants(self) -> tuple[dict[str, str], ...]:
        """Return every combination of readings; one empty choice where no quantity has several."""
        several = {name: tuple(item.readings) for name, item in self.quantities.items() if item.readings}
        return tuple(dict(zip(several, chosen, strict=True)) for chosen in itertools.product(*several.values()))

    def quantity(self, city: str, name: str, readings: Readings, draw_id: int, seed: int) -> float:
        """Return a quantity in one draw."""
        return _quantity(city, name, self.quantities[name], readings.get(name), draw_id, seed)


def adapted(draw: Draw, city: City, readings: Readings | None = None, seed: int = 0) -> Draw:
    """Return a draw with the numbers of a city; a quantity without a named reading takes its first one.

    Quantities with a prior have one number per draw, keyed by (seed, id of the draw, city, quantity): the readings of one
    draw share it. InputError if a reading or a parameter does not exist.
    """
    numbers, chosen = city.numbers, dict(readings or {})
    faults = [f'the city "{city.key}" has no quantity "{name}" with a reading "{reading}"' for name, reading in chosen.items()
              if name not in numbers.quantities or reading not in numbers.quantities[name].readings]
    if faults:
        raise InputError("\n".join(faults))
    known = {"": 1.0} | {
        name: _quantity(city.key, name, item, chosen.get(name), draw.id, seed) for name, item in numbers.quantities.items()
    }
    return draw.with_values(**{key: _replaced(draw, key, change, known) for key, change in numbers.parameters.items()})


def _quantity(city: str, name: str, item: Quantity, reading: str | None, draw_id: int, seed: int) -> float:
    from kechuang.parameters import parameter_uniform

    if item.readings:
        return item.readings[reading] if reading else next(iter(item.readings.values()))
    if item.prior is not None:
        return item.prior.median if draw_id < 0 else item.prior.quantile(parameter_uniform(f"{city}/{name}", draw_id, seed))
    return float(item.value or 0.0)


def _replaced(draw: Draw, key: str, change: Replacement, known: Mapping[str, float]) -> Value:
    if change.form == "value":
        return change.value
    total = sum(weight * known[name] for name, weight in change.weights.items())
    if change.form == "sum":
        return total if change.least is None else max(total, change.least)
    old = draw.values.get(key, 0.0)
    return tuple(total * x for x in old) if isinstance(old, tuple) else total * old


# Reading ------------------------------------------------------------------------------------------------------------------


def read_numbers(node: Node) -> CityNumbers:
    """Read the part `numbers` of a city file; faults are noted with the file."""
    from kechuang.parameters import load_parameters

    parts = node.fields(("parameters",), ("quantities", "levers", "test"))
    quantities = {name: _read_quantity(part) for name, part in _items(parts.get("quantities"))}
    parameters, known = {}, load_parameters()
    for key, part in _items(parts.get("parameters")):
        if key not in known:
            part.problem(f"is not a parameter{did_you_mean(key, known)}")
        parameters[key] = _read_replacement(part, quantities, known[key].value if key in known else 0.0)
    missing = [key for key in LOCAL if key not in parameters]
    if missing:
        node.problem(f"says nothing about {', '.join(missing)}; write `factor: 1` where the number is assumed to be the same")
    levers = parts["levers"].value if "levers" in parts else {}
    if not isinstance(levers, Mapping):
        parts["levers"].problem("must be levers as in a scenario file")
        levers = {}
    test = _read_test(parts["test"], quantities) if "test" in parts else None
    return CityNumbers(quantities, parameters, {str(key): value for key, value in levers.items()}, test)


def _items(node: Node | None) -> Iterator[tuple[str, Node]]:
    return iter(()) if node is None else node.items()


def _read_quantity(node: Node) -> Quantity:
    fields = node.fields(("source",), ("value", "prior", "readings"))
    source = fields["source"].text() if "source" in fields else ""
    if len({"value", "prior", "readings"} & set(fields)) != 1:
        node.problem("has exactly one of value, prior and readings")
        return Quantity(source, value=0.0)
    if "readings" in fields:
        return Quantity(source, readings={name: part.number() for name, part in fields["readings"].items()})
    if "value" in fields:
        return Quantity(source, value=fields["value"].number())
    return Quantity(source, prior=read_prior(fields["prior"]))


def _read_replacement(node: Node, quantities: Mapping[str, Quantity], old: Value) -> Replacement:
    fields = node.fields(("source",), (*_FORMS, "least"))
    source = fields["source"].text() if "source" in fields else ""
    forms = [form for form in _FORMS if form in fields]
    if len(forms) != 1:
        node.problem("has exactly one of value, sum and factor")
        return Replacement(source, "value", old)
    form = forms[0]
    if form == "value":
        part = fields[form]
        return Replacement(source, form, part.numbers(len(old)) if isinstance(old, tuple) else part.number())
    if form == "sum" and isinstance(old, tuple):
        fields[form].problem("a list takes a value or a factor")
    least = fields["least"].number() if "least" in fields else None
    return Replacement(source, form, 0.0, _read_weights(fields[form], quantities), least)


def _read_test(node: Node, quantities: Mapping[str, Quantity]) -> CityTest:
    fields = node.fields(("reading", "start", "outcomes"), ("checks", "note"))
    several = [name for name, item in quantities.items() if item.readings]

    def figures(part: str) -> dict[str, tuple[str, ...]]:
        return {key: records.texts() for key, records in _items(fields.get(part))}

    return CityTest(
        reading=fields["reading"].one_of(several) if "reading" in fields and several else "",
        start={key: part.one_of(quantities) for key, part in _items(fields.get("start"))},
        outcomes=figures("outcomes"),
        checks=figures("checks"),
        note=fields["note"].text() if "note" in fields else "",
    )


def _read_weights(node: Node, quantities: Mapping[str, Quantity]) -> dict[str, float]:
    """Return weights of a sum written as a number, as the name of a quantity, or as {quantity: weight}."""
    if isinstance(node.value, int | float):
        return {"": node.number()}
    weights = {node.value: 1.0} if isinstance(node.value, str) else {key: part.number() for key, part in node.items()}
    for name in weights:
        if name not in quantities:
            node.problem(f'"{name}" is not a quantity of this city{did_you_mean(name, quantities)}')
    return weights
