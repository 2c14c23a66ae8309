"""The national high-tech zone (V18): thresholds by hand, chance of approval, births inside and outside, and its money."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from kechuang.parameters import default_draw
from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.units import wan_from_yi
from kechuang.world.books.ledger import SECTORS
from kechuang.world.indicators import POSITION
from kechuang.world.mechanisms import zone
from kechuang.world.mechanisms.zone import ZoneParameters, ZoneYear, eligible, entry_factor
from kechuang.world.model import Corridor
from kechuang.world.policy.policy_state import CASH, LEVERS
from kechuang.world.population.firms import NO_CERTIFICATE
from worlds import city_of, firms_of, record, scenario_of

P = record(
    ZoneParameters,
    zone_research_threshold=0.03,
    zone_high_tech_threshold=0.3,
    zone_approval_hazard=0.12,
    zone_window_opens=27.0,
    zone_entry_uplift=0.1,
    zone_displacement=0.5,
)
GOOD = ZoneYear(35.0, 1000.0, 900.0, 10_000.0, 9_500.0, 100.0, 31.0)
"""R&D 3.5 % of sales, 31 of 100 firms high-tech, sales up 11 % where the city's grew by 5 %."""


@pytest.mark.parametrize(
    ("change", "meets"),
    [
        ({}, True),
        ({"research": 30.0}, True),  # exactly 3 %
        ({"research": 29.99}, False),
        ({"high_tech": 30.0}, True),  # exactly 30 %
        ({"high_tech": 29.0}, False),
        ({"sales_before": 950.0}, True),  # exactly as fast as the city: 1000/950 = 10000/9500
        ({"sales_before": 960.0}, False),
        ({"sales_before": 0.0}, False),  # no year to compare with
        ({"above_scale": 0.0, "high_tech": 0.0}, False),
        ({"sales": 0.0, "research": 0.0}, False),
        ({"city_sales_before": 0.0}, False),
    ],
)
def test_thresholds_hold_at_the_boundary(change: dict[str, float], meets: bool) -> None:
    assert eligible(GOOD._replace(**change), P) is meets


def test_an_application_waits_for_the_window_and_its_luck() -> None:
    """0.12 a year is 1 - exp(-0.03) = 2.955 % a quarter; the window opens in quarter 27 (2022Q3)."""
    chance = 1.0 - math.exp(-0.03)
    assert zone.approved(chance - 1e-9, 27, True, P)
    assert not zone.approved(chance + 1e-9, 27, True, P)
    assert not zone.approved(0.0, 26, True, P)
    assert not zone.approved(0.0, 40, False, P), "who is not eligible is never drawn"


@pytest.mark.statistical
def test_approvals_have_their_hazard() -> None:
    """Ten years of applications under 2000 seeds: approved within them 1 - exp(-1.2) = 69.9 %.

    Binomial test on both sides, false alarm 1e-6.
    """
    n, quarters = 2000, range(27, 67)
    first = np.zeros(n, dtype=bool)
    for seed in range(n):
        for quarter in quarters:
            key = stream_key(seed, quarter, int(Purpose.ZONE_APPROVAL))
            if zone.approved(float(uniforms(key, np.zeros(1, np.int64))[0]), quarter, True, P):
                first[seed] = True
                break
    low, high = binom.ppf([5e-7, 1.0 - 5e-7], n, 1.0 - math.exp(-1.2))
    assert low <= first.sum() <= high


def test_births_inside_rise_and_outside_fall_by_what_is_displaced() -> None:
    """10 % of 40 births inside are 4 more; half of them, 2 of 60, are missing outside: factor 1 - 1/30."""
    births, inside = np.array([30.0, 10.0, 20.0, 40.0]), np.array([True, True, False, False])
    factor = entry_factor(births, inside, P)
    assert factor == pytest.approx([1.1, 1.1, 1.0 - 1.0 / 30.0, 1.0 - 1.0 / 30.0])
    assert (births * factor).sum() == pytest.approx(102.0)
    assert entry_factor(births, np.ones(4, dtype=bool), P) == pytest.approx(np.full(4, 1.1))
    # However much is displaced, outside cannot lose more than it has; without displacement it loses nothing.
    empty = entry_factor(np.array([100.0, 1.0]), np.array([True, False]), P)
    assert empty == pytest.approx([1.1, 0.0])
    assert entry_factor(births, inside, P._replace(zone_displacement=0.0)) == pytest.approx([1.1, 1.1, 1.0, 1.0])


@pytest.mark.parametrize("displacement", [0.2, 0.5, 0.8, 1.0])
def test_the_city_does_not_lose_births_by_a_zone(displacement: float) -> None:
    births, inside = np.array([3.0, 50.0, 20.0, 40.0]), np.array([True, False, True, False])
    p = P._replace(zone_displacement=displacement)
    assert (births * entry_factor(births, inside, p)).sum() >= births.sum() - 1e-9


# In a city ------------------------------------------------------------------------------------------------------------


def approve(start: str) -> dict[str, Any]:
    return {"zone_approval": {"level": 1, "from": start}}


def run_city(until: str, seed: int = 2, scale: float = 0.03, levers: Any = None, **values: Any) -> Corridor:
    draw = default_draw("B").with_values(**values)
    return city_of(scenario_of(until, levers=levers or {}), draw, seed, audit=True, scale=scale).run()


def test_a_scenario_approves_the_zone_in_its_first_quarter_and_never_before() -> None:
    city = city_of(scenario_of("2018Q4", levers=approve("2017Q3")), default_draw("B"))
    seen = []
    for _ in range(12):
        city.step()
        seen.append(city.zone.approved)
    assert seen == [None] * 6 + [7] * 6


def test_a_zone_that_is_never_eligible_is_never_approved_whatever_its_luck() -> None:
    """A hazard of 1000 a year approves any application at once; thresholds nobody meets leave none."""
    sure = {"zone_approval_hazard": 1000.0, "zone_window_opens": 1.0}
    never = run_city("2019Q4", zone_research_threshold=0.9, **sure)
    assert never.zone.approved is None
    # The same city with thresholds that all meet is approved in the January after a year in which it grew enough.
    grown = {"zone_research_threshold": 0.0, "zone_high_tech_threshold": 0.0, **sure}
    approved = [run_city("2019Q4", seed, **grown).zone.approved for seed in range(4)]
    assert {when for when in approved if when is not None} <= {5, 9, 13}
    assert any(approved)


def test_nobody_applies_before_the_window_opens() -> None:
    easy = {"zone_research_threshold": 0.0, "zone_high_tech_threshold": 0.0, "zone_approval_hazard": 1000.0}
    for seed in range(3):
        assert run_city("2019Q4", seed, zone_window_opens=17.0, **easy).zone.approved is None


def test_what_an_application_rests_on_are_the_figures_of_the_year_that_has_just_ended() -> None:
    """In January of 2018 those of 2017 and, to compare with, of 2016: above-scale firms that are still there."""
    years: dict[int, float] = {}

    def compare(city: Corridor) -> None:
        if city.position != 0:
            return
        columns, count = city.firms.columns, city.firms.count
        above = (columns.alive[:count] == 1) & (columns.above_scale[:count] == 1)
        inside = above & city.in_corridor[columns.place[:count]]
        found, sales = city.zone.year, columns.sales_year[:count].sum(axis=1)
        assert found.above_scale == inside.sum() > 0
        assert found.high_tech == (inside & (columns.certified[:count] > NO_CERTIFICATE)).sum()
        assert found.city_sales == pytest.approx(sales[above].sum())
        assert found.sales == pytest.approx(sales[inside].sum())
        assert found.research == pytest.approx(columns.reported_year[:count].sum(axis=1)[inside].sum())
        assert found.city_sales_before == pytest.approx(years.get(city.quarter - 4, 0.0))
        years[city.quarter] = found.city_sales

    city = city_of(scenario_of("2019Q1"), default_draw("B"), scale=0.05, events={"opening": [compare]}).run()
    assert sorted(years) == [1, 5, 9, 13]
    # Nothing that was sold in the first quarter of a year is in it.
    sold = city.firms.columns.sales_year[: city.firms.count].sum(axis=1)
    above = (city.firms.columns.alive[: city.firms.count] == 1) & (city.firms.columns.above_scale[: city.firms.count] == 1)
    assert city.zone.year.city_sales != pytest.approx(sold[above].sum(), rel=1e-3)


def births_by_place(seed: int, levers: Any, displacement: float) -> tuple[np.ndarray, np.ndarray]:
    """Return entries into cells by place over three years, and which places lie inside the corridor."""
    total = np.zeros(13)

    def listen(city: Corridor) -> None:
        open_units = type(city.reservoir).open_units

        def count(*arguments: Any) -> np.ndarray:
            born = open_units(city.reservoir, *arguments)
            total[:] += born.sum(axis=1)
            return np.asarray(born)

        city.reservoir.open_units = count  # type: ignore[method-assign]

    draw = default_draw("B").with_values(zone_entry_uplift=0.3, zone_displacement=displacement)
    events = {"opening": [listen]}
    city = city_of(scenario_of("2018Q4", levers=levers), draw, seed, scale=0.3, events=events).run()
    return total, city.in_corridor


def test_a_zone_brings_births_inside_and_costs_some_outside() -> None:
    """Births of three years with an uplift of 30 %, of which half is taken from outside; same luck.

    Some 1200 births inside: a rise of 30 % is more than 6 standard deviations even of unpaired luck. The total: keyed
    Poisson counts rise with their mean, so the sum over places moves with half of what was gained.
    """
    plain, inside = births_by_place(5, {}, 0.5)
    moved, _ = births_by_place(5, approve("2016Q1"), 0.5)
    gained, lost = (moved - plain)[inside].sum(), (plain - moved)[~inside].sum()
    assert gained > 0.2 * plain[inside].sum()
    assert 0.0 < lost < gained
    assert moved.sum() > plain.sum()
    free, _ = births_by_place(5, approve("2016Q1"), 0.0)
    assert free[~inside].sum() >= moved[~inside].sum()


def test_money_flows_for_three_years_and_not_after() -> None:
    """0.5亿 a year from the city, as much from above, from 2017Q2 to 2020Q1."""
    paid: list[tuple[float, float, float]] = []
    outside, government = SECTORS.index("outside"), SECTORS.index("government")

    def note(city: Corridor) -> None:
        flows = city.ledger.flows
        build = flows.get("build-up of the national zone", np.zeros(len(SECTORS)))
        transfer = flows.get("transfers from nation and province", np.zeros(len(SECTORS)))
        cost = city.costs.amounts[city.quarter, LEVERS.index("zone_approval"), CASH]
        paid.append((float(build[outside]), float(transfer[government]), float(cost)))

    values = {"zone_match": 0.5, "zone_match_years": 3.0, "zone_transfer_ratio": 1.0}
    draw, levers = default_draw("B").with_values(**values), approve("2017Q2")
    city_of(scenario_of("2020Q4", levers=levers), draw, audit=True, events={"closing": [note]}).run()
    amounts = np.array(paid)
    quarter = 0.25 * 0.03 * wan_from_yi(0.5)
    assert amounts[:5] == pytest.approx(0.0)
    assert amounts[5:17] == pytest.approx(np.full((12, 3), quarter))
    assert amounts[17:] == pytest.approx(0.0)


def test_a_lever_of_zero_leaves_approval_to_chance_bit_for_bit() -> None:
    plain = run_city("2019Q4")
    same = run_city("2019Q4", levers={"zone_approval": {"value": 0, "from": "2016Q1"}})
    assert np.array_equal(plain.indicators, same.indicators, equal_nan=True)


def test_the_indicator_of_the_zone_is_one_from_its_approval_on() -> None:
    city = city_of(scenario_of("2018Q4", levers={"zone_approval": {"level": 1, "from": "2017Q3"}}), scale=0.1).run()
    approved = city.indicators[:, POSITION["national_zone_approved"]]
    assert list(approved) == [0.0] * 6 + [1.0] * 6


def test_the_panel_of_a_year_by_hand() -> None:
    """Two firms above scale inside, one of them certified, one outside; a small and a dead firm count nothing."""
    firms = firms_of(5, alive=[1, 1, 1, 1, 0], above_scale=[1, 1, 1, 0, 1], place=[0, 0, 1, 0, 0], certified=[4, -999, 4, 4, 4])
    firms.columns.sales_year[:5] = np.arange(20.0).reshape(5, 4)
    firms.columns.reported_year[:5] = 0.1 * np.arange(20.0).reshape(5, 4)
    sales, reported, inside, certified = zone.panel_of_year(firms.columns, 5, np.array([True, False]))
    assert sales.tolist() == [6.0, 22.0, 38.0]
    assert reported == pytest.approx([0.6, 2.2, 3.8])
    assert (inside.tolist(), certified) == ([True, True, False], 1)
