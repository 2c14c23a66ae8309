"""A leak of 1万元 or of one firm is found wherever it is planted, and named with its account and quarter."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest

from kechuang.clock import quarter_label
from kechuang.errors import CheckFailed
from kechuang.parameters import default_draw
from kechuang.world.books import identities
from kechuang.world.books.ledger import Residual
from kechuang.world.indicators import POSITION
from kechuang.world.model import Corridor
from kechuang.world.policy import own
from kechuang.world.population.firms import NO_CERTIFICATE
from worlds import LIMIT, city_of, scenario_of

# Leaks of money -------------------------------------------------------------------------------------------------------

KINDS = ("firm", "cell", "household", "government", "loans", "capital")
IDENTITY = {"loans": "stock changes by bookings", "capital": "stock changes by bookings"}
SECTOR = {
    "firm": "firms",
    "cell": "cells",
    "household": "households",
    "government": "government",
    "loans": "loans of firms",
    "capital": "capital of firms",
}
PHASES = (
    "knowledge",
    "registration",
    "certification",
    "exit",
    "cells",
    "crossing",
    "purge",
    "households",
    "government",
)


class Leak:
    """1万元 that appears in or vanishes from one account in one quarter; chosen by the number of the leak."""

    def __init__(self, number: int) -> None:
        luck = np.random.Generator(np.random.PCG64(number))
        self.kind = KINDS[number % len(KINDS)]
        self.quarter = int(luck.integers(1, 9))
        self.phase = "knowledge" if number % 2 else str(luck.choice(PHASES))
        self.amount = float(luck.choice([-1.0, 1.0]))
        self.where = luck.random(2)
        self.account = SECTOR[self.kind]

    def __call__(self, city: Corridor) -> None:
        if city.quarter != self.quarter:
            return
        columns, count = city.firms.columns, city.firms.count
        rich = np.flatnonzero((columns.alive[:count] == 1) & (columns.deposits[:count] > 2.0))
        row = rich[int(self.where[0] * rich.size)]
        if self.kind == "firm":
            columns.deposits[row] += self.amount
            self.account = f"firm {int(columns.identity[row])}"
        elif self.kind == "cell":
            place, industry = (int(share * size) for share, size in zip(self.where, city.shape, strict=True))
            city.reservoir.deposits[place, industry] += self.amount
        elif self.kind == "household":
            city.household_deposits += self.amount
        elif self.kind == "government":
            city.government.deposits += self.amount
        else:
            getattr(columns, self.kind)[row] += abs(self.amount)
            self.amount = abs(self.amount)

    def city(self, audit: bool) -> Corridor:
        return city_of(scenario_of("2018Q4"), default_draw("B"), seed=7, audit=audit, events={self.phase: [self]})


@pytest.mark.parametrize("number", range(20))
def test_a_leak_of_one_wan_is_found_in_its_account_and_quarter(number: int) -> None:
    leak = Leak(number)
    city = leak.city(audit=False)
    city.run(leak.quarter)  # production reports and goes on
    residuals = city.indicators[: leak.quarter, POSITION["ledger_residual"]]
    assert residuals[:-1].max(initial=0.0) < LIMIT
    assert residuals[-1] > LIMIT
    bad = [residual for residual in city.residuals if residual.share > LIMIT]
    accounts = [(residual.account, residual.quarter) for residual in bad]
    # A loan that appears at a firm is missing at its bank as well, which is looked at in the last quarter of a year.
    assert accounts[:1] == [(SECTOR[leak.kind], leak.quarter)]
    assert len(accounts) == (2 if leak.kind == "loans" and leak.quarter % 4 == 0 else 1)
    assert bad[0].value == pytest.approx(leak.amount, abs=1e-6)
    assert bad[0].identity == IDENTITY.get(leak.kind, "deposits change by flows")


def plant_in_firm(city: Corridor, account: str, where: float, amount: float) -> str:
    rows = np.flatnonzero(city.firms.columns.alive[: city.firms.count] == 1)
    row = int(rows[int(where * rows.size)])
    getattr(city.firms.columns, account)[row] += amount
    return f"firm {int(city.firms.columns.identity[row])}"


def plant_in_cell(city: Corridor, account: str, where: float, amount: float) -> str:
    place, industry = divmod(int(where * city.shape[0] * city.shape[1]), city.shape[1])
    getattr(city.reservoir, account)[place, industry] += amount
    return f"cell {city.geography.places[place].key}, {city.geography.industries[industry].key}"


def plant_in_bank(city: Corridor, account: str, where: float, amount: float) -> str:
    bank = city.banks.agents[int(where * len(city.banks))]
    book = city.banks.funding if account == "funding" else getattr(city.banks.columns, account)
    book[bank.row] += amount
    return str(bank.name)


def plant_in_fund(city: Corridor, account: str, where: float, amount: float) -> str:
    fund = city.funds.agents[int(where * len(city.funds.agents))]
    fund.deposits += amount
    return str(fund.name)


def plant_in_city(city: Corridor, account: str, where: float, amount: float) -> str:
    owner, name = {
        "households": (city, "household_deposits"),
        "government": (city.government, "deposits"),
        "guarantee fund": (city.guarantee_fund, "capital"),
        "compensation fund": (city.compensation, "left"),
    }[account]
    setattr(owner, name, getattr(owner, name) + amount)
    return account


LEAKS: dict[str, tuple[Callable[[Corridor, str, float, float], str], str, str]] = {
    "deposits of a firm": (plant_in_firm, "deposits", "deposits"),
    "loans of a firm": (plant_in_firm, "loans", "loans"),
    "payables of a firm": (plant_in_firm, "payables", "payables"),
    "capital of a firm": (plant_in_firm, "capital", "capital"),
    "deposits of a cell": (plant_in_cell, "deposits", "deposits"),
    "capital of a cell": (plant_in_cell, "capital", "capital"),
    "loans of a bank": (plant_in_bank, "loans", "loans"),
    "capital of a bank": (plant_in_bank, "capital", "capital"),
    "guarantees of a bank": (plant_in_bank, "guaranteed", "guarantee"),
    "funding of a bank": (plant_in_bank, "funding", "fund(ed|ing)"),
    "deposits of households": (plant_in_city, "households", "deposits"),
    "deposits of the government": (plant_in_city, "government", "deposits"),
    "capital of the guarantee fund": (plant_in_city, "guarantee fund", "deposits|capital"),
    "account of the compensation fund": (plant_in_city, "compensation fund", "deposits"),
    "deposits of a fund": (plant_in_fund, "deposits", "deposits|cash"),
}
"""Kind of account: how to plant a leak in one that a number in [0, 1) picks, its name, and the word that must name it."""


class Planted:
    """1万元 that appears in or vanishes from one account after a random phase of a random quarter.

    The first leaks take every kind of account once, in random order, the others any kind. Only after "closing" nothing
    is planted: see the test of the night between two quarters.
    """

    def __init__(self, number: int) -> None:
        luck = np.random.Generator(np.random.PCG64((number, 2020)))
        kinds = [*np.random.Generator(np.random.PCG64(2020)).permutation(list(LEAKS)), *luck.choice(list(LEAKS), 99)]
        self.kind = str(kinds[number])
        self.quarter, self.phase = int(luck.integers(1, 13)), str(luck.choice(own.PHASES[:-1]))
        self.where, self.amount = float(luck.random()), float(luck.choice([-1.0, 1.0]))
        self.agent = ""

    def __call__(self, city: Corridor) -> None:
        if city.quarter == self.quarter and not self.agent:
            plant, account, _ = LEAKS[self.kind]
            self.agent = plant(city, account, self.where, self.amount)

    def run(self) -> str:
        """Return what an audited run says when it stops at the leak."""
        city = city_of(scenario_of("2019Q4"), default_draw("B"), seed=7, audit=True, events={self.phase: [self]})
        with pytest.raises(CheckFailed) as caught:
            city.run()
        assert city.quarter == self.quarter
        return str(caught.value)


def test_the_leaks_below_reach_every_kind_of_account() -> None:
    planted = [Planted(number) for number in range(20)]
    assert {leak.kind for leak in planted} == set(LEAKS)
    assert len({leak.phase for leak in planted}) >= 10
    assert len({leak.quarter for leak in planted}) >= 6


@pytest.mark.parametrize("number", range(20))
def test_under_audit_a_leak_stops_the_run_and_is_named(number: int) -> None:
    """Agent, account, quarter and amount (fixed capital wears 2 % a quarter, so a leak of it may be off by 0.98)."""
    leak = Planted(number)
    lines, word = leak.run().splitlines(), LEAKS[leak.kind][2]
    named = [line for line in lines if line.partition(": off by ")[0].endswith(f": {leak.agent}")]
    assert named, f"{leak.kind} after {leak.phase}: nobody names {leak.agent}: {lines}"
    naming = [line for line in named if re.search(rf"\b({word})", line.partition(leak.agent)[0])]
    assert naming, f"{leak.kind} after {leak.phase}: the account is not named: {lines}"
    assert all(line.startswith(f"{quarter_label(leak.quarter)}: ") for line in lines)
    assert any(abs(float(line.rpartition(" ")[2])) == pytest.approx(1.0, abs=0.021) for line in naming)


@pytest.mark.parametrize("kind", LEAKS)
def test_a_leak_between_two_quarters_is_found_too(kind: str) -> None:
    """What the last quarter closed with is what the next one opens with."""
    plant, account, _ = LEAKS[kind]
    named: list[str] = []

    def at_night(city: Corridor) -> None:
        if city.quarter == 5:
            named.append(plant(city, account, 0.4, 1.0))

    city = city_of(scenario_of("2017Q4"), default_draw("B"), seed=7, audit=True, events={"closing": [at_night]})
    with pytest.raises(CheckFailed) as caught:
        city.run()
    assert city.quarter == 6
    assert named[0] in str(caught.value)
    assert "2017Q2" in str(caught.value)


def test_a_leak_of_one_wan_is_named_in_the_richest_firm_too() -> None:
    """A firm that holds 300亿, as the largest may after twenty years; the city's books know where the money came from."""
    richest: list[str] = []

    def endow_and_rob(city: Corridor) -> None:
        columns, more = city.firms.columns, 3e6
        row = int(np.argmax(columns.deposits[: city.firms.count]))
        if city.quarter == 2:
            city.audit_book.note("deposits", "transfer at birth", np.array([row]), np.array([more]))
            city.ledger.post("units becoming firms", "firms", "cells", more)
            city.reservoir.deposits[0, 0] -= more
            city.audit_book.note_cells("deposits", np.where(np.arange(104).reshape(city.shape) == 0, -more, 0.0))
            columns.deposits[row] += more
        elif city.quarter == 3:
            columns.deposits[row] += 1.0
            richest.append(f"deposits change by postings: firm {int(columns.identity[row])}: off by 1")

    city = city_of(scenario_of("2016Q4"), default_draw("B"), 7, audit=True, events={"default": [endow_and_rob]})
    with pytest.raises(CheckFailed) as caught:
        city.run()
    assert city.quarter == 3
    assert richest[0] in str(caught.value)


# Single accounts ------------------------------------------------------------------------------------------------------


def test_deposits_of_each_firm_and_cell_are_opening_plus_postings() -> None:
    """Fifteen quarters with defaults, births, grants and loans; openings are copied here, postings are the audit's.

    The ledger, which holds sums of sectors, is not asked.
    """
    opening: dict[str, np.ndarray] = {}
    moved = {"deposits": np.zeros(0), "capital": np.zeros(0)}
    looked = {"firms": 0, "new": 0, "closed": 0}

    def note_opening(city: Corridor) -> None:
        opening["firms"] = city.firms.columns.deposits[: city.firms.count].copy()
        for name in moved:
            opening[name] = getattr(city.reservoir, name).copy()
            moved[name] = np.zeros(city.shape)
        note = type(city.audit_book).note_cells

        def listen(name: str, amounts: np.ndarray) -> None:
            moved[name] += amounts
            note(city.audit_book, name, amounts)

        city.audit_book.note_cells = listen  # type: ignore[method-assign]

    def compare(city: Corridor) -> None:
        count, columns = city.firms.count, city.firms.columns
        expected = city.audit_book.postings[:count].sum(axis=1)
        expected[: opening["firms"].size] += opening["firms"]
        assert np.abs(columns.deposits[:count] - expected).max() < 1e-6
        assert city.audit_book.postings[:count].any(axis=1)[columns.alive[:count] == 1].all(), "everybody did something"
        for name, amounts in moved.items():
            now = getattr(city.reservoir, name)
            assert np.abs(now - opening[name] - amounts).max() < 1e-6
            assert np.abs(amounts[city.reservoir.units > 0]).min() > 0.0, "every cell with units did something"
        looked["firms"] += count
        looked["new"] += count - opening["firms"].size
        looked["closed"] += int((columns.alive[:count] == 0).sum())

    levers = {"research_grant": {"value": 3, "from": "2016Q2"}, "loan_renewal": {"level": 0.5, "from": "2016Q2"}}
    events = {"opening": [note_opening], "closing": [compare]}
    draw = default_draw("B").with_values(default_rate=0.04)
    city_of(scenario_of("2019Q3", levers=levers), draw, 4, audit=True, scale=0.05, events=events).run()
    assert looked["firms"] > 15 * 200
    assert min(looked["new"], looked["closed"]) > 50


def test_a_leak_is_found_in_the_whole_city() -> None:
    """1万元 among gross flows of some 2000亿 a quarter is still above the tolerance."""

    def plant(city: Corridor) -> None:
        city.firms[first_row(city, certified=False)].deposits += 1.0

    city = city_of(scenario_of("2016Q2"), default_draw("B"), seed=7, scale=1.0)
    city.step()
    assert identities.worst(city.residuals) < LIMIT
    city.own_events["knowledge"] = [plant]
    city.step()
    assert identities.worst(city.residuals) > LIMIT


# Leaks of counts ------------------------------------------------------------------------------------------------------


def first_row(city: Corridor, certified: bool) -> int:
    columns, count = city.firms.columns, city.firms.count
    held = columns.certified[:count] > NO_CERTIFICATE
    return int(np.flatnonzero((columns.alive[:count] == 1) & (held == certified))[3])


def firm_vanishes(city: Corridor) -> None:
    city.firms[first_row(city, certified=False)].alive = 0


def firm_appears(city: Corridor) -> None:
    row = city.firms.add(1).start
    city.firms[row].sales, city.firms[row].margin = 100.0, 0.1


def unit_appears(city: Corridor) -> None:
    city.reservoir.units[3, 2] += 1


def certificate_appears(city: Corridor) -> None:
    row = first_row(city, certified=False)
    city.firms[row].certified, city.firms[row].ladder = 0, 2


def certificate_vanishes(city: Corridor) -> None:
    city.firms[first_row(city, certified=True)].certified = NO_CERTIFICATE


def certificate_outlives(city: Corridor) -> None:
    city.firms[first_row(city, certified=True)].certified = city.quarter - 13


def firm_acts_before_birth(city: Corridor) -> None:
    city.firms[first_row(city, certified=False)].born = city.quarter + 1


@pytest.mark.parametrize(
    ("leak", "identity", "value"),
    [
        (firm_vanishes, "units are conserved", -1),
        (firm_appears, "units are conserved", 1),
        (unit_appears, "units are conserved", 1),
        (certificate_appears, "certificates are conserved", 1),
        (certificate_vanishes, "certificates are conserved", -1),
        (certificate_outlives, "no certificate outlives its term", 1),
        (firm_acts_before_birth, "nobody acts before birth", 1),
    ],
)
@pytest.mark.parametrize("phase", ["certification", "purge"])
def test_a_leak_of_one_firm_or_certificate_is_found(
    leak: Callable[[Corridor], None], identity: str, value: int, phase: str
) -> None:
    def plant(city: Corridor) -> None:
        if city.quarter == 8:
            leak(city)

    city = city_of(scenario_of("2018Q4"), default_draw("B"), seed=7, events={phase: [plant]})
    city.run(7)
    assert identities.worst(city.residuals) < LIMIT
    city.step()
    found = {residual.identity: residual for residual in city.residuals if residual.account == "city"}
    assert (found[identity].value, found[identity].share) == (value, 1.0)
    audited = city_of(scenario_of("2018Q4"), default_draw("B"), seed=7, audit=True, events={phase: [plant]})
    with pytest.raises(CheckFailed, match=rf"2017Q4: {identity}: city: off by {value}"):
        audited.run()


STOCKS = ("sales", "deposits", "capital", "loans", "knowledge", "patents", "research_intensity", "relabelled")


@pytest.mark.parametrize("column", STOCKS)
@pytest.mark.parametrize("bad", [-0.01, float("nan"), float("inf")])
def test_a_stock_that_cannot_be_is_found(column: str, bad: float) -> None:
    def spoil(city: Corridor) -> None:
        if city.quarter == 4:
            setattr(city.firms[first_row(city, certified=False)], column, bad)

    city = city_of(scenario_of("2016Q4"), default_draw("B"), events={"purge": [spoil]})
    with np.errstate(invalid="ignore"), suppress(CheckFailed):  # money that is no number ends the run as well
        city.run(4)
    found = {r.account: r for r in city.residuals if r.identity == "no negative or infinite stock"}
    assert (found[column].value, found[column].share) == (1.0, 1.0)
    assert sum(residual.value for residual in found.values()) == 1.0


def test_cells_cannot_hold_less_than_nothing() -> None:
    def spoil(city: Corridor) -> None:
        if city.quarter == 4:
            city.reservoir.units[0, 0] = -1
            city.reservoir.sales[1, 1] = np.nan

    city = city_of(scenario_of("2016Q4"), default_draw("B"), events={"purge": [spoil]})
    with np.errstate(invalid="ignore"), suppress(CheckFailed):
        city.run(4)
    found = {r.account: r for r in city.residuals if r.identity == "no negative or infinite stock"}
    assert found["cells"].value == 2.0


# The verdict ----------------------------------------------------------------------------------------------------------


def test_verdict_names_each_violation_and_only_those() -> None:
    fine = Residual("deposits change by flows", "cells", 7, 1e-4, 0.9e-9)
    one = Residual("deposits change by flows", "firms", 7, -1.25, 3e-9)
    two = Residual("units are conserved", "city", 7, 2.0, 1.0)
    identities.demand_no_violation([fine])
    with pytest.raises(CheckFailed) as caught:
        identities.demand_no_violation([fine, one, two])
    assert str(caught.value) == (
        "2017Q3: deposits change by flows: firms: off by -1.25\n2017Q3: units are conserved: city: off by 2"
    )
    assert identities.worst([fine, one]) == 3e-9
    assert identities.worst([]) == 0.0
    for nothing in (math.nan, math.inf):
        lost = Residual("deposits change by flows", "firms", 7, nothing, nothing)
        assert identities.worst([fine, lost]) == math.inf
        with pytest.raises(CheckFailed, match=f"firms: off by {nothing}"):
            identities.demand_no_violation([fine, lost])


@pytest.mark.parametrize("column", ["deposits", "capital", "loans"])
def test_what_is_no_number_ends_a_run_audited_or_not(column: str) -> None:
    """A kernel divides by nothing without a word; the books say it."""
    city = city_of(scale=0.03)
    city.step()
    getattr(city.firms.columns, column)[np.flatnonzero(city.firms.columns.alive)[0]] = np.nan
    with pytest.raises(CheckFailed, match="off by nan"):
        city.step()
