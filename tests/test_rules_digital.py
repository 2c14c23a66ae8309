"""Rules of digitalisation, incubators and joint projects by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kechuang.queues import in_order
from kechuang.randomness import uniforms
from kechuang.world.mechanisms import digital, incubators, joint, venture
from kechuang.world.mechanisms.digital import AGAIN, BOTH, KEY, LIGHT, NONE, DigitalParameters
from kechuang.world.mechanisms.incubators import Floor
from kechuang.world.mechanisms.venture import gumbel
from worlds import firms_of, record

P = record(
    DigitalParameters,
    arrivals=np.array([20.0, 35.0, 55.0, 75.0]),
    arrivals_2020=100.0,
    cost=4740.0,
    cost_sd=1.0,
    gain=0.03,
    dip=0.01,
    light_share=0.3,
    external=0.02,
    imitation=0.25,
    response=3.0,
    light_cost=160.0,
    ramp_quarters=8.0,
)
SHARE = np.array([0.5, 0.3, 0.2])


# Digitalisation -------------------------------------------------------------------------------------------------------


def test_key_projects_of_a_year() -> None:
    years = (2015, 2016, 2019, 2020, 2035)
    assert [digital.arrivals_in(year, P) for year in years] == [20.0, 20.0, 75.0, 100.0, 100.0]


def path(kind: int, quarters: int) -> list[float]:
    """Return the effect of a project on log productivity, added up quarter by quarter from its start."""
    kinds, ages = np.full(quarters, kind, dtype=np.int8), np.arange(quarters)
    return np.cumsum(digital.change_of_effect(kinds, ages, P)).tolist()


@pytest.mark.parametrize("kind", [KEY, BOTH])
def test_a_key_project_dips_four_quarters_and_then_rises_over_eight(kind: int) -> None:
    rise = [0.03 * k / 8 for k in range(1, 9)]
    assert path(kind, 14) == pytest.approx([-0.01] * 4 + rise + [0.03] * 2)
    assert digital.ripe_after(P) == 12


def test_a_light_retrofit_is_small_and_quick_and_a_second_key_project_small() -> None:
    assert path(LIGHT, 6) == pytest.approx([-0.003] * 2 + [0.0045, 0.009, 0.009, 0.009])
    assert path(AGAIN, 13) == pytest.approx([0.3 * effect for effect in path(KEY, 13)])


def test_what_is_over_or_not_begun_moves_nothing() -> None:
    kinds = np.array([KEY, LIGHT, KEY, AGAIN], dtype=np.int8)
    assert digital.change_of_effect(kinds, np.array([12, 4, 80, 12]), P).tolist() == [0.0] * 4
    none = P._replace(gain=0.0, dip=0.0)
    assert not digital.change_of_effect(kinds, np.array([0, 1, 5, 4]), none).any()


def test_hazard_of_light_retrofits() -> None:
    """At a share of .10 and a fifth covered: .02 + .25 x .2 = .07 a year; a share of .30 lifts it by e^.6."""
    found = digital.light_hazard(np.array([0.10, 0.30, 0.0]), 0.2, P)
    assert found == pytest.approx([0.07, 0.07 * math.exp(0.6), 0.07 * math.exp(-0.3)])
    assert digital.quarterly(np.array([0.07])) == pytest.approx([1.0 - math.exp(-0.0175)])


def test_costs() -> None:
    assert digital.light_cost(np.array([0.0, 0.5, 1.0]), 1.0, P) == pytest.approx([20.0, 160.0, 300.0])
    assert digital.light_cost(np.array([0.5]), 1.1, P) == pytest.approx([176.0])
    assert digital.key_cost(0.0, 1.0, P) == pytest.approx(4740.0 * math.exp(-0.5))
    z = np.linspace(-8.0, 8.0, 4001)
    weight = np.exp(-0.5 * z**2) / np.exp(-0.5 * z**2).sum()
    assert sum(w * digital.key_cost(x, 1.0, P) for x, w in zip(z, weight, strict=True)) == pytest.approx(4740.0, rel=1e-6)


def test_large_and_less_digital_firms_come_first() -> None:
    """Same luck: four times the sales beat any gap; of equal firms the one without a project is first."""
    annual, kinds = np.array([100.0, 100.0, 100.0, 400.0]), np.array([NONE, LIGHT, KEY, KEY], dtype=np.int8)
    wish = digital.wish_for_key(annual, kinds, np.full(4, 0.5), P)
    assert np.argsort(-wish).tolist() == [3, 0, 1, 2]
    assert wish[0] - wish[1] == pytest.approx(-math.log(0.7))
    assert wish[0] - wish[2] == pytest.approx(-math.log(0.3))


def test_who_may_start_a_key_project() -> None:
    """Firms without any at once, after a light retrofit in a year, after a key project once it has ripened."""
    kinds = np.array([NONE, LIGHT, LIGHT, KEY, KEY, BOTH, AGAIN], dtype=np.int8)
    age = np.array([0, 3, 4, 11, 12, 12, 11])
    assert digital.may_start_key(kinds, age, P).tolist() == [True, False, True, False, True, True, False]


def test_each_project_goes_to_the_first_that_can_pay() -> None:
    """Line: firms 2, 0, 1. The project of 50 needs firm 1; that of 10 takes firm 2; none can pay 500."""
    costs, wish = np.array([10.0, 500.0, 50.0]), np.array([2.0, 1.0, 3.0])
    started, firms = digital.match_projects(costs, wish, np.array([20.0, 60.0, 30.0]), np.arange(3))
    assert dict(zip(started.tolist(), firms.tolist(), strict=True)) == {2: 1, 0: 2}
    none, firms_left = wish[:0], np.arange(3)
    for nobody in (digital.match_projects(costs, none, none, firms_left[:0]), digital.match_projects(none, wish, wish, firms_left)):
        assert [part.size for part in nobody] == [0, 0]


# Incubators -----------------------------------------------------------------------------------------------------------


def test_floor_spreads_by_shares_and_doses_by_the_places_they_name() -> None:
    def spread(*values: float) -> list[float]:
        return incubators.spread_floor(np.array(values), 20.0, SHARE).tolist()

    assert spread(20.0, 20.0, 20.0) == pytest.approx([10.0, 6.0, 4.0])
    assert spread(30.0, 30.0, 30.0) == pytest.approx([15.0, 9.0, 6.0])
    assert spread(20.0, 30.0, 30.0) == pytest.approx([10.0, 12.0, 8.0])  # ten more for two places
    assert spread(20.0, 25.0, 30.0) == pytest.approx([10.0, 9.0, 11.0])  # five for two, five for one
    assert spread(0.0, 20.0, 20.0) == pytest.approx([0.0, 6.0, 4.0])  # none in the first place, no more elsewhere


def test_floor_for_one_step_is_reserved() -> None:
    floor = incubators.floor_of(np.array([[20.0, 30.0]] * 3), 20.0, SHARE)
    assert floor.open == pytest.approx([10.0, 6.0, 4.0])
    assert floor.reserved[:, 1] == pytest.approx([5.0, 3.0, 2.0])
    assert not floor.reserved[:, 0].any()
    assert floor.total() == pytest.approx(30.0)
    half = incubators.between(incubators.floor_of(np.full((3, 2), 20.0), 20.0, SHARE), floor, 0.5)
    assert half.total() == pytest.approx(25.0)


def test_tenants_that_fit() -> None:
    """500 m2 each: 1 万m2 holds twenty, a tenth of the city two."""
    p = record(incubators.IncubatorParameters, tenant_floor=500.0)
    floor = Floor(np.array([1.0]), np.array([[0.0, 0.5]]))
    held = incubators.places_for_tenants(floor, 0.1, p)
    assert (held.open[0], held.reserved[0, 1]) == (pytest.approx(2.0), pytest.approx(1.0))
    capacity = Floor(np.array([10.0]), np.array([[0.0, 4.0]]))
    for tenants, ordinary, registered in (([0, 0], 10, 14), ([10, 0], 0, 4), ([4, 10], 0, 0), ([2, 5], 7, 7), ([12, 6], 0, 0)):
        found = [incubators.room(capacity, np.array([tenants], dtype=float), step)[0] for step in (0, 1)]
        assert found == [ordinary, registered], tenants


def test_the_lowest_draws_of_a_place_get_in() -> None:
    place, draw = np.array([1, 0, 1, 1]), np.array([0.9, 0.5, 0.1, 0.1])
    found = incubators.first_in_line(place, draw, np.array([0.9, 2.0]))
    assert sorted(found.tolist()) == [2, 3]
    assert incubators.first_in_line(place, draw, np.array([1.0, 1.5])).tolist() == [1, 2]  # alike: the older


def test_relief_is_the_tenants_share_of_what_incubators_save() -> None:
    tenants, units = np.array([10.0, 0.0, 5.0, 3.0]), np.array([40.0, 10.0, 0.0, 2.0])
    assert incubators.relief(tenants, units, 0.8) == pytest.approx([0.95, 1.0, 1.0, 0.8])
    assert (incubators.relief(tenants, units, 1.0) == 1.0).all()


# Joint projects -------------------------------------------------------------------------------------------------------


def test_teams_have_three_to_six_members() -> None:
    assert [joint.team_size(u) for u in (0.0, 0.26, 0.51, 0.76, 1.0 - 1e-12)] == [3, 4, 5, 6, 6]


def test_members_are_the_highest_of_closeness_plus_luck() -> None:
    """Against the whole list, for 200 leaders whose closeness to nine cells is drawn; two of the cells are closed to them."""
    n, cells = 400, 9
    for leader in range(200):
        key = np.uint64(1000 + leader)
        draws, luck_of_cell = uniforms(key, np.arange(n)), uniforms(key, np.arange(n, n + cells))
        closeness = np.where(np.arange(cells) < 2, -np.inf, 3.0 * np.log(luck_of_cell))
        cell, free, research = np.arange(n) % cells, np.arange(n) % 5 > 0, 100.0 * uniforms(key, np.arange(n, 2 * n))
        luck, line = gumbel(draws), in_order(draws)[::-1]
        score = np.where(free & (research >= 30.0), closeness[cell] + luck, -np.inf)
        found = joint.members_for(line, luck, free, cell, closeness, research, 30.0, 5)
        assert found.tolist() == np.argsort(-score)[:5].tolist()
    few = joint.members_for(line, luck, free & (np.arange(n) < 12), cell, closeness, research, 0.0, 40)
    assert sorted(few) == [i for i in range(12) if free[i] and cell[i] >= 2]


def test_what_a_team_learns() -> None:
    """Three firms with 100, 200, 300; 0 and 1 are rivals next door, 2 is of a related industry (w = .5) further away."""
    outside = np.array([[0.9, 0.9, 0.4], [0.9, 0.9, 0.4], [0.4, 0.4, 0.9]])
    rivals = np.array([[True, True, False], [True, True, False], [False, False, True]])
    knowledge = np.array([100.0, 200.0, 300.0])
    assert joint.learnt_in_team(knowledge, outside, rivals, 0.5) == pytest.approx([180.0, 180.0, 180.0])
    friends = joint.learnt_in_team(knowledge, outside, rivals, 0.0)
    assert friends == pytest.approx([200.0, 190.0, 180.0])  # .1 of the neighbour, .6 of the firm further away
    looser = joint.learnt_in_team(knowledge, outside, rivals, 0.0, inside=0.8)
    assert (looser < friends).all()


def test_leaders_stand_on_upper_steps_unless_steps_are_named() -> None:
    values = np.full((2, 2, 4), 5.0)
    assert joint.leading_cells(values, 5.0)[0, 0].tolist() == [False, False, True, True]
    values[:, 1, :] = 20.0
    assert joint.leading_cells(values, 5.0)[0].tolist() == [[False] * 4, [False, False, True, True]]
    values[:] = 5.0
    values[:, :, 1] = 20.0
    assert joint.leading_cells(values, 5.0)[0, 0].tolist() == [False, True, False, False]
    values[:] = 5.0
    values[:, :, 3] = 0.0  # less than the path for the leading firms: high-tech firms are left
    assert joint.leading_cells(values, 5.0)[0, 0].tolist() == [False, False, True, False]


def test_the_best_are_those_with_the_highest_possible_scores() -> None:
    score = np.array([1.0, 3.0, -np.inf, 3.0, 2.0])
    assert venture.best(score, np.array([0, 9, 2, 4, 5]), 3).tolist() == [3, 1, 4]
    assert venture.best(score, np.arange(5), 9).size == 4
    assert venture.best(score[:0], np.arange(0), 2).size == 0


# Who takes part -------------------------------------------------------------------------------------------------------


def test_who_may_digitalise_and_whose_project_still_works() -> None:
    """Rows: dead, small, too little sales, fit without a project, fit with an old one, fit with a young one."""
    firms = firms_of(
        6,
        alive=[0, 1, 1, 1, 1, 1],
        above_scale=[1, 0, 1, 1, 1, 1],
        sales=[900.0, 900.0, 100.0, 900.0, 900.0, 900.0],
        digital=[KEY, NONE, NONE, NONE, KEY, LIGHT],
        digitised=[19, 0, 0, 0, 7, 8],
    )
    assert digital.panel_beyond(firms.columns, 6, 400.0).tolist() == [3, 4, 5]  # 4 x 100 is not more than 400
    assert digital.without_project(firms.columns, 6).tolist() == [2, 3]
    assert digital.who_changes(firms.columns, 6, 20, 12).tolist() == [5]  # ages 13 and 12


def test_value_added_of_the_digital_core() -> None:
    """Industries 0 and 2 are core: (.3 + .1) x 100 and (.2 + .05) x 40; a dead firm and industry 1 count nothing."""
    firms = firms_of(4, industry=[0, 1, 2, 0], margin=[0.1, 0.1, 0.05, 0.1], sales=[100.0, 50.0, 40.0, 70.0], alive=[1, 1, 1, 0])
    core = np.array([True, False, True])
    found = digital.core_value_added(firms.columns, 4, core, np.array([0.3, 0.9, 0.2]))
    assert found.tolist() == pytest.approx([40.0, 10.0])


def test_who_is_inside_an_incubator_and_who_may_come() -> None:
    """Quarter 20: eleven quarters of age are young, twelve are not; place 1 has room for less than one."""
    outside = incubators.NO_TENANT
    firms = firms_of(
        6, alive=[1, 0, 1, 1, 1, 1], tenant_since=[3, 3, *4 * [outside]], born=[9, 9, 9, 8, 9, 9], ladder=[1, 1, 1, 1, 0, 1],
        place=[0, 0, 0, 0, 0, 1],
    )  # fmt: skip
    assert incubators.tenants(firms.columns, 6).tolist() == [0]
    room = np.array([1.0, 0.9])
    assert incubators.who_may_come(firms.columns, 6, 20, 1, room).tolist() == [2]
    assert incubators.who_may_come(firms.columns, 6, 20, 0, room).tolist() == [4]


def test_who_may_join_a_team() -> None:
    """Least R&D 10: .1 x 100 just, .1 x 90 not, nobody without R&D, in a team or dead."""
    firms = firms_of(
        5, sales=[100.0, 90.0, 500.0, 500.0, 500.0], research_intensity=0.1, does_research=[1, 1, 0, 1, 1],
        project_ends=[0, 0, 0, 9, 0], alive=[1, 1, 1, 1, 0],
    )  # fmt: skip
    rows, research = joint.who_may_join(firms.columns, 5, 10.0)
    assert (rows.tolist(), research.tolist()) == ([0], [10.0])
    assert joint.who_may_join(firms.columns, 5, 0.0)[0].tolist() == [0, 1]
