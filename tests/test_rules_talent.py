"""Rules of talent by hand: who comes and leaves, wages, hiring, R&D that staff can do, spin-offs, academicians."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from kechuang.queues import in_order
from kechuang.randomness import stream_key, uniforms
from kechuang.world.mechanisms import academicians, founding, hiring
from kechuang.world.mechanisms import talent as rules
from kechuang.world.mechanisms.founding import FoundingParameters
from kechuang.world.mechanisms.research import ResearchParameters
from kechuang.world.mechanisms.talent import TalentParameters
from kechuang.world.population import talent as people
from kechuang.world.population.talent import TALENT_MEANING, Talent, TalentColumns, arrays, identities_of
from worlds import firms_of, record

KEY = stream_key(1, 1, 201)
NOBODY, EVERYBODY = np.zeros((3, 1)), np.ones((3, 1))


def parameters(**changes: Any) -> TalentParameters:
    """Return the numbers that the cases below are computed with."""
    usual: dict[str, Any] = {
        "outflow": np.array([0.07, 0.08, 0.05, 0.06]),
        "job_change": np.array([0.05, 0.04, 0.05, 0.11]),
        "inflow": np.array([2000.0, 4100.0, 46.0, 72_000.0]),
        "inflow_share": 0.05,
        "wage_elasticity": 1.5,
        "concentration": np.array([0.3, 0.3, 0.3, 0.1]),
        "subsidy_effect": 0.3,
        "wages": np.array([13.2, 13.2, 22.44, 7.8]),
        "wage_growth": 0.07,
        "vacancy_response": 0.3,
        "wage_scale": 0.15,
        "match_efficiency": np.array([0.6, 0.8, 0.6, 0.8]),
        "layoff_speed": 0.5,
        "wage_share": 0.65,
    }
    return record(TalentParameters, **{**usual, **changes})  # type: ignore[no-any-return]


def test_the_draw_holds_what_the_rules_need() -> None:
    p = record(TalentParameters)
    assert p.stock_share == pytest.approx(np.array([8.2, 16.4, 0.12]) / 24.72)
    assert p.graduates == 539_000.0
    assert p.wages == pytest.approx([13.2, 13.2, 13.2 * 1.7, 13.2 / 1.7])
    half = TalentParameters.of(record_draw(), 0.5)
    assert (half.graduates, half.inflow[0]) == (269_500.0, 1000.0)


def record_draw() -> Any:
    from kechuang.parameters import default_draw

    return default_draw()


# Coming and leaving ---------------------------------------------------------------------------------------------------


def test_wages_of_2016_are_paid_in_the_middle_of_2016() -> None:
    p = parameters()
    year = (rules.reference_wages(2, p) + rules.reference_wages(3, p)) / 2.0
    assert year == pytest.approx(p.wages, rel=1e-4)
    assert rules.reference_wages(7, p) / rules.reference_wages(3, p) == pytest.approx(np.full(4, 1.07))


def test_offers_rise_with_what_was_left_unfilled() -> None:
    offers = rules.posted_wages(np.array([10.0, 20.0]), np.array([[0.0, 0.1], [1.0, 0.5]]), parameters())
    assert offers == pytest.approx(np.array([[10.0, 10.3], [26.0, 23.0]]))


def test_utility_adds_wage_place_company_and_subsidy() -> None:
    """1.5 ln 0.9 + 0.2 + 0.3 ln 2 + 0.3 x 0.1."""
    found = rules.utility(np.array([[0.9]]), np.array([0.2]), np.log([2.0]), np.array([[0.1]]), parameters())
    assert found[0, 0] == pytest.approx(1.5 * math.log(0.9) + 0.2 + 0.3 * math.log(2.0) + 0.03)
    nothing = rules.utility(np.ones((4, 1)), np.zeros(1), np.zeros(4), np.zeros((4, 1)), parameters())
    assert nothing.tolist() == [[0.0]] * 4


def test_one_in_twenty_comes_at_a_utility_of_nothing_and_half_at_ln_19() -> None:
    assert rules.inflow_chance(np.array([0.0, math.log(19.0)]), 0.05) == pytest.approx([0.05, 0.5])


def test_departures_fall_with_utility() -> None:
    """Odds of .07/.93 times e^-U; at U = ln(.07/.93) every second one leaves."""
    rate = np.array([0.07])
    assert rules.departure_rate(rate, np.array([[0.0, math.log(0.07 / 0.93)]]))[0] == pytest.approx([0.07, 0.5])
    assert (np.diff(rules.departure_rate(rate, np.array([[-1.0, 0.0, 1.0, 5.0]]))[0]) < 0.0).all()


def test_better_offers_make_people_look_around() -> None:
    """At equal pay a quarter of the yearly rate; at 15 % more 2/(1 + 1/e) times that; never more than twice it."""
    assert rules.job_change_chance(0.05, 10.0, 10.0, 0.15) == pytest.approx(0.0125)
    assert rules.job_change_chance(0.05, 11.5, 10.0, 0.15) == pytest.approx(0.025 / (1.0 + math.exp(-1.0)))
    assert rules.job_change_chance(0.05, 100.0, 10.0, 0.15) == pytest.approx(0.025)


def test_seekers_of_the_start_fill_the_vacancies_of_a_usual_quarter() -> None:
    """Researchers: 500 arrive and 102.5 of 8200 change jobs; u = 602.5/.36 seekers fill 602.5 vacancies."""
    pool = rules.pool_at_start(np.array([8200.0, 16_400.0, 120.0]), parameters())
    usual = 0.25 * (2000.0 + 0.05 * 8200.0)
    assert pool[0] == pytest.approx(usual * (1.0 / 0.36 - 1.0))
    assert hiring.matches(pool[:1] + usual, np.array([usual]), np.array([0.6]))[0] == pytest.approx(usual)
    assert rules.pool_at_start(np.zeros(3), parameters(inflow=np.zeros(4))).tolist() == [0.0, 0.0, 0.0]


def test_wages_above_trend_make_research_dearer_by_their_share() -> None:
    assert rules.research_cost(20.0, 1.0, 0.65) == 20.0
    assert rules.research_cost(20.0, 1.1, 0.65) == pytest.approx(20.0 * 1.065)


def crowd(number: int, **columns: Any) -> Talent:
    """Return people without a job, kind 0, place 0, at a wage of 10; `columns` replace what is said."""
    talent = Talent(capacity=4)
    rows = talent.add(np.arange(number, dtype=np.int64), 0, 0, 10.0, 0, people.NOTHING_DUE)
    for name, values in columns.items():
        getattr(talent.columns, name)[rows] = values
    return talent


def moved(talent: Talent, staff: np.ndarray, layoffs: np.ndarray, leaves: np.ndarray, rate: float = 0.0) -> tuple[Any, Any]:
    return rules.move_people(
        talent.columns, talent.count, staff, layoffs, KEY, KEY, leaves, 10.0 * EVERYBODY, 1.02, np.full(4, rate), 0.15
    )


def test_who_came_last_is_laid_off_first() -> None:
    talent, staff = crowd(6, employer=[0, 0, 0, 1, 1, -1]), np.array([3, 2], dtype=np.int32)
    left, seekers = moved(talent, staff, np.array([2, 0]), NOBODY)
    assert sorted(seekers.tolist()) == [1, 2, 5]
    assert talent.columns.employer[:6].tolist() == [0, -1, -1, 1, 1, -1]
    assert (staff.tolist(), left.tolist()) == ([1, 2], [0.0, 0.0, 0.0])
    assert talent.columns.wage[:6] == pytest.approx(np.full(6, 10.2))


def test_who_leaves_leaves_the_job_and_the_grant() -> None:
    talent, staff = crowd(3, employer=[0, 0, -1], owed=1.0), np.array([2], dtype=np.int32)
    left, seekers = moved(talent, staff, np.array([1]), EVERYBODY)
    assert (left.tolist(), seekers.size, staff.tolist(), len(talent)) == ([3.0, 0.0, 0.0], 0, [0], 0)
    assert talent.columns.employer[:3].tolist() == [-1, -1, -1]
    assert talent.columns.owed[:3].tolist() == [0.0, 0.0, 0.0]


def test_who_looks_around_keeps_the_job_until_another_is_found() -> None:
    """4000 people at equal pay and a rate of 1 a year: a quarter look. Tolerance 4 standard errors, false alarm 6e-5."""
    talent, staff = crowd(4000, employer=0), np.array([4000], dtype=np.int32)
    _, seekers = moved(talent, staff, np.array([0]), NOBODY, rate=0.5)
    assert seekers.size / 4000 == pytest.approx(0.125, abs=4.0 * math.sqrt(0.125 * 0.875 / 4000))
    assert staff[0] == 4000
    assert (talent.columns.employer[:4000] == 0).all()


def test_a_better_place_adds_newcomers_and_changes_none() -> None:
    first = identities_of(people.ARRIVAL, np.arange(3), 5, np.zeros(3, dtype=np.int64))
    numbers = np.array([400, 0, 300])
    few, cell = rules.accept_arrivals(KEY, first, numbers, np.array([0.05, 0.5, 0.1]))
    many, _ = rules.accept_arrivals(KEY, first, numbers, np.array([0.08, 0.5, 0.1]))
    assert set(few.tolist()) < set(many.tolist())
    assert set(cell.tolist()) == {0, 2}


# Hiring ---------------------------------------------------------------------------------------------------------------


def test_a_firm_wants_a_person_per_cost_of_a_person() -> None:
    assert [hiring.wanted_heads(50.0, 20.0, draw) for draw in (0.0, 0.49, 0.5, 0.99)] == [2, 2, 3, 3]
    assert hiring.wanted_heads(0.0, 20.0, 0.99) == 0
    assert hiring.research_ceiling(20.0, 3) == 80.0


def test_half_of_those_too_many_are_laid_off_and_a_single_one_is_kept() -> None:
    staff, wanted = np.array([5, 5, 5, 0, 9], dtype=np.int32), np.array([5, 4, 3, 2, 0])
    assert hiring.layoffs_of(staff, wanted, 0.5).tolist() == [0, 0, 1, 0, 4]


def test_matches() -> None:
    """100 and 100 at .6: 60; never more than seekers or vacancies."""
    found = hiring.matches(np.array([100.0, 100.0, 4.0, 0.0]), np.array([100.0, 25.0, 100.0, 5.0]), np.full(4, 0.6))
    assert found == pytest.approx([60.0, 25.0, 4.0, 0.0])


def test_the_queue_runs_from_the_smallest_draw_to_the_largest() -> None:
    draws = uniforms(KEY, np.arange(5000))
    assert np.array_equal(in_order(draws), np.argsort(draws, kind="stable"))
    assert in_order(np.zeros(0)).size == 0
    assert in_order(np.array([0.5, 0.25, 0.5])).tolist() == [1, 0, 2]


def test_one_more_vacancy_leaves_the_others_as_they_are() -> None:
    firms = firms_of(3, research_staff=[2, 0, 5])
    kinds = np.array([1.0 / 3.0, 0.99, 1.0])
    few = hiring.list_vacancies(firms.columns, 3, np.array([4, 3, 4]), KEY, KEY, kinds)
    many = hiring.list_vacancies(firms.columns, 3, np.array([5, 3, 4]), KEY, KEY, kinds)
    assert few[0].tolist() == [0, 0, 1, 1, 1]
    assert many[0].tolist() == [0, 0, 0, 1, 1, 1]
    for one, other in zip(few, many, strict=True):
        assert np.delete(other, 2).tolist() == one.tolist()


def test_vacancies_have_the_kinds_of_the_stock() -> None:
    """6000 vacancies, a third for researchers; tolerance 4 standard errors, false alarm 6e-5."""
    firms = firms_of(1)
    _, kind, _ = hiring.list_vacancies(firms.columns, 1, np.array([6000]), KEY, KEY, np.array([1.0 / 3.0, 0.9, 1.0]))
    for k, share in enumerate((1.0 / 3.0, 0.9 - 1.0 / 3.0, 0.1)):
        assert (kind == k).mean() == pytest.approx(share, abs=4.0 * math.sqrt(share * (1.0 - share) / 6000))


def test_pairs_follow_both_queues_inside_a_market_up_to_its_quota() -> None:
    """Market 0: vacancies 1, 0, 3 in this order, seekers 2, 0; quota 1. Market 1: vacancy 2, seeker 1."""
    chosen, taken = np.full(4, -1), np.zeros(3, dtype=np.int8)
    market, seeker_market = np.array([0, 0, 1, 0]), np.array([0, 1, 0])
    queue, line = np.array([1, 0, 2, 3]), np.array([2, 1, 0])
    hiring.pair(queue, market, line, seeker_market, np.array([1, 5]), chosen, taken)
    assert chosen.tolist() == [-1, 2, 1, -1]
    assert taken.tolist() == [0, 1, 1]


def test_who_is_hired_gets_the_posted_wage_where_the_firm_is() -> None:
    """Person 0 comes new to firm 1, person 1 moves from firm 0 to firm 1, person 2 meets the own firm: nothing happens."""
    talent = crowd(3, employer=[-1, 0, 0], due=[people.NEWCOMER, -1, -1])
    firms = firms_of(2, place=[3, 7], research_staff=[2, 0])
    offers = np.tile(np.arange(13.0), (3, 1))
    firm, chosen = np.array([1, 1, 0]), np.array([0, 1, 2])
    new = hiring.hire(
        talent.columns, firms.columns.research_staff, firms.columns.place, firm, chosen, np.arange(3), offers, -2, -1
    )
    assert new.tolist() == [0]
    assert talent.columns.employer[:3].tolist() == [1, 1, 0]
    assert talent.columns.wage[:3].tolist() == [7.0, 7.0, 10.0]
    assert talent.columns.place[:3].tolist() == [7, 7, 0]
    assert firms.columns.research_staff[:2].tolist() == [1, 2]
    assert chosen.tolist() == [0, 1, -1]
    assert talent.columns.due[0] == people.NOTHING_DUE


def test_nobody_does_more_research_than_there_is_staff_for() -> None:
    """1000万元 of sales a year at 10 %: 100; a staff of 3 does 80; a certified firm buys what is missing to its notch."""
    p = record(ResearchParameters, notch_rates=np.array([0.09, 0.04, 0.03]), notch_bounds=np.array([5000.0, 20_000.0]))
    firms = firms_of(
        5,
        sales=250.0,
        does_research=[1, 1, 1, 1, 0],
        research_intensity=0.1,
        research_staff=[3, 4, 3, 3, 0],
        certified=[-999, -999, 0, 0, -999],
        relabelled=[0.0, 0.0, 0.0, 0.02, 0.0],
    )
    wished, done = hiring.limit_research(firms.columns, 5, 20.0, p)
    assert firms.columns.research_intensity[:5] == pytest.approx([0.08, 0.1, 0.09, 0.08, 0.1])
    assert firms.columns.research_wish[:5] == pytest.approx(np.full(5, 0.1))
    assert (wished, done) == pytest.approx((400.0, 350.0))


# Spin-offs ------------------------------------------------------------------------------------------------------------


def test_founders_come_from_firms_with_much_research_per_head() -> None:
    p = FoundingParameters(0.0004, 0.12, 20.0, -0.1)
    assert founding.spin_off_chance(20.0, 20.0, p) == pytest.approx(0.0004)
    assert founding.spin_off_chance(40.0, 20.0, p) / 0.0004 == pytest.approx(2.0**0.12)
    assert founding.spin_off_chance(0.0, 20.0, p) == 0.0
    assert founding.spin_off_chance(1e30, 20.0, p) == pytest.approx(0.004)


def test_people_of_closed_firms_lose_their_jobs_and_some_of_the_others_found_firms() -> None:
    """4000 people at the reference and a hazard of .02: tolerance 4 standard errors, false alarm 6e-5."""
    firms = firms_of(2, alive=[0, 1], sales=20_000.0, research_intensity=1.0, research_staff=[5, 4000])
    talent = crowd(4005, employer=np.repeat([0, 1], [5, 4000]))
    found = founding.leave_firms(
        talent.columns, 4005, firms.columns, 2, KEY, 1.0, FoundingParameters(0.02, 0.12, 20.0, -0.1)
    )
    assert talent.columns.employer[:5].tolist() == [-1] * 5
    assert firms.columns.research_staff[0] == 0
    assert found.min() >= 5
    assert found.size / 4000 == pytest.approx(0.02, abs=4.0 * math.sqrt(0.02 * 0.98 / 4000))


# Academicians ---------------------------------------------------------------------------------------------------------


def test_projects_by_grant() -> None:
    """At 300万元 the share of the report; nothing counts as 100万元."""
    assert academicians.project_chance(0.51, 300.0, 0.4) == pytest.approx(0.51)
    odds = 0.51 / 0.49 * (1.0 / 3.0) ** 0.4
    assert academicians.project_chance(0.51, 0.0, 0.4) == pytest.approx(odds / (1.0 + odds))
    assert academicians.project_chance(0.51, 600.0, 0.4) > 0.51
    assert academicians.project_chance(0.51, 0.0, 0.0) == pytest.approx(0.51)


def test_partners_are_drawn_by_knowledge() -> None:
    """Knowledge 3 to 1 in 4000 draws: three quarters; tolerance 4 standard errors, false alarm 6e-5."""
    draws = uniforms(KEY, np.arange(8000)).reshape(4000, 2)
    lines = [academicians.line_of_partners(np.array([300.0, 100.0]), pair, 2) for pair in draws]
    first = [line[0] == 0 for line in lines]
    assert all(sorted(line) == [0, 1] for line in lines)
    assert np.mean(first) == pytest.approx(0.75, abs=4.0 * math.sqrt(0.75 * 0.25 / 4000))
    pair = np.array([300.0, 100.0])
    assert [academicians.line_of_partners(pair, draws[k], 1)[0] for k in range(50)] == [line[0] for line in lines[:50]]
    assert academicians.line_of_partners(pair, draws[0], 0).size == 0
    assert academicians.line_of_partners(np.zeros(0), np.zeros(0), 3).size == 0


# The people as columns ------------------------------------------------------------------------------------------------


def test_every_column_of_a_person_has_unit_and_meaning_and_a_person_is_small() -> None:
    assert set(TALENT_MEANING) == set(TalentColumns._fields)
    assert sum(column.itemsize for column in arrays(Talent().columns)) < 40


def test_columns_grow_and_forget_who_has_left() -> None:
    talent = crowd(10, employer=[0, 1, 2, 3, 4, -1, -1, 0, 1, 2], present=[1, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    talent.columns.employer[1] = -1
    assert (talent.count, len(talent)) == (10, 9)
    talent.compact(np.array([0, -1, 1, 2, 3]))
    assert talent.count == len(talent) == 9
    assert talent.columns.employer[:9].tolist() == [0, 1, 2, 3, -1, -1, 0, -1, 1]
    assert talent.frame()["identity"].tolist() == [0, 2, 3, 4, 5, 6, 7, 8, 9]
    assert talent[-1].identity == 9
    assert "researcher" in repr(talent[0])
    with pytest.raises(IndexError):
        talent[9]
    with pytest.raises(AttributeError, match="no column"):
        talent[0].age  # noqa: B018


def test_identities_of_origins_cells_and_quarters_differ() -> None:
    found = [
        identity
        for origin in range(4)
        for cell in (0, 1, 38)
        for quarter in (0, 1, 80)
        for identity in identities_of(origin, cell, quarter, np.arange(3)).tolist()
    ]
    assert len(set(found)) == len(found)
    assert max(found) < 1 << 40


# Markets and jobs ------------------------------------------------------------------------------------------------------


def test_markets_of_seekers_and_who_is_left_over() -> None:
    """Kinds 0, 1, 2 at places 1, 0, 1 of two: markets 1, 2, 5; of five vacancies of these markets two are still open."""
    talent = Talent()
    rows = talent.add(np.arange(3), np.array([0, 1, 2]), np.array([1, 0, 1]), 10.0, 0, people.NOTHING_DUE)
    own = hiring.markets_of(talent.columns, np.arange(rows.start, rows.stop), 2)
    assert own.tolist() == [1, 2, 5]
    chosen = np.array([-1, 4, -1, 7, 9])
    assert hiring.unmatched(np.array([1, 1, 5, 5, 2]), chosen, -1, 6).tolist() == [0, 1, 0, 0, 0, 1]


def test_jobs_by_employer_and_by_step() -> None:
    """Two people at firm 1, one at firm 0, one without a job, one who has left the city and counts with no job."""
    talent = Talent()
    talent.add(np.arange(5), np.array([0, 1, 1, 2, 0]), 0, 10.0, 0, people.NOTHING_DUE)
    talent.columns.employer[:5] = [1, 1, 0, -1, -1]
    talent.columns.present[4] = 0
    present, jobs = rules.jobs_held(talent.columns, 5, 2)
    assert (present.tolist(), jobs.tolist()) == ([1.0, 2.0, 1.0], [2, 1, 2])
    firms = firms_of(3, place=[0, 2, 2], ladder=[0, 1, 1], research_staff=[4, 1, 2])
    assert hiring.jobs_by_step(firms.columns, 3, 3, 2).tolist() == [[4, 0], [0, 0], [0, 3]]


def test_people_follow_their_firms_to_new_rows() -> None:
    talent = Talent()
    talent.add(np.arange(4), 0, 0, 10.0, 0, people.NOTHING_DUE)
    talent.columns.employer[:4] = [2, -1, 0, 3]
    talent.compact(np.array([0, -1, 1, -1]))
    assert talent.columns.employer[:4].tolist() == [1, -1, 0, -1]


def test_grants_to_newcomers_are_those_of_their_employers_cell() -> None:
    """Kind, place, industry and step all count: the amount at [kind, quarter, place, industry, step] is its own index."""
    talent, firms = Talent(), firms_of(2, place=[1, 2], industry=[3, 0], ladder=[2, 1])
    talent.add(np.arange(3), np.array([0, 2, 1]), 0, 10.0, 0, people.NOTHING_DUE)
    talent.columns.employer[:3] = [0, 1, 0]
    subsidy = np.arange(4 * 2 * 3 * 4 * 3, dtype=float).reshape(4, 2, 3, 4, 3)
    promised = rules.subsidies_of(talent.columns, np.array([0, 1, 2]), firms.columns, subsidy, 1, 2.0)
    assert promised.tolist() == [2.0 * subsidy[0, 1, 1, 3, 2], 2.0 * subsidy[2, 1, 2, 0, 1], 2.0 * subsidy[1, 1, 1, 3, 2]]


def test_who_may_become_a_partner_of_an_academician() -> None:
    """Step 2 or above scale, with knowledge, alive: rows 1 and 2 of six."""
    firms = firms_of(
        6, ladder=[1, 2, 0, 3, 2, 1], above_scale=[0, 0, 1, 0, 0, 1], knowledge=[9, 9, 9, 0, 9, 9], alive=[1, 1, 1, 1, 0, 0]
    )
    assert academicians.who_is_in_line(firms.columns, 6).tolist() == [1, 2]
