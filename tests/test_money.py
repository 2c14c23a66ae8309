"""Banks in a city: lending and losses on books made by hand, levers of credit, and worlds at the edge."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from kechuang.clock import quarter_label
from kechuang.parameters import default_draw, prior_draw
from kechuang.randomness import stream_key
from kechuang.world.books import identities
from kechuang.world.indicators import POSITION
from kechuang.world.measure.credit import credit_readings
from kechuang.world.measure.headcount import headcount
from kechuang.world.mechanisms import credit, lending
from kechuang.world.mechanisms.credit import BankColumns, CreditParameters, CreditSetting
from kechuang.world.model import Corridor
from kechuang.world.phases import losses
from kechuang.world.phases.credit import change_banks
from kechuang.world.population.firms import Firms
from kechuang.world.simulate import simulate
from worlds import LIMIT, city_of, everywhere, firms_of, record, scenario_of

KEYS = lending.LendingKeys(*(stream_key(1, 1, purpose) for purpose in range(200, 204)))
CLEAR = {"bank_score_noise": 0.0, "second_bank_try": 1.0, "asking_plain": 0.0, "asking_science": 0.0}


def books(number: int, **columns: Any) -> BankColumns:
    """Return ordinary banks that are open, with capital of 1000万元 each."""
    zeros = {name: np.zeros(number) for name in ("loans", "guaranteed", "bad")}
    kind = np.full(number, 2, dtype=np.int8)
    made = BankColumns(
        kind=kind, place=kind, opens=np.zeros(number, dtype=np.int16), capital=np.full(number, 1000.0), **zeros
    )
    return made._replace(**columns)


def setting(**changes: Any) -> CreditSetting:
    """Return a quarter with a spread of 5 %, no guarantees, compensation, patents, renewal or data."""
    none = everywhere(0.0)
    return CreditSetting(9, 0.05, 0.25, 0.35, 0.0, 0.0, none, none, none, none)._replace(**changes)


def borrowers(number: int, **columns: Any) -> Firms:
    """Return sound firms of 1000万元 yearly sales that want 100万元 from bank 0."""
    usual = {"sales": 250.0, "capital": 350.0, "deposits": 100.0, "second_bank": -1, "refused": -999, "volatility": 0.35}
    return firms_of(number, **{**usual, **columns})


def served(firms: Firms, banks: BankColumns, rows: list[int], p: CreditParameters, **changes: Any) -> np.ndarray:
    need = np.full(firms.count, 100.0)
    change, moved = np.zeros(firms.count), np.zeros((banks.kind.size, 2))
    held = firms.columns.deposits[: firms.count].copy()
    counts = lending.lend(firms.columns, np.array(rows), need, setting(**changes), banks, KEYS, p, moved, change)
    assert moved[:, lending.GRANTED].sum() - moved[:, lending.REPAID].sum() == pytest.approx(change.sum())
    assert change == pytest.approx(firms.columns.deposits[: firms.count] - held)
    owed = np.bincount(firms.columns.loan_bank[: firms.count], firms.columns.loans[: firms.count], banks.kind.size)
    assert owed == pytest.approx(banks.loans)
    return counts


# Lending --------------------------------------------------------------------------------------------------------------


def test_the_first_in_the_queue_gets_the_last_capital() -> None:
    """Capital 10 carries 10 / (0.105 x 0.75) = 127 of loans at most: one of 100, not two; the order decides which."""
    p = record(CreditParameters, **CLEAR, bank_hurdle=0.0)
    for order in ([0, 1], [1, 0]):
        firms, banks = borrowers(2), books(1, capital=np.array([10.0]))
        counts = served(firms, banks, order, p)
        assert firms.columns.loans[order[0]] == 100.0
        assert firms.columns.loans[order[1]] == 0.0
        assert counts[lending.REFUSED] == counts[lending.RATIONED] == 1.0


def test_a_second_bank_takes_the_loan_over() -> None:
    """Bank 0 has no capital; bank 1 pays its 60 back and lends 100."""
    firms = borrowers(1, loans=60.0, loan_due=9, second_bank=1)
    banks = books(2, loans=np.array([60.0, 0.0]), capital=np.array([0.0, 1000.0]))
    served(firms, banks, [0], record(CreditParameters, **CLEAR))
    assert list(banks.loans) == [0.0, 100.0]
    assert (firms.columns.loan_bank[0], firms.columns.deposits[0], firms.columns.loan_due[0]) == (1, 140.0, 13)
    # Firms that never try their second bank stay refused and pay back.
    firms, banks = borrowers(1, loans=60.0, loan_due=9, second_bank=1), books(2, loans=np.array([60.0, 0.0]))
    banks.capital[:] = [0.0, 1000.0]
    served(firms, banks, [0], record(CreditParameters, **{**CLEAR, "second_bank_try": 0.0}))
    assert (firms.columns.loans[0], firms.columns.deposits[0]) == (0.0, 40.0)


def test_days_add_up_over_banks_and_waiting_for_new_money_counts_as_rationed() -> None:
    """Nine days a bank: a tenth of the quarter waited at the first, a fifth where the second has to decide as well.

    A quarter of that enters the memory of rationing; who only renews what he has waits for nothing.
    """
    p = record(CreditParameters, **CLEAR, approval_days_before=9.0)
    for capital, days in (([1000.0, 1000.0], 9.0), ([0.0, 1000.0], 18.0)):
        firms = borrowers(1, second_bank=1)
        counts = served(firms, books(2, capital=np.array(capital)), [0], p)
        assert (counts[lending.DAYS], counts[lending.RATIONED]) == (days, 0.0)
        assert firms.columns.rationed[0] == pytest.approx(0.25 * days / 90.0)
    firms = borrowers(1, loans=100.0, loan_due=9)
    assert served(firms, books(1, loans=np.array([100.0])), [0], p)[lending.DAYS] == 9.0
    assert firms.columns.rationed[0] == 0.0


def test_what_deposits_do_not_cover_is_overdue() -> None:
    firms = borrowers(1, loans=160.0, guaranteed=80.0, pledged=70.0, loan_due=9)
    banks = books(1, loans=np.array([160.0]), guaranteed=np.array([80.0]), capital=np.zeros(1))
    counts = served(firms, banks, [0], record(CreditParameters, **CLEAR))
    assert (firms.columns.loans[0], firms.columns.deposits[0], firms.columns.guaranteed[0]) == (60.0, 0.0, 60.0)
    assert (firms.columns.pledged[0], firms.columns.loan_due[0], counts[lending.REFUSED]) == (0.0, 9, 1.0)


def test_two_refusals_within_two_years_change_the_main_bank() -> None:
    p = record(CreditParameters, **{**CLEAR, "second_bank_try": 0.0})
    firms, banks = borrowers(2, second_bank=1, refused=[1, -999]), books(2, capital=np.zeros(2))
    counts = served(firms, banks, [0, 1], p)
    assert list(firms.columns.main_bank[:2]) == [1, 0]
    assert (counts[lending.SWITCHED], list(firms.columns.refused[:2])) == (1.0, [9, 9])


def test_guarantees_stop_where_the_room_ends() -> None:
    """Two firms ask for 100 each, the fund may cover 130."""
    p = record(CreditParameters, **{**CLEAR, "asking_plain": 1.0})
    firms, banks = borrowers(2, ladder=1), books(1)
    served(firms, banks, [1, 0], p, coverage=everywhere(0.8), guarantee_room=130.0)
    assert list(firms.columns.guaranteed[:2]) == pytest.approx([30.0, 100.0])
    assert banks.guaranteed[0] == pytest.approx(130.0)


def test_a_due_research_loan_rolls_over_where_that_is_allowed() -> None:
    for share, left in ((1.0, 60.0), (0.0, 0.0)):
        firms = borrowers(1, loans=60.0, loan_due=9, ladder=1, does_research=1)
        banks = books(1, loans=np.array([60.0]), capital=np.zeros(1))
        counts = served(firms, banks, [0], record(CreditParameters, **CLEAR), renewal=everywhere(share))
        assert (firms.columns.loans[0], counts[lending.ROLLED]) == (left, share)


def test_science_banks_serve_the_ladder_only() -> None:
    firms, banks = borrowers(2, ladder=[0, 1]), books(1, kind=np.zeros(1, dtype=np.int8))
    served(firms, banks, [0, 1], record(CreditParameters, **CLEAR))
    assert list(firms.columns.loans[:2]) == [0.0, 100.0]


def test_a_loan_without_need_is_paid_back_at_its_term_and_is_no_application() -> None:
    """Four firms with a loan of 60: due and without need; due with need; not yet due; dead. Only the first pays."""
    firms = borrowers(4, loans=60.0, loan_due=[9, 9, 10, 9], alive=[1, 1, 1, 0], guaranteed=30.0)
    banks = books(1, loans=np.array([240.0]), guaranteed=np.array([120.0]))
    need, moved, change = np.array([0.0, 50.0, 0.0, 0.0]), np.zeros((1, 2)), np.zeros(4)
    lending.repay_unneeded(firms.columns, 4, need, 9, banks, moved, change)
    assert list(firms.columns.loans[:4]) == [0.0, 60.0, 60.0, 60.0]
    assert list(firms.columns.deposits[:4]) == [40.0, 100.0, 100.0, 100.0]
    assert (banks.loans[0], banks.guaranteed[0], moved[0, lending.REPAID], change.sum()) == (180.0, 90.0, 60.0, -60.0)


def asking(p: CreditParameters, kind: int, **changes: Any) -> tuple[list[int], int]:
    """Return who asks and how many give up: two firms at their own limit, the second with three patents."""
    columns = {"loans": 140.0, "loan_due": 20, "deposits": 0.0, "ladder": 1, "patents": [0.0, 3.0], "capital": 100.0}
    firms, banks = borrowers(2, **columns), books(1, kind=np.array([kind], dtype=np.int8))
    found = setting(**changes)
    rows, gave_up = credit.applicants(firms.columns, 2, found, banks, KEYS.guarantee, p, np.zeros(2))
    return rows.tolist(), gave_up


def test_who_is_discouraged_counts_on_guarantee_and_patents() -> None:
    """Sales 1000, machines 100: own limit 50 + 0.3 x 350 = 155, loan 140, need beyond both; a step is 30.

    A guarantee lifts the limit to 350, so both ask. Three patents pledged at half of 30 add 45, so their owner asks, but
    only at a science bank.
    """
    p = record(
        CreditParameters, application_step=0.03, tangible_pledge_share=0.5, unsecured_share=0.3, loan_to_sales_max=0.35,
        working_capital_need=0.5, patent_value=30.0, asking_plain=1.0, asking_science=0.0, guarantee_sales_max=5000.0,
    )  # fmt: skip
    plain, science, pledge = 2, 0, {"patent_pledge": everywhere(0.5)}
    assert asking(p, plain) == ([], 2)
    assert asking(p, plain, coverage=everywhere(0.8), guarantee_room=1000.0) == ([0, 1], 0)
    assert asking(p, plain, coverage=everywhere(0.8), guarantee_room=0.0) == ([], 2)
    assert asking(p, plain, **pledge) == ([], 2)
    assert asking(p, science, **pledge) == ([1], 1)


def test_a_few_firms_a_year_change_their_bank_for_reasons_of_their_own() -> None:
    """Churn of 40 % a year: a tenth of the living look anew in a quarter. n = their number, two-sided 4 s.e. (6e-5)."""
    city = city_of(scenario_of("2017Q4"), default_draw("B").with_values(bank_churn=0.4), scale=0.1).run(3)
    columns, count = city.firms.columns, city.firms.count
    living = int((columns.alive[:count] == 1).sum())
    city.quarter = 4
    change_banks(city)
    looked = int((columns.bank_since[:count] == 4).sum())
    assert abs(looked - 0.1 * living) < 4.0 * (0.09 * living) ** 0.5
    never = city_of(scenario_of("2017Q4"), default_draw("B").with_values(bank_churn=0.0), scale=0.1).run(3)
    before = never.firms.columns.main_bank[: never.firms.count].copy()
    change_banks(never)
    assert np.array_equal(never.firms.columns.main_bank[: never.firms.count], before)


def test_overdue_loans_are_those_past_their_term() -> None:
    city = city_of(scenario_of("2017Q4"), default_draw("B"), scale=0.03).run(4)
    columns, count = city.firms.columns, city.firms.count
    columns.loan_due[:count] = city.quarter + 1
    assert credit_readings(city, headcount(city))["loans_overdue_share"] == 0.0
    owed = np.flatnonzero((columns.alive[:count] == 1) & (columns.loans[:count] > 0.0))
    columns.loan_due[owed[:5]] = city.quarter
    expected = 100.0 * columns.loans[owed[:5]].sum() / columns.loans[owed].sum()
    assert credit_readings(city, headcount(city))["loans_overdue_share"] == pytest.approx(expected)


# One default by hand --------------------------------------------------------------------------------------------------


def test_a_loss_passes_guarantee_and_compensation_before_the_bank() -> None:
    """Loan 100 at a science bank, half guaranteed, 20 recovered: lost 80.

    Fund: 0.8 x 0.5 x 80 = 32. City: 0.3 x (80 - 32) = 14.4, of which the pool has 10. Bank: 80 - 32 - 10 = 38.
    """
    city = city_of(scenario_of("2018Q4"), default_draw("B"), scale=0.02).run(9)
    columns, banks = city.firms.columns, city.banks.columns
    bank = int(np.flatnonzero(banks.kind == 0)[0])
    row = np.array([5])
    columns.loan_bank[row], columns.loans[row], columns.guaranteed[row], columns.ladder[row] = bank, 100.0, 50.0, 1
    capital, fund, flow = float(banks.capital[bank]), city.guarantee_fund.capital, float(city.banks.flow[bank])
    city.compensation.left = 10.0
    losses.repay_banks(city, row, np.array([20.0]))
    assert fund - city.guarantee_fund.capital == pytest.approx(32.0)
    assert city.compensation.left == 0.0
    assert capital - banks.capital[bank] == pytest.approx(38.0)
    assert city.banks.flow[bank] - flow == pytest.approx(20.0 + 32.0 + 10.0)
    assert sum(city.ledger.flows["risk compensation"]) == 0.0


# Levers ---------------------------------------------------------------------------------------------------------------

NULL = {
    "guarantee_coverage": {"value": 0, "capital": {"value": 0}},
    "risk_compensation": {"value": 0},
    "data_platform_coverage": {"value": 0},
    "loan_renewal": {"value": 0},
    "patent_pledge": {"value": 0},
}


def indicators(until: str = "2019Q4", seed: int = 5, **parts: Any) -> np.ndarray:
    return simulate(scenario_of(until, **parts), default_draw("B"), seed, scale=0.03).indicators


def test_levers_that_change_nothing_change_nothing() -> None:
    assert np.array_equal(indicators(), indicators(levers=NULL), equal_nan=True)
    budget = {"risk_compensation": {"value": 0.4, "from": "2018Q1", "budget": 0}}
    assert np.array_equal(indicators(), indicators(levers=budget), equal_nan=True)


def test_compensation_from_an_empty_pool_is_no_compensation() -> None:
    empty = {"pool": {"level": 0}}
    none = indicators(levers={"risk_compensation": {"level": 0, **empty}})
    promised = indicators(levers={"risk_compensation": {"level": 0.6, **empty}})
    assert np.array_equal(none, promised, equal_nan=True)


def test_each_lever_moves_what_it_should() -> None:
    """More guarantee capital, pledges and data: more guarantees, subsidies and users; each books its cost."""
    levers = {
        "guarantee_coverage": {"capital": {"value": 5, "from": "2016Q2"}},
        "data_platform_coverage": {"value": 0.5, "from": "2016Q2"},
        "patent_pledge": {"value": 0.3, "from": "2016Q2"},
    }
    plain = simulate(scenario_of("2018Q4"), default_draw("B"), 5, scale=0.05)
    moved = simulate(scenario_of("2018Q4", levers=levers), default_draw("B"), 5, scale=0.05)
    assert plain.indicators[11, POSITION["platform_users"]] == 0.0
    assert moved.indicators[11, POSITION["platform_users"]] > 0.0
    extra = (moved.costs - plain.costs).sum(axis=0)
    cost = {key: extra[moved.lever_keys.index(key), 0] for key in levers}
    assert cost["guarantee_coverage"] == pytest.approx(5.0)
    assert cost["data_platform_coverage"] == pytest.approx(0.5 * 0.5 * 11 / 4)
    assert cost["patent_pledge"] >= 0.0
    assert moved.costs[:, 3:].min() >= 0.0


# Budgets --------------------------------------------------------------------------------------------------------------


def test_a_budget_bounds_an_injection_but_not_that_of_the_path() -> None:
    """5亿 more from 2017Q1 with a budget of 1亿: 1亿 comes. The path's own 5亿 of 2018Q1 comes in full."""
    lever = {"guarantee_coverage": {"budget": 1, "capital": {"value": 5, "from": "2017Q1"}}}
    paid = []
    for levers in ({}, lever):
        run = simulate(scenario_of("2018Q2", levers=levers), default_draw("B"), 5, scale=0.03)
        paid.append(run.costs[:, run.lever_keys.index("guarantee_coverage"), 0])
    assert paid[0] == pytest.approx([0.0] * 8 + [5.0, 0.0])
    assert paid[1] == pytest.approx([0.0] * 4 + [1.0] + [0.0] * 3 + [5.0, 0.0])


def test_a_budget_bounds_compensation_but_not_that_of_the_path() -> None:
    """Two losses of 100 and 300 at a science bank, nothing guaranteed; 0.3 by the path, 0.8 by the lever.

    Path 120, extra 200 of which the budget has 50: a quarter. Banks bear 400 - 120 - 50 = 230.
    """
    lever = {"risk_compensation": {"level": 0.8, "from": "2018Q1", "budget": 1, "pool": {"level": 5, "from": "2018Q1"}}}
    city = city_of(scenario_of("2018Q4", levers=lever), default_draw("B"), scale=0.02).run(9)
    columns, banks, rows = city.firms.columns, city.banks.columns, np.array([5, 6])
    bank = int(np.flatnonzero(banks.kind == 0)[0])
    columns.loan_bank[rows], columns.guaranteed[rows], columns.ladder[rows] = bank, 0.0, 1
    columns.loans[rows] = [100.0, 300.0]
    city.policy.finance.budgets["risk_compensation"].left = 50.0
    city.compensation.left = 1000.0
    capital = float(banks.capital[bank])
    losses.repay_banks(city, rows, np.zeros(2))
    assert 1000.0 - city.compensation.left == pytest.approx(170.0)
    assert capital - banks.capital[bank] == pytest.approx(230.0)


def test_a_budget_bounds_interest_subsidies_but_not_those_of_the_path() -> None:
    """1 pp on pledged loans by the path, 4 pp more by a lever with 0.002亿 a year, which the first quarters use up.

    Patents are worth ten times as much as usual and assets carry little credit, so that more firms pledge patents.
    """
    claimed, path, extra = [], [], []

    def note(city: Corridor) -> None:
        rows = city.firms.columns.alive[: city.firms.count] == 1
        quarter = 0.25 * float(city.firms.columns.pledged[: city.firms.count][rows].sum())
        path.append(0.01 * quarter)
        extra.append(0.04 * quarter)
        claimed.append(sum(float(one.amounts.sum()) for one in city.claims if one.lever == "patent_pledge"))

    lever = {"level": 0.6, "from": "2016Q1", "budget": 0.002, "interest_subsidy": {"value": 4, "from": "2016Q1"}}
    draw = default_draw("B").with_values(patent_value=300.0, tangible_pledge_share=0.05)
    scenario = scenario_of("2019Q4", levers={"patent_pledge": lever})
    city_of(scenario, draw, scale=0.1, events={"accounts": [note]}).run()
    budget = 0.1 * 0.002 * 1e4
    paid = (np.array(claimed) - np.array(path)).reshape(4, 4)
    wanted = np.array(extra).reshape(4, 4)
    assert paid.sum(axis=1) == pytest.approx(np.minimum(wanted.sum(axis=1), budget))
    assert paid.min() > -1e-9
    assert (wanted.sum(axis=1) > budget).any(), "the budget binds in some year"
    # A quarter in which the budget ends pays what is left of it, later ones nothing.
    left = np.maximum(budget - np.cumsum(wanted, axis=1) + wanted, 0.0)
    assert paid == pytest.approx(np.minimum(wanted, left))


# Worlds at the edge ---------------------------------------------------------------------------------------------------

END = "2026Q4"


def edge(events: Any = None, until: str = END, levers: Any = None, seed: int = 1, **values: Any) -> Corridor:
    draw = default_draw("B").with_values(**values)
    scenario = scenario_of(until, levers=levers or {})
    city = city_of(scenario, draw, seed, audit=True, events=events or {}).run()
    assert city.indicators[:, POSITION["ledger_residual"]].max() < LIMIT
    return city


@cache
def usual(seed: int = 1) -> Corridor:
    """Return the small baseline city at its end."""
    return edge(seed=seed)


def path(city: Corridor, key: str) -> np.ndarray:
    return np.asarray(city.indicators[:, POSITION[key]])


def last(city: Corridor, key: str) -> float:
    return float(path(city, key)[-1])


NO_LENDERS = {"capital_ratio_start": 0.0, "bank_capital_floor": 0.0, "bank_payout_share": 1.0}
"""Banks start without capital, parents allot none, and what they earn on old loans is paid out."""


def test_banks_without_capital_lend_nothing_and_firms_live_on_their_own() -> None:
    """A loan needs capital. Firms that owed money at the start pay it back and can do less R&D than with banks.

    Demand is given and sales add up to it, so that GDP hardly depends on who lends; but rationed firms lose sales to
    less productive ones, and after a decade there is no more of it. (In the first years it can be higher: who owes
    nothing cannot default.) Two cities, each with the same luck in both worlds.
    """
    for seed in (1, 2):
        city, other = edge(seed=seed, **NO_LENDERS), usual(seed)
        assert path(city, "loans_granted").max() == 0.0
        # In the first year firms that need no loan any more come to repay the old one; the bank does not say no to that.
        assert np.nanmax(path(city, "loan_approval_rate")[4:]) == 0.0
        assert path(city, "guarantee_outstanding").max() < 0.01 * path(other, "guarantee_outstanding").max()
        assert last(city, "loans_outstanding") < 0.01 * last(other, "loans_outstanding")
        done = [research_of_first_borrowers(one) for one in (city, other)]
        both = done[0].keys() & done[1].keys()
        assert len(both) > 30
        assert sum(done[0][firm] for firm in both) < 0.95 * sum(done[1][firm] for firm in both)
        assert last(city, "gdp_four_quarters") <= last(other, "gdp_four_quarters")


def research_of_first_borrowers(city: Corridor) -> dict[int, float]:
    """Return R&D at the end of firms that are alive, do R&D and had a loan when the model began, by identity."""
    start = city_of(city.resolved, default_draw("B"), city.luck_seed)
    owed = set(start.firms.columns.identity[: start.firms.count][start.firms.columns.loans[: start.firms.count] > 0.0])
    columns, count = city.firms.columns, city.firms.count
    rows = np.flatnonzero((columns.alive[:count] == 1) & (columns.does_research[:count] == 1))
    amounts = columns.sales[rows] * columns.research_intensity[rows]
    return {int(who): float(amount) for who, amount in zip(columns.identity[rows], amounts, strict=True) if who in owed}


def test_unlimited_capital_leaves_score_and_collateral_as_the_only_limits() -> None:
    """Capital that cannot bind: no fewer approvals, less rationing; and a hundred times more of it changes no loan."""
    rich, richer = edge(bank_capital_floor=1e6), edge(bank_capital_floor=1e8)
    for key in ("loans_granted", "loan_approval_rate", "credit_rationed_share", "defaults"):
        assert path(rich, key) == pytest.approx(path(richer, key), rel=1e-6, nan_ok=True)
    assert np.nanmean(path(rich, "loan_approval_rate")) > np.nanmean(path(usual(), "loan_approval_rate"))
    rationed = np.nanmean(path(rich, "credit_rationed_share"))
    assert 0.0 < rationed < np.nanmean(path(usual(), "credit_rationed_share"))
    # Banks that see the truth refuse nobody safe: with perfect sight and no default risk only collateral is left.
    safe = edge(until="2020Q4", bank_capital_floor=1e6, bank_score_noise=0.0, default_rate=1e-4)
    assert np.nanmin(path(safe, "loan_approval_rate")) == 100.0


def test_an_exhausted_guarantee_fund_covers_nobody() -> None:
    """Without capital from the first quarter: no guarantee, no payout, and the fund is never overdrawn."""
    paid: list[float] = []
    note = {"closing": [lambda city: paid.append(city.tally_money["guarantee_paid"])]}
    city = edge(note, levers={"guarantee_coverage": {"capital": {"level": 0, "from": "2016Q1"}}})
    assert path(city, "guarantee_outstanding").max() == 0.0
    assert paid == [0.0] * 44
    assert city.guarantee_fund.capital == 0.0
    assert last(usual(), "guarantee_outstanding") > 0.0


def test_what_the_fund_cannot_pay_the_bank_loses() -> None:
    """Loan 100, all guaranteed at 0.8, nothing recovered, not a science bank: the fund owes 80 and holds 30, then 0."""
    for held, paid in ((1000.0, 80.0), (30.0, 30.0), (0.0, 0.0)):
        city = city_of(scenario_of("2018Q4"), default_draw("B"), scale=0.02).run(3)
        columns, banks, row = city.firms.columns, city.banks.columns, np.array([5])
        bank = int(np.flatnonzero(banks.kind != 0)[0])
        columns.loan_bank[row], columns.loans[row], columns.guaranteed[row] = bank, 100.0, 100.0
        city.guarantee_fund.capital = held
        capital = float(banks.capital[bank])
        losses.repay_banks(city, row, np.zeros(1))
        assert held - city.guarantee_fund.capital == pytest.approx(paid)
        assert capital - banks.capital[bank] == pytest.approx(100.0 - paid)


def test_one_bank_for_all_holds_all_loans() -> None:
    """Its capital was allotted for its own customers, so it turns down most of the others until it has grown."""

    def only_one(city: Corridor) -> None:
        city.firms.columns.main_bank[:] = 26
        city.firms.columns.second_bank[:] = -1

    city = edge({"guarantees": [only_one]})
    assert last(city, "bank_concentration") > 0.95
    assert last(city, "bank_links") >= 1.0
    books = city.banks.columns
    assert books.loans[26] == pytest.approx(books.loans.sum())
    first = slice(0, 12)
    assert np.mean(path(city, "loan_approval_rate")[first]) < np.mean(path(usual(), "loan_approval_rate")[first])
    assert last(city, "loans_outstanding") < last(usual(), "loans_outstanding")


def test_science_banks_without_weight_lend_to_nobody() -> None:
    """Nobody finds one, so they hold no loan and the compensation fund, which serves only them, pays nothing."""
    city = edge(science_bank_share=0.0)
    columns, count = city.firms.columns, city.firms.count
    science = city.banks.columns.kind == 0
    assert not science[columns.main_bank[:count]].any()
    second = columns.second_bank[:count]
    assert not science[second[second >= 0]].any()
    assert not city.banks.columns.loans[science].any()
    assert path(city, "compensation_paid").max() == 0.0
    assert usual().banks.columns.loans[science].sum() > 0.0


def test_without_money_for_support_banks_lend_on_but_firms_do_less_research() -> None:
    """A zero ceiling takes rewards and grants away, not credit: whether a loan is given hardly changes, R&D falls.

    Without a ceiling the city pays more, by a fifth at most: the programmes of these years cost about what it allows.
    """
    nothing = edge(support_ceiling_2020=0.0)
    assert last(nothing, "rd_real") < last(usual(), "rd_real")
    approved = [np.nanmean(path(city, "loan_approval_rate")) for city in (nothing, usual())]
    assert approved[0] == pytest.approx(approved[1], abs=5.0)
    unlimited = city_of(scenario_of(END, support_ceiling="none"), default_draw("B"), audit=True).run()
    paid = [float(path(city, "lever_cost_cash").sum()) for city in (unlimited, usual())]
    assert paid[1] <= paid[0] < 1.2 * paid[1]


def test_a_bank_that_sees_the_truth_lends_to_safer_firms() -> None:
    """T9: defaults over loans fall with the noise, and a coin toss approves the unsafe."""
    rate = {}
    for noise in (0.0, 3.0):
        city = edge(until="2020Q4", bank_score_noise=noise, default_rate=0.06)
        columns, alive = city.firms.columns, city.firms.columns.alive[: city.firms.count] == 1
        debt = columns.loans[: city.firms.count][alive]
        rate[noise] = float((columns.default_risk[: city.firms.count][alive] * debt).sum() / debt.sum())
    assert rate[0.0] < rate[3.0]


@pytest.mark.parametrize("number", range(6))
def test_books_close_with_random_levers_of_credit(number: int) -> None:
    luck = np.random.Generator(np.random.PCG64(number))
    pick = lambda low, high: round(float(luck.uniform(low, high)), 3)  # noqa: E731
    start = quarter_label(int(luck.integers(1, 20)))
    levers = {
        "guarantee_coverage": {
            "level": pick(0, 0.9),
            "from": start,
            "capital": {"level": pick(0, 20), "from": start},
            "fee": {"level": pick(0, 5), "from": start},
        },
        "risk_compensation": {"level": pick(0, 0.8), "from": start, "pool": {"level": pick(0, 1), "from": start}},
        "data_platform_coverage": {"level": pick(0, 1.5), "from": start, "budget": pick(0.01, 1)},
        "loan_renewal": {"level": pick(0, 1), "from": start},
        "patent_pledge": {
            "level": pick(0, 0.6),
            "from": start,
            "interest_subsidy": {"level": pick(0, 5), "from": start},
        },
    }
    scenario = scenario_of("2024Q4", levers=levers)
    city = city_of(scenario, prior_draw(number, 3), seed=number, audit=True, scale=0.02).run()
    assert city.indicators[:, POSITION["ledger_residual"]].max() < LIMIT
    assert identities.worst(city.residuals) < LIMIT


# T9 -------------------------------------------------------------------------------------------------------------------


def approvals(noise: float, number: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Return who gets a loan and everybody's true risk: firms between safe and reckless, a bank that never runs short."""
    p = record(CreditParameters, **{**CLEAR, "bank_score_noise": noise}, bank_hurdle=0.02, main_bank_information=1.0)
    debts = np.linspace(0.0, 900.0, number)
    firms = borrowers(number, payables=debts)
    served(firms, books(1, capital=np.full(1, 1e9)), list(range(number)), p)
    odds = [
        credit.firm_log_odds(1000.0, 0.25 * 9, 0.35, 100.0, 350.0, 0.0, float(debt), p) for debt in debts
    ]
    return firms.columns.loans[:number] > 0.0, np.array([credit.probability(one) for one in odds])


def test_t9_a_bank_that_sees_all_lends_to_the_safest_and_one_that_sees_nothing_tosses_a_coin() -> None:
    """Without noise approval is a threshold in risk; at noise 100 the approved half is as risky as the refused one.

    n = 3000; under a coin toss the difference of mean risks has a standard error of sd/27; 4 of them, false alarm 6e-5.
    """
    sharp, risk = approvals(1e-9)
    assert 0.0 < sharp.mean() < 1.0
    assert risk[sharp].max() < risk[~sharp].min()
    usual, _ = approvals(1.0)
    blind, _ = approvals(100.0)
    assert risk[sharp].mean() < risk[usual].mean() < risk[blind].mean()
    assert blind.mean() == pytest.approx(0.5, abs=0.05)
    assert risk[blind].mean() == pytest.approx(risk[~blind].mean(), abs=4 * risk.std() / 27)
