"""M4: pools by distance and industry, absorptive capacity, and what knowledge does to productivity and margin."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kechuang.city import load_city
from kechuang.world.mechanisms import spillovers
from kechuang.world.mechanisms.spillovers import SpilloverParameters, absorptive_capacity, pools_of, productivity_gain
from kechuang.world.population.boosts import Boosts
from worlds import city_of, firms_of, record, scenario_of

P = record(
    SpilloverParameters,
    knowledge_elasticity=0.1,
    spillover_elasticity=0.04,
    absorption_half_stock=200.0,
    knowledge_growth_start=0.08,
    carrier_knowledge_unit=0.02,
    margin_productivity=0.08,
)
ALONE = np.eye(13), np.eye(8)


def test_related_industries_learn_half_as_well() -> None:
    proximity = spillovers.proximity_of(load_city(), 0.5, 0.1)
    assert np.array_equal(proximity, proximity.T)
    assert np.array_equal(np.diag(proximity), np.ones(8))
    assert (proximity == 0.5).sum() == 2 * 11  # eleven related pairs
    assert (proximity == 0.1).sum() == 56 - 22


def test_nearness_falls_by_e_over_the_decay_distance() -> None:
    assert spillovers.nearness_of(np.array([0.0, 30.0, 60.0]), 30.0) == pytest.approx([1.0, 1 / math.e, 1 / math.e**2])


def test_pools_by_hand() -> None:
    """Two places 0.5 near, two industries 0.1 close; 100 and 40 of knowledge."""
    stocks = np.array([[100.0, 0.0], [0.0, 40.0]])
    nearness, proximity = np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([[1.0, 0.1], [0.1, 1.0]])
    expected = [[100 + 0.5 * 0.1 * 40, 0.1 * 100 + 0.5 * 40], [0.5 * 100 + 0.1 * 40, 0.5 * 0.1 * 100 + 40]]
    assert pools_of(stocks, nearness, proximity) == pytest.approx(np.array(expected))


def test_half_of_the_pool_is_absorbed_at_the_half_stock() -> None:
    assert [absorptive_capacity(stock, 200.0) for stock in (0.0, 200.0, 600.0)] == [0.0, 0.5, 0.75]


def test_gain_by_hand() -> None:
    """From 200 to 220: ln(420/400) - 0.5 x 0.02 at 0.1; capacity 220/420 of pool growth 0.05 - 0.02 at 0.04."""
    expected = 0.1 * (math.log(420 / 400) - 0.01) + 0.04 * 220 / 420 * 0.03
    assert productivity_gain(200.0, 220.0, 0.05, P) == pytest.approx(expected)


def test_usual_growth_is_no_gain_for_a_firm_with_much_knowledge() -> None:
    """2 % a quarter, 8 % a year, own and others': what the growth of labour productivity holds already."""
    assert productivity_gain(1e9, 1e9 * math.exp(0.02), 0.02, P) == pytest.approx(0.0, abs=1e-8)


def test_a_firm_alone_has_no_pool_and_learns_from_itself() -> None:
    firms = firms_of(1, does_research=1, knowledge=300.0, margin=0.1)
    assert spillovers.raise_productivity(firms.columns, 1, np.array([250.0]), *ALONE, P) == 250.0
    gain = productivity_gain(250.0, 300.0, 0.0, P)
    assert firms[0].productivity == pytest.approx(gain)
    assert firms[0].margin == pytest.approx(0.1 + 0.08 * gain)


def test_a_neighbour_that_learns_raises_the_pool() -> None:
    """A neighbour of the same place and industry grows from 1000 to 1100; the pool without one's own is its stock."""
    firms = firms_of(2, does_research=1, knowledge=[200.0, 1100.0])
    spillovers.raise_productivity(firms.columns, 2, np.array([200.0, 1000.0]), *ALONE, P)
    assert firms[0].productivity == pytest.approx(productivity_gain(200.0, 200.0, math.log(1.1), P))
    assert firms[1].productivity == pytest.approx(productivity_gain(1000.0, 1100.0, 0.0, P))


def test_a_contract_lifts_the_pool_and_its_end_lowers_it_again() -> None:
    """Mean pool 1200 (both see it, own part included): one unit is 24 beside the neighbour's 1000."""
    before = np.array([200.0, 1000.0])
    begins = firms_of(2, does_research=1, knowledge=before, pool_boost=[1.0, 0.0])
    spillovers.raise_productivity(begins.columns, 2, before, *ALONE, P)
    up = math.log(1024 / 1000)
    assert begins[0].productivity == pytest.approx(productivity_gain(200.0, 200.0, up, P))
    ends = firms_of(2, does_research=1, knowledge=before, pool_boost_last=[1.0, 0.0])
    spillovers.raise_productivity(ends.columns, 2, before, *ALONE, P)
    assert ends[0].productivity == pytest.approx(productivity_gain(200.0, 200.0, -up, P))


def test_who_does_no_research_and_who_is_gone_learn_nothing() -> None:
    firms = firms_of(3, does_research=[0, 1, 1], alive=[1, 0, 1], knowledge=500.0)
    spillovers.raise_productivity(firms.columns, 3, np.full(3, 100.0), *ALONE, P)
    assert list(firms.columns.productivity[:2]) == [0.0, 0.0]
    assert firms[2].productivity == pytest.approx(productivity_gain(100.0, 500.0, 0.0, P))  # no other doer is there


def test_boosts_add_up_and_end_and_follow_their_firms() -> None:
    firms, boosts = firms_of(3), Boosts()
    boosts.add(np.array([0, 2, 2]), np.array([1.0, 2.0, 0.5]), np.array([3, 3, 5]))
    boosts.fill(firms.columns, 3, 2)
    assert list(firms.columns.pool_boost[:3]) == [1.0, 0.0, 2.5]
    boosts.fill(firms.columns, 3, 3)
    assert list(firms.columns.pool_boost[:3]) == [0.0, 0.0, 0.5]
    assert list(firms.columns.pool_boost_last[:3]) == [1.0, 0.0, 2.5]
    firms.columns.alive[0] = 0
    boosts.move(firms.compact())
    boosts.fill(firms.columns, 2, 4)
    assert list(firms.columns.pool_boost[:2]) == [0.0, 0.5]
    firms.columns.alive[1] = 0
    boosts.move(firms.compact())
    assert len(boosts) == 0


def test_without_any_elasticity_productivity_stays_what_it_was_at_birth() -> None:
    """Both elasticities and the effects of digital projects 0: every firm of the start keeps productivity and margin."""
    from kechuang.parameters import default_draw

    nothing = dict.fromkeys(
        ("knowledge_elasticity", "spillover_elasticity", "digital_productivity_gain", "digital_productivity_dip"), 0.0
    )
    draw = default_draw("B").with_values(**nothing)
    city = city_of(scenario_of("2018Q4"), draw)
    columns, count = city.firms.columns, city.firms.count
    first = {
        int(columns.identity[i]): (float(columns.productivity[i]), float(columns.margin[i])) for i in range(count)
    }
    city.run()
    columns = city.firms.columns
    kept = [i for i in range(city.firms.count) if int(columns.identity[i]) in first]
    assert len(kept) > 50
    for i in kept:
        assert (float(columns.productivity[i]), float(columns.margin[i])) == first[int(columns.identity[i])]


def test_productivity_spreads_but_its_mean_hardly_moves() -> None:
    """What all gain together is in labour productivity: over five years the mean of firms with R&D moves by less than .1."""
    city = city_of(scenario_of("2020Q4"), scale=0.1)
    start = city.firms.columns.productivity[: city.firms.count].std()
    city.run()
    columns, count = city.firms.columns, city.firms.count
    doers = (columns.alive[:count] == 1) & (columns.does_research[:count] == 1)
    assert abs(columns.productivity[:count][doers].mean()) < 0.1
    assert columns.productivity[:count].std() != start
