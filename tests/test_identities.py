"""The books close in random worlds; test_leaks.py shows that they would not if anything were missing.

200 random scenarios run to 2035Q4, and 160 that are looked for at the edges of the allowed ranges run for some years,
under random levers, shocks, laws, tides, ceilings, parameters, closures and luck; all seeds are fixed.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from kechuang.city import load_city
from kechuang.clock import quarter_label
from kechuang.parameters import prior_draw
from kechuang.scenario.lever_record import Dial
from kechuang.scenario.levers import LEVERS
from kechuang.scenario.records import Scenario
from kechuang.world.indicators import POSITION
from kechuang.world.model import Corridor
from kechuang.world.population.firms import NO_CERTIFICATE
from worlds import LIMIT, city_of, long_run, scenario_of

PLACES, INDUSTRIES = load_city("taizhou").valid_names, load_city("taizhou").industry_keys


# Random worlds --------------------------------------------------------------------------------------------------------


@st.composite
def dose(pick: st.DrawFn, low: float, high: float, last: int) -> dict[str, Any]:
    """Return a level or a path of levels of a dial in its allowed range, with dates inside the run."""
    level = st.floats(low, high, allow_nan=False).map(lambda x: round(x, 4))
    if pick(st.booleans()):
        dates = pick(st.lists(st.integers(1, last), min_size=1, max_size=4, unique=True))
        return {"path": {quarter_label(t): pick(level) for t in dates}, "until": quarter_label(last)}
    first = pick(st.integers(1, last))
    return {
        "level": pick(level),
        "from": quarter_label(first),
        "until": quarter_label(pick(st.integers(first, last))),
        "ramp": pick(st.integers(0, 8)),
    }


@st.composite
def levers(pick: st.DrawFn, last: int) -> dict[str, Any]:
    """Return changes of any of the three levers."""
    found: dict[str, Any] = {}
    if pick(st.booleans()):
        found["high_tech_tax_rate"] = pick(dose(5, 25, last))
    if pick(st.booleans()):
        found["super_deduction"] = pick(dose(0, 150, last))
        if pick(st.booleans()):
            found["super_deduction"]["industries"] = pick(st.lists(st.sampled_from(INDUSTRIES), min_size=1, max_size=4))
    if pick(st.booleans()):
        bonus = pick(dose(0, 100, last))
        if pick(st.booleans()):
            bonus["places"] = pick(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3))
        if pick(st.booleans()):
            bonus["ladder"] = pick(st.sampled_from([[0], [1], [0, 1]]))
        if pick(st.booleans()):
            bonus["budget"] = pick(st.sampled_from([0.0, 0.001, 0.02, 0.5, 10.0]))
        if pick(st.booleans()):
            bonus["renewal_share"] = pick(dose(0, 1, last))
        if pick(st.booleans()):
            bonus["registration_bonus"] = pick(dose(0, 20, last))
        found["certification_bonus"] = bonus
    return found


@st.composite
def worlds(pick: st.DrawFn, first_end: int, last_end: int) -> dict[str, Any]:
    """Return scenario, number and seed of a draw, luck and scale of a random world that ends between two quarters."""
    last = pick(st.integers(first_end, last_end))
    shocks: dict[str, Any] = {}
    if pick(st.booleans()):
        shocks["export_recession"] = {
            "from": quarter_label(pick(st.integers(1, last))),
            "depth": pick(st.floats(0, 0.5)),
            "quarters": pick(st.integers(1, 40)),
        }
    if pick(st.booleans()):
        shocks["certification_tightening"] = {
            "from": quarter_label(pick(st.integers(1, last))),
            "notch": pick(st.floats(0, 5)),
            "audit": pick(st.floats(1, 10)),
            "renewal": pick(st.floats(-1, 0)),
        }
    scenario = scenario_of(
        quarter_label(last),
        law=pick(st.sampled_from(["2020", "known"])),
        tide=pick(st.sampled_from(["damped", "known"])),
        levers=pick(levers(last)),
        shocks=shocks,
    )
    return {
        "scenario": scenario,
        "draw": (pick(st.integers(0, 65_535)), pick(st.integers(0, 99))),
        "seed": pick(st.integers(0, 2**40 - 1)),
        "scale": pick(st.sampled_from([0.02, 0.03, 0.05])),
    }


def count_by_hand(city: Corridor) -> None:
    """Check, apart from the library's identities, what must hold of counts and stocks at the end of a quarter."""
    columns, count = city.firms.columns, city.firms.count
    alive = columns.alive[:count] == 1
    held, ladder = columns.certified[:count][alive], columns.ladder[:count][alive]
    valid = held > NO_CERTIFICATE
    events = city.tally
    units = len(city.firms) + int(city.reservoir.units.sum())
    certificates = int(valid.sum())
    before = getattr(city, "count_before", None)
    if before is not None:
        assert units == before[0] + events["firms_entered"] - events["firms_exited"]
        lost = events["certificates_lapsed"] + events["certificates_lost_by_exit"]
        assert certificates == before[1] + events["certificates_new"] - lost
    city.count_before = (units, certificates)
    assert np.isin(ladder, [0, 1, 2, 3]).all()
    assert (ladder[valid] >= 2).all(), "a certificate lifts to step 2"
    assert ((ladder == 2) <= valid).all(), "step 2 holds a certificate"
    assert (city.quarter - held[valid] <= 12).all()
    assert (held[valid] % 4 == 0).all(), "listed in a fourth quarter"
    assert (city.reservoir.units >= 0).all()
    assert not city.reservoir.sales[city.reservoir.units == 0].any(), "no sales without units"
    assert (city.reservoir.deposits > -1e-6).all()
    assert np.abs(city.reservoir.age_mix.sum(axis=2)[city.reservoir.units > 0] - 1.0).max() < 1e-9
    assert columns.deposits[:count][alive].min() >= 0.0
    assert columns.research_intensity[:count].max() <= 0.5 + 1e-12


def books_close(world: dict[str, Any]) -> None:
    """Run a world and look at every quarter's worst residual; under audit single accounts and counts are looked at too."""
    scenario, audit = world["scenario"], world.get("audit", True)
    city = city_of(
        scenario,
        prior_draw(*world["draw"]),
        world["seed"],
        audit=audit,
        scale=world["scale"],
        events={"closing": [count_by_hand]} if audit else {},
    ).run()
    assert city.quarter == scenario.until
    worst = city.indicators[:, POSITION["ledger_residual"]]
    assert np.isfinite(worst).all()
    assert worst.max() < LIMIT
    assert city.residuals
    city.release()


def run_block(block: int, examples: int, first_end: int, last_end: int) -> None:
    @seed(block)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a world takes too long to be made smaller
        suppress_health_check=list(HealthCheck),
    )
    @given(worlds(first_end, last_end))
    def books_close_in_each(world: dict[str, Any]) -> None:
        books_close(world)

    books_close_in_each()


CEILINGS = ("kept", "planned", "none")
CALENDARS = ("none", "slow", "plan", "fast")
LUCK = np.random.Generator
SCENARIOS, CHUNK, QUICK = 200, 20, 3
"""Worlds to 2035, in chunks; the first of these belong to `make test`, all others to `make test-worlds`."""


def random_dose(dial: Dial, luck: LUCK) -> dict[str, Any]:
    """Return a level, or a path of three levels, anywhere in the range of a dial and from any quarter on."""
    first = int(luck.integers(1, 70))
    levels = [round(float(luck.uniform(dial.low, dial.high)), 4) for _ in range(3)]
    if luck.random() < 0.2:
        return {"path": {quarter_label(first + 4 * k): level for k, level in enumerate(levels)}}
    return {"level": levels[0], "from": quarter_label(first), "ramp": int(luck.integers(0, 9))}


def random_levers(luck: LUCK) -> dict[str, Any]:
    """Return changes of some of all levers there are: doses of any dials, for some places or steps, under some budget."""
    found: dict[str, Any] = {}
    for key, lever in LEVERS.items():
        if luck.random() < 0.5:
            continue
        entry = random_dose(lever.main, luck)
        entry.update({dial.key: random_dose(dial, luck) for dial in lever.dials[1:] if luck.random() < 0.5})
        for reach, names in (("places", PLACES), ("industries", INDUSTRIES), ("ladder", lever.ladder_steps)):
            if reach in lever.reach and luck.random() < 0.3:
                chosen = luck.choice(len(names), size=int(luck.integers(1, len(names) + 1)), replace=False)
                entry[reach] = [names[k] for k in sorted(chosen)]
        if lever.cost == "cash" and luck.random() < 0.3:
            entry["budget"] = [0.0, 0.005, 0.1, 3.0][int(luck.integers(4))]
        found[key] = entry
    return found


@cache
def random_scenario(number: int) -> Scenario:
    """Return the scenario to 2035Q4 that belongs to a number."""
    luck = np.random.Generator(np.random.PCG64((2035, number)))
    shocks: dict[str, Any] = {}
    if luck.random() < 0.3:
        shocks["export_recession"] = {
            "from": quarter_label(int(luck.integers(1, 70))),
            "depth": round(float(luck.uniform(0, 0.5)), 3),
            "quarters": int(luck.integers(1, 20)),
        }
    if luck.random() < 0.3:
        shocks["certification_tightening"] = {
            "from": quarter_label(int(luck.integers(1, 70))),
            "notch": round(float(luck.uniform(0, 5)), 2),
            "audit": round(float(luck.uniform(1, 10)), 2),
            "renewal": round(float(luck.uniform(-1, 0)), 2),
        }
    return scenario_of(
        "2035Q4",
        law=["2020", "known"][int(luck.integers(2))],
        tide=["damped", "known"][int(luck.integers(2))],
        support_ceiling=CEILINGS[int(luck.integers(3))],
        levers=random_levers(luck),
        shocks=shocks,
        nodes=CALENDARS[int(luck.integers(4))],
    )


def test_random_scenarios_move_every_lever_and_differ() -> None:
    scenarios = [random_scenario(number) for number in range(SCENARIOS)]
    moved = {(change.key, change.dial) for scenario in scenarios for change in scenario.levers}
    assert moved == {(lever.key, dial.key) for lever in LEVERS.values() for dial in lever.dials}
    assert {scenario.support_ceiling for scenario in scenarios} == set(CEILINGS)
    assert {scenario.nodes for scenario in scenarios} == set(CALENDARS)
    assert {shock.key for scenario in scenarios for shock in scenario.shocks} == {
        "export_recession",
        "certification_tightening",
    }
    assert {change.budget for scenario in scenarios for change in scenario.levers} == {None, 0.0, 0.005, 0.1, 3.0}
    assert len({str(scenario.to_plain()) for scenario in scenarios}) == SCENARIOS


@pytest.mark.parametrize(
    "chunk",
    [pytest.param(chunk, marks=[pytest.mark.worlds] if chunk >= QUICK else []) for chunk in range(SCENARIOS // CHUNK)],
)
def test_books_close_in_random_worlds_to_2035(chunk: int) -> None:
    """Parameters are drawn from the prior and closures take turns; every fourth city is larger, and under audit."""
    for number in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        books_close(
            {
                "scenario": random_scenario(number),
                "draw": (number, 2035),
                "seed": number,
                "scale": 0.02 if number % 4 else 0.03,
                "audit": number % 4 == 0,
            }
        )


@pytest.mark.parametrize("block", range(5, 9))
def test_books_close_in_random_worlds_of_some_years(block: int) -> None:
    """4 x 40 scenarios of one to fourteen quarters, with a liking for zeros, ends of ranges and single quarters."""
    run_block(block, 40, 1, 14)


def test_an_audited_run_to_2035_has_no_gap_in_its_indicators() -> None:
    """November figures are missing outside fourth quarters, sums over a year in its first three quarters, and what
    share of the funds' money went into early deals as long as there was no deal.
    """
    indicators = long_run().indicators
    november = [position for key, position in POSITION.items() if key.endswith("november_growth")]
    early, invested = POSITION["fund_early_share"], indicators[:, POSITION["fund_invested"]]
    rest = np.delete(indicators, [*november, early], axis=1)
    assert np.isfinite(rest[3:]).all()
    assert np.isfinite(indicators[3::4][:, november]).all()
    assert np.array_equal(np.isfinite(indicators[:, early]), invested > 0.0)
    assert indicators[:, POSITION["ledger_residual"]].max() < LIMIT


def test_every_identity_is_looked_at() -> None:
    city = city_of(audit=True).run(4)
    assert {residual.identity for residual in city.residuals} == {
        "deposits change by flows",
        "flow has source and use",
        "stock changes by bookings",
        "units are conserved",
        "certificates are conserved",
        "no certificate outlives its term",
        "nobody acts before birth",
        "no negative or infinite stock",
        "loans are those of the firms",
        "guarantees are those of the firms",
        "loans are funded",
        "no negative book",
        "capital is not negative",
        "new guarantees fit the capital",
        "cash of a fund moves by its records",
        "called money was committed",
        "called money was paid in",
        "no fund is in debt",
        "stakes agree with the firms",
        "a share held lies between nothing and all",
        "balance sheet row sums to zero",
        "flow matrix column sums to zero",
        "assets are owed to somebody",
        "people are conserved",
        "with and without a job are all people",
        "staff of firms are people",
        "every employer exists",
        "no negative number of people",
    }
    accounts = {residual.account for residual in city.residuals}
    assert {"firms", "cells", "households", "government", "loans of firms", "capital of firms"} <= accounts
