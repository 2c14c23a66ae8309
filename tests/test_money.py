"""Banks in a city: lending and losses on books made by hand, levers of credit, and worlds at the edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kechuang.clock import quarter_label
from kechuang.parameters import default_draw, prior_draw
from kechuang.randomness import stream_key
from kechuang.world import identities
from kechuang.world.indicators import POSITION
from kechuang.world.mechanisms import lending
from kechuang.world.mechanisms.credit import BankColumns, CreditParameters, CreditSetting
from kechuang.world.mechanisms.growth import GrowthParameters
from kechuang.world.model import Corridor
from kechuang.world.phases import losses
from kechuang.world.populations import Firms
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
    usual = {"sales": 250.0, "capital": 350.0, "deposits": 100.0, "second_bank": -1, "refused": -999}
    return firms_of(number, **{**usual, **columns})


def served(firms: Firms, banks: BankColumns, rows: list[int], p: CreditParameters, **changes: Any) -> np.ndarray:
    need, growth = np.full(firms.count, 100.0), record(GrowthParameters)
    change = np.zeros(firms.count)
    held = firms.columns.deposits[: firms.count].copy()
    _, counts = lending.lend(firms.columns, np.array(rows), need, setting(**changes), banks, KEYS, p, growth, change)
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
    assert city.ledger.flows["risk compensation"].sum() == 0.0


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


# Worlds at the edge ---------------------------------------------------------------------------------------------------


def edge(events: Any = None, until: str = "2022Q4", levers: Any = None, **values: Any) -> Corridor:
    draw = default_draw("B").with_values(**values)
    return city_of(scenario_of(until, levers=levers or {}), draw, audit=True, events=events or {}).run()


def last(city: Corridor, key: str) -> float:
    return float(city.indicators[-1, POSITION[key]])


def test_banks_without_capital_lend_nothing_and_firms_live_on_their_own() -> None:
    def strip(city: Corridor) -> None:
        city.banks.funding += city.banks.columns.capital
        city.banks.columns.capital[:] = 0.0

    city = edge({"funds": [strip]})
    assert last(city, "loan_approval_rate") < 1.0
    assert last(city, "loans_granted") < 1.0
    assert last(city, "loans_outstanding") < 0.1 * last(edge(), "loans_outstanding")


def test_unlimited_capital_leaves_score_and_collateral_as_the_only_limits() -> None:
    def fill(city: Corridor) -> None:
        city.banks.funding -= 1e9 - city.banks.columns.capital
        city.banks.columns.capital[:] = 1e9

    rich, usual = edge({"funds": [fill]}, bank_payout_share=0.0), edge()
    assert last(rich, "loan_approval_rate") >= last(usual, "loan_approval_rate")
    assert np.nanmean(rich.indicators[:, POSITION["loan_approval_rate"]]) > 95.0


def test_an_exhausted_guarantee_fund_covers_nobody() -> None:
    city = edge(levers={"guarantee_coverage": {"capital": {"level": 0, "from": "2016Q1"}}})
    assert city.indicators[:, POSITION["guarantee_outstanding"]].max() < 0.2
    assert city.guarantee_fund.capital >= 0.0


def test_one_bank_for_all_holds_all_loans() -> None:
    def only_one(city: Corridor) -> None:
        city.firms.columns.main_bank[:] = 26
        city.firms.columns.second_bank[:] = -1

    city = edge({"funds": [only_one]})
    assert last(city, "bank_concentration") > 0.95
    assert last(city, "bank_links") >= 1.0


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
