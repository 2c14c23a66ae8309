"""Talent in a city: identities of people, the market, levers V6, V7 and V19, academicians, spin-offs, worlds at the edge."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kechuang.errors import CheckFailed
from kechuang.parameters import default_draw
from kechuang.scenario import Scenario
from kechuang.world import settings
from kechuang.world.indicators import POSITION
from kechuang.world.mechanisms.academicians import FIRST_QUARTER
from kechuang.world.mechanisms.founding import SPIN_OFF
from kechuang.world.model import Corridor
from kechuang.world.phases import academicians
from kechuang.world.policy.policy_state import ADMINISTRATION, CASH, LEVERS
from kechuang.world.population import talent as people
from kechuang.world.population.boosts import Boosts
from worlds import LIMIT, NO_CEILING, city_of, scenario_of

Levers = dict[str, Any]
TALENT = ("talent_subsidy", "top_talent_grant", "graduate_training")
EVERYTHING: Levers = {
    "talent_subsidy": {"value": 4, "from": "2016Q1", "budget": 0.2, "weight_graduate": {"level": 0.1, "from": "2016Q1"}},
    "top_talent_grant": {"value": 300, "from": "2019Q2", "places": ["central_core"]},
    "graduate_training": {"value": 4000, "from": "2016Q1", "industries": ["equipment"]},
}


def world(until: str = "2018Q4", levers: Levers | None = None, **parts: Any) -> Scenario:
    return scenario_of(until, levers=levers or {}, **parts)


def city(scenario: Scenario, seed: int = 4, scale: float = 0.05, events: Any = None, **values: Any) -> Corridor:
    return city_of(scenario, default_draw("B").with_values(**values), seed, audit=True, scale=scale, events=events)


def of(model: Corridor, key: str) -> np.ndarray:
    """Return an indicator by quarter for the part of the city that is modelled."""
    return np.asarray(model.indicators[:, POSITION[key]] * model.scale)


def cash(model: Corridor, lever: str, kind: int = CASH) -> np.ndarray:
    return np.asarray(model.costs.amounts[1 : model.quarter + 1, LEVERS.index(lever), kind])


# Books ----------------------------------------------------------------------------------------------------------------


def test_firms_start_with_the_staff_for_their_research() -> None:
    """Rounding of each doer's staff has a variance of at most 1/4: tolerance 4 standard errors, false alarm 6e-5."""
    now = city(world(), scale=0.2)
    columns, count = now.firms.columns, now.firms.count
    does = columns.does_research[:count] == 1
    heads = (4.0 * columns.sales[:count] * columns.research_intensity[:count] * does).sum() / settings.research_cost(now, 0)
    staff = float(columns.research_staff[:count].sum())
    assert staff == pytest.approx(heads, abs=4.0 * 0.5 * math.sqrt(does.sum()))
    kinds = np.bincount(now.talent.columns.kind[: int(staff)], minlength=3)
    share = now.rules.talent.stock_share
    assert (np.abs(kinds / staff - share) < 4.0 * np.sqrt(share * (1.0 - share) / staff)).all()
    assert now.labour.graduates.sum() == pytest.approx(0.2 * 539_000.0)


def test_books_of_people_and_money_close_with_every_lever_on() -> None:
    now = city(world("2021Q4", EVERYTHING), spin_off_hazard=0.004).run()
    assert of(now, "ledger_residual").max() / now.scale < LIMIT
    assert of(now, "spin_offs").sum() > 5
    assert of(now, "talent_trained").sum() > 5
    for lever in TALENT:
        assert cash(now, lever).sum() > 0.0, lever
        assert cash(now, lever, ADMINISTRATION).sum() == pytest.approx(0.02 * cash(now, lever).sum())
    identity = now.talent.columns.identity[: now.talent.count]
    assert np.unique(identity).size == identity.size
    assert now.talent.frame()["employer"].max() < now.firms.count


def lose_a_person(now: Corridor) -> None:
    columns = now.talent.columns
    columns.present[np.flatnonzero((columns.present == 1) & (columns.employer < 0))[0]] = 0


def invent_staff(now: Corridor) -> None:
    now.firms.columns.research_staff[0] += 1


def work_for_nobody(now: Corridor) -> None:
    row = np.flatnonzero(now.firms.columns.research_staff[: now.firms.count] > 0)[0]
    now.firms.columns.alive[row] = 0


def forget_graduates(now: Corridor) -> None:
    now.labour.graduates[3] -= 1.0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lose_a_person, "people are conserved"),
        (invent_staff, "staff of firms are people: city: off by 1"),
        (work_for_nobody, "every employer exists"),
        (forget_graduates, "people are conserved: graduates: off by -1"),
    ],
)
def test_planted_faults_are_found(fault: Callable[[Corridor], None], words: str) -> None:
    now = city(world()).run(3)
    now.own_events = {"government": [fault]}
    with pytest.raises(CheckFailed) as raised:
        now.step()
    assert words in str(raised.value)


def test_research_stays_within_what_staff_can_do_and_certified_firms_keep_their_notch() -> None:
    cut = []

    def look(now: Corridor) -> None:
        columns, count = now.firms.columns, now.firms.count
        does = (columns.alive[:count] == 1) & (columns.does_research[:count] == 1)
        bound = (columns.certified[:count] > -999) | (columns.applied[:count] == 1)
        annual = 4.0 * columns.sales[:count] * columns.research_intensity[:count]
        most = settings.research_cost(now, now.quarter) * (columns.research_staff[:count] + 1.0)
        assert (annual[does & ~bound] <= most[does & ~bound] * (1.0 + 1e-12)).all()
        wish = columns.research_wish[:count]
        assert (columns.research_intensity[:count][does] <= wish[does]).all()
        cut.append(int((columns.research_intensity[:count] < wish)[does].sum()))

    city(world("2017Q4"), events={"capacity": [look]}).run()
    assert min(cut) > 0


# Levers ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lever", TALENT)
def test_doses_and_budgets_of_nothing_change_nothing(lever: str) -> None:
    dose = {"talent_subsidy": 20, "top_talent_grant": 5000, "graduate_training": 2000}[lever]
    small: Any = {"scale": 0.03, "academician_visits": 160.0}
    plain = city(world("2019Q4"), **small).run()
    for change in ({"value": 0, "from": "2016Q1"}, {"value": dose, "from": "2016Q2", "budget": 0}):
        same = city(world("2019Q4", {lever: change}), **small).run()
        assert np.array_equal(plain.indicators, same.indicators, equal_nan=True)
        assert plain.firms.frame().equals(same.firms.frame())
    changed = city(world("2019Q4", {lever: {"value": dose, "from": "2016Q2"}}), **small).run()
    assert not np.array_equal(plain.indicators, changed.indicators, equal_nan=True)


SUBSIDY = {"talent_subsidy": {"value": 20, "from": "2016Q1"}}


def test_a_subsidy_brings_people_where_it_counts_and_nobody_where_it_does_not() -> None:
    """20万元 for wages of 13, paid to seven in ten. Without a ceiling nothing else changes where it does not count."""
    for effect, more in ((0.0, False), (0.3, True)):
        plain, granted = (
            city(world("2018Q4", levers), talent_subsidy_effect=effect, **NO_CEILING).run()
            for levers in ({}, SUBSIDY)
        )
        gain = of(granted, "talent_inflow") - of(plain, "talent_inflow")
        if more:
            assert gain[:4].min() >= 0.0
            assert np.cumsum(gain).min() >= 0.0
            assert gain.sum() > 0.1 * of(plain, "talent_inflow").sum()
        else:
            assert np.array_equal(of(granted, "talent_inflow"), of(plain, "talent_inflow"))
            assert np.array_equal(of(granted, "rd_real"), of(plain, "rd_real"), equal_nan=True)
        assert cash(granted, "talent_subsidy").sum() > 0.0


def test_a_subsidy_adds_newcomers_and_renumbers_none() -> None:
    first = [set(city(world("2016Q1", levers)).run().talent.frame().query("arrived == 1")["identity"]) for levers in ({}, SUBSIDY)]
    assert first[0] < first[1]


def test_half_is_paid_at_once_and_half_after_a_year_to_who_is_still_here() -> None:
    """2017Q1: the path begins with 2万元, half of it for engineers and nothing for top talent; 7 of 10 are eligible."""
    promised: list[float] = []

    def look(now: Corridor) -> None:
        columns = now.talent.columns
        new = np.flatnonzero(columns.due[: now.talent.count] == now.quarter + 4)
        promised.append(float(columns.owed[new].sum()))
        assert set(np.unique(columns.owed[new] / (0.5 - 0.25 * columns.kind[new]))) <= {2.0}
        assert (columns.kind[new] != people.TOP).all()

    now = city(world("2018Q1"), events={"talent": [look]}).run(9)
    paid = cash(now, "talent_subsidy")
    assert paid[:4].tolist() == [0.0] * 4
    assert paid[4:8] == pytest.approx(promised[4:8])
    late = paid[8] - promised[8]
    assert 0.8 * promised[4] < late < promised[4]
    flows = now.ledger.frame().loc["talent subsidies"]
    assert flows["households"] == pytest.approx(-flows["government"]) == pytest.approx(paid[8])


def test_a_subsidy_aimed_at_places_and_steps_is_paid_there_alone() -> None:
    aimed = {"talent_subsidy": {"value": 10, "from": "2016Q1", "places": ["linhai", "wenling"], "ladder": [2, 3]}}
    steps: set[int] = set()
    places: set[int] = set()

    def look(now: Corridor) -> None:
        columns, firms = now.talent.columns, now.firms.columns
        employer = columns.employer[np.flatnonzero(columns.due[: now.talent.count] == now.quarter + 4)]
        steps.update(firms.ladder[employer].tolist())
        places.update(firms.place[employer].tolist())

    now = city(world("2016Q4", aimed), scale=0.2, events={"talent": [look]}).run()
    keys = [place.key for place in now.geography.places]
    assert places == {keys.index("linhai"), keys.index("wenling")}
    assert steps <= {2, 3}
    assert steps


def test_a_budget_binds_what_a_subsidy_promises() -> None:
    """10万元 in 2016, where the path has nothing, with 0.1亿元 a year: promises of the year are the budget."""
    lever = {"talent_subsidy": {"value": 10, "from": "2016Q1", "budget": 0.1}}
    now = city(world("2017Q4", lever), **NO_CEILING).run(4)
    assert 2.0 * cash(now, "talent_subsidy").sum() == pytest.approx(1000.0 * now.scale)
    assert now.policy.talent.budgets["talent_subsidy"].left == pytest.approx(0.0, abs=1e-9)


def visited(levers: Levers, seed: int = 4, **values: Any) -> tuple[Corridor, list[tuple[int, int, int]]]:
    """Return a city after 2020 with (quarter, place, industry) of the partner of every project."""
    found: list[tuple[int, int, int]] = []

    def look(now: Corridor) -> None:
        last = now.quarter + round(now.rules.value("academician_boost_quarters"))
        rows = now.boosts.row[now.boosts.ends == last]
        columns = now.firms.columns
        found.extend((now.quarter, int(columns.place[row]), int(columns.industry[row])) for row in rows)

    draw = {"academician_visits": 160.0, **values}
    return city(world("2020Q4", levers), seed, events={"academicians": [look]}, **draw).run(), found


def test_larger_grants_bring_more_projects_and_the_others_stay() -> None:
    aimed = {"top_talent_grant": {"value": 4000, "from": "2019Q2", "industries": ["medicine"]}}
    plain, usual = visited({})
    more, found = visited(aimed)
    everywhere, _ = visited({"top_talent_grant": {"value": 4000, "from": "2019Q2"}})
    medicine = [industry.key for industry in plain.geography.industries].index("medicine")
    quarter = found[0][0]
    assert quarter >= FIRST_QUARTER
    first_usual, first_found = ([one for one in projects if one[0] == quarter] for projects in (usual, found))
    assert plain.labour.visits == more.labour.visits == everywhere.labour.visits
    assert more.labour.projects == everywhere.labour.projects == len(found) > plain.labour.projects == len(usual)
    for project in first_usual:
        first_found.remove(project)
    assert all(industry == medicine for _, _, industry in first_found)
    assert cash(plain, "top_talent_grant")[: FIRST_QUARTER - 1].sum() == 0.0


def test_a_project_claims_its_grant_and_is_learnt_from_for_twelve_quarters() -> None:
    now = city(world("2023Q4"), academician_visits=200.0, academician_pool_boost=7.0).run(FIRST_QUARTER - 1)
    now.quarter += 1
    now.boosts = Boosts()  # without what contracts have brought so far
    academicians.receive(now)
    assert len(now.boosts) == now.labour.projects > 0
    assert set(now.boosts.ends) == {FIRST_QUARTER + 12}
    assert set(now.boosts.amount) == {7.0}
    assert sum(float(claim.amounts.sum()) for claim in now.claims) == 300.0 * now.labour.projects
    columns = now.firms.columns
    assert ((columns.ladder[now.boosts.row] >= 2) | (columns.above_scale[now.boosts.row] == 1)).all()


def test_a_budget_cuts_the_grants_that_a_change_brings() -> None:
    """300万元 are the path; of what is above, 0.02亿元 x scale are paid in 2019."""
    lever = {"top_talent_grant": {"value": 500, "from": "2019Q2", "budget": 0.02}}
    now, _ = visited(lever, top_grant_elasticity=0.0)
    plain, _ = visited({}, top_grant_elasticity=0.0)
    extra = cash(now, "top_talent_grant")[12:16].sum() - cash(plain, "top_talent_grant")[12:16].sum()
    assert 0.0 < extra <= 200.0 * now.scale * (1.0 + 1e-9)


TRAINING = {"graduate_training": {"value": 8000, "from": "2016Q1"}}


def test_training_brings_graduates_at_once_and_engineers_after_two_years() -> None:
    """8000 a year at a scale of .05 are 100 a quarter for 37.5万元; .6 stay, half of them become engineers."""
    plain, more = (city(world("2018Q4", levers), **NO_CEILING).run() for levers in ({}, TRAINING))
    trained = of(more, "talent_trained")
    assert trained[:8].tolist() == [0.0] * 8
    spread = 4.0 * math.sqrt(400 * 0.3 * 0.7)  # four quarters of 100; 4 standard errors, false alarm 6e-5
    assert trained[8:12].sum() == pytest.approx(120.0, abs=spread)
    assert cash(more, "graduate_training") == pytest.approx(np.full(12, 100 * 1.5))
    graduates = of(more, "graduates") - of(plain, "graduates")
    assert graduates[0] == pytest.approx(60.0, abs=4.0 * math.sqrt(24.0))
    assert of(more, "talent_total")[-1] > of(plain, "talent_total")[-1]


def test_a_budget_cuts_the_number_that_is_trained() -> None:
    """100 a quarter cost 150; a budget of 0.6亿元 x scale = 300 a year pays for two quarters."""
    lever = {"graduate_training": {"value": 8000, "from": "2016Q1", "budget": 0.6}}
    now = city(world("2016Q4", lever)).run()
    assert cash(now, "graduate_training") == pytest.approx([150.0, 150.0, 0.0, 0.0])
    assert sum(cohort.number for cohort in now.labour.cohorts) == 200


def test_engineers_trained_for_an_industry_go_to_its_firms_first() -> None:
    aimed = {"graduate_training": {"value": 2000, "from": "2016Q1", "industries": ["equipment", "medicine"]}}
    hired: list[int] = []

    def look(now: Corridor) -> None:
        columns = now.talent.columns
        new = np.flatnonzero(columns.identity[: now.talent.count] >> people.ORIGIN_SHIFT == people.TRAINED)
        new = new[(columns.arrived[new] == now.quarter) & (columns.employer[new] >= 0)]
        hired.extend(now.firms.columns.industry[columns.employer[new]].tolist())

    now = city(world("2018Q4", aimed), scale=0.2, events={"talent": [look]}, talent_inflow=[400, 800, 9, 72000]).run()
    keys = [industry.key for industry in now.geography.industries]
    inside = sum(industry in (keys.index("equipment"), keys.index("medicine")) for industry in hired)
    assert len(hired) > 20
    assert inside > 0.9 * len(hired)


def test_more_engineers_in_a_tight_market_lower_offers_and_raise_research() -> None:
    """A fifth of the usual newcomers: vacancies stay open, and those who are trained fill some of them."""
    tight = {"talent_inflow": [400, 820, 9, 72000]}
    plain, more = (
        city(world("2019Q4", levers), **tight, **NO_CEILING).run() for levers in ({}, TRAINING)
    )
    late = slice(10, 16)
    assert of(plain, "talent_unfilled_share")[late].min() > 0.0
    assert of(more, "talent_unfilled_share")[late].sum() < of(plain, "talent_unfilled_share")[late].sum()
    assert more.labour.wage_ratio < plain.labour.wage_ratio
    assert plain.labour.wage_ratio > 1.0
    assert of(more, "rd_real")[-1] > of(plain, "rd_real")[-1]
    assert of(more, "rd_unstaffed_share")[-1] < of(plain, "rd_unstaffed_share")[-1]


# Spin-offs ------------------------------------------------------------------------------------------------------------


def test_spin_offs_stand_beside_their_parents_and_climb_the_ladder() -> None:
    parents: dict[int, tuple[int, int]] = {}

    def before(now: Corridor) -> None:
        columns, firms = now.talent.columns, now.firms.columns
        for row in np.flatnonzero(columns.employer[: now.talent.count] >= 0):
            firm = columns.employer[row]
            parents[int(columns.identity[row])] = (int(firms.place[firm]), int(firms.industry[firm]))

    def after(now: Corridor) -> None:
        columns = now.firms.columns
        ours = columns.identity[: now.firms.count] & SPIN_OFF > 0
        new = np.flatnonzero(ours & (columns.born[: now.firms.count] == now.quarter))
        assert new.size == now.tally["spin_offs"] == now.labour.flows["founders"].sum()
        for row in new:
            founder = int(columns.identity[row]) ^ SPIN_OFF
            assert (int(columns.place[row]), int(columns.industry[row])) == parents[founder]
            assert columns.ladder[row] == columns.above_scale[row] == columns.certified[row] + 999 == 0
            assert columns.deposits[row] > 0.0

    events = {"crossing": [before], "founding": [after]}
    now = city(world("2023Q4"), events=events, spin_off_hazard=0.02, scale=0.03, registration_imitation=0.8).run()
    born = now.firms.frame().query(f"identity >= {SPIN_OFF}")
    assert len(born) > 30
    assert (born["ladder"] > 0).any()
    assert born["productivity"].mean() < now.firms.frame()["productivity"].mean()


def test_founders_per_thousand_and_year_lie_in_their_band() -> None:
    """F21: 0.5 to 5; at the prior's median 1.6 times (R&D per head/20万元)^.12, which is no fitted figure."""
    now = city(world("2020Q4"), scale=0.3).run()
    founders = of(now, "spin_offs").sum() / 5.0
    assert 0.5 < 1000.0 * founders / of(now, "talent_total").mean() < 5.0


# Worlds at the edge ---------------------------------------------------------------------------------------------------


def test_without_newcomers_staff_shrinks_and_research_with_it() -> None:
    usual, closed = (
        city(world("2024Q4"), **values).run() for values in ({}, {"talent_inflow": [0.0, 0.0, 0.0, 0.0]})
    )
    stock = of(closed, "talent_total")
    assert of(closed, "talent_inflow").tolist() == [0.0] * 36
    assert (np.diff(stock) <= 0.0).all()
    assert stock[-1] < 0.7 * stock[0]
    assert (closed.firms.columns.research_staff[: closed.firms.count] >= 0).all()
    assert of(closed, "rd_unstaffed_share")[-1] > 3.0 * of(usual, "rd_unstaffed_share")[-1]
    assert of(closed, "rd_real")[-1] < 0.9 * of(usual, "rd_real")[-1]


def test_a_city_of_one_firm_runs() -> None:
    """No list, no registration, no crossing: one above-scale firm, and nobody else who could employ R&D staff."""
    nobody = dict.fromkeys(("registry_total", "registry_listed_high_tech", "direct_high_tech"), 0.0)
    still = dict.fromkeys(("external_registration", "registration_imitation", "crossing_rate", "exit_hazard_scale"), 0.0)
    one = {"above_scale_firms": 50.0, "default_rate": 1e-12, "spin_off_hazard": 0.0, "research_participation_base": 20.0}
    now = city(world("2019Q4", EVERYTHING), scale=0.02, **one, **nobody, **still).run()
    assert len(now.firms) == 1
    assert now.firms.columns.research_staff[0] == now.labour.census.employed.sum() > 0
    assert of(now, "ledger_residual").max() / now.scale < LIMIT


def test_where_wages_are_far_below_others_nearly_nobody_comes_and_many_leave() -> None:
    """Outside five times the usual: odds fall by 5^-1.5 = .089, so that .47 in place of 5 of a hundred come."""

    def richer(now: Corridor) -> None:
        now.labour.outside_wage = 5.0

    usual, poor = (city(world("2016Q2"), scale=0.3, events=events).run() for events in ({}, {"opening": [richer]}))
    ratio = of(poor, "talent_inflow").sum() / of(usual, "talent_inflow").sum()
    expected = 0.089 / 0.05 * 0.05 / (0.05 * 0.089 + 0.95)
    assert ratio == pytest.approx(expected, rel=0.35)
    assert of(poor, "talent_outflow").sum() > 4.0 * of(usual, "talent_outflow").sum()
