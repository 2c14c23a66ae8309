"""Score, noise, margin, hurdle, need, limit and offer of credit, computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kechuang.randomness import stream_key, uniforms
from kechuang.world.mechanisms import credit
from kechuang.world.mechanisms.bank_choice import NOBODY, BankKeys, by_gravity, choose_banks, who_leaves
from kechuang.world.mechanisms.credit import CreditParameters
from kechuang.world.mechanisms.default import Settled, settle_loans
from kechuang.world.mechanisms.lending import Borrower, Terms, offer, rolls_over
from worlds import firms_of, record

P = record(
    CreditParameters,
    default_base=-4.875,
    default_leverage=2.0,
    default_liquidity=-3.0,
    default_age=-0.04,
    default_volatility=1.5,
    bank_score_noise=1.0,
    platform_information_gain=3.0,
    main_bank_information=0.8,
    bank_hurdle=0.005,
    capital_ratio_min=0.105,
    tangible_pledge_share=0.5,
    patent_value=30.0,
    loan_to_sales_max=0.35,
    working_capital_need=0.2,
    unsecured_share=0.3,
    loss_unsecured=0.6,
    loss_secured=0.35,
    weight_small=0.75,
    weight_guaranteed=0.2,
    renewal_default_max=0.05,
)


def test_log_odds_of_the_usual_firm() -> None:
    """Debt half of assets, liquidity 0.1, age 6, volatility 0.35: -4.875 + 1 - 0.3 - 0.24 + 0.525 = -3.89, 2.0 %."""
    found = credit.default_log_odds(50.0, 100.0, 0.1, 6.0, 0.35, P)
    assert found == pytest.approx(-3.89)
    assert credit.probability(found) == pytest.approx(0.02, abs=5e-4)


def test_debt_raises_and_cash_lowers_the_risk_within_bounds() -> None:
    usual = credit.default_log_odds(50.0, 100.0, 0.1, 6.0, 0.35, P)
    assert credit.default_log_odds(80.0, 100.0, 0.1, 6.0, 0.35, P) > usual
    assert credit.default_log_odds(50.0, 100.0, 0.3, 6.0, 0.35, P) < usual
    assert credit.default_log_odds(1e9, 1.0, 0.1, 6.0, 0.35, P) == credit.default_log_odds(1.5, 1.0, 0.1, 6.0, 0.35, P)


@pytest.mark.parametrize(
    ("user", "data", "years", "expected"),
    [
        (False, 1.0, 0.0, 1.0),
        (True, 1.0, 0.0, 0.5),
        (True, 0.0, 0.0, 1.0),
        (False, 1.0, 2.0, 0.8),
        (True, 1.0, 5.0, 0.4),
    ],
)
def test_noise_falls_with_data_and_with_time(user: bool, data: float, years: float, expected: float) -> None:
    """A gain of 3 halves the standard deviation; two years with the main bank leave four fifths of it."""
    assert credit.score_noise(user, data, years, P) == pytest.approx(expected)


def test_margin_and_hurdle() -> None:
    """5 % spread less 2 % x 0.6 x (1 - 0.8) less 1 % = 3.76 %; the hurdle doubles when half of the capital is used."""
    assert credit.margin_after_losses(0.05, 0.02, 0.6, 0.8, 0.01) == pytest.approx(0.0376)
    assert credit.hurdle(0.0, P) == pytest.approx(0.005)
    assert credit.hurdle(0.5, P) == pytest.approx(0.010)
    assert credit.hurdle(1.0, P) == pytest.approx(5000.0)


def test_need_and_limit() -> None:
    """Need 0.2 x 1000 + 20 + 30 - 100; limit 0.5 x 200 + 0.25 x 30 x 4 + 50 + 0.3 x 350 = 285, below 350."""
    assert credit.loan_need(1000.0, 20.0, 30.0, 100.0, P) == pytest.approx(150.0)
    assert credit.loan_need(1000.0, 0.0, 0.0, 500.0, P) == 0.0
    assert credit.collateral_limit(1000.0, 200.0, 4.0, 0.25, 50.0, P) == pytest.approx(285.0)
    assert credit.collateral_limit(1000.0, 2000.0, 4.0, 0.25, 50.0, P) == pytest.approx(350.0)


@pytest.mark.parametrize(
    ("need", "loan", "limit", "due", "expected"),
    [
        (0.0, 50.0, 100.0, True, (True, False)),
        (100.0, 0.0, 0.0, False, (True, False)),  # a first loan: who knows
        (100.0, 50.0, 100.0, False, (True, False)),
        (100.0, 50.0, 55.0, False, (False, True)),  # it knows that its limit is reached
        (55.0, 50.0, 100.0, False, (False, False)),
    ],
)
def test_who_asks(need: float, loan: float, limit: float, due: bool, expected: tuple[bool, bool]) -> None:
    assert credit.wants_loan(need, loan, limit, due, 10.0) == expected


def test_an_offer_by_hand() -> None:
    """Need 200, no guarantee, no patents: limit 0.5 x 120 + 105 = 165, of which 60 secured.

    Loss (60 x 0.35 + 105 x 0.6) / 165 = 0.509; PD 2 %: margin 0.05 - 0.0102 - 0.01 = 0.0298; weighted assets after the
    loan 0.75 x 165 = 123.75, capital 100: use 0.13, hurdle 0.0057.
    """
    firm = Borrower(200.0, 1000.0, 120.0, 0.0, math.log(0.02 / 0.98), 0.0)
    terms = Terms(0.8, 0.0, 0.0, 1.0, 0.01, 0.05)
    assert offer(firm, terms, 0.0, 0.0, 0.0, 100.0, P) == pytest.approx((165.0, 0.0, 0.0))
    assert offer(firm, terms, 3.0, 0.0, 0.0, 100.0, P)[0] == -1.0, "a bad score"
    assert offer(firm, terms, 0.0, 1200.0, 0.0, 100.0, P)[0] == -1.0, "0.105 x 0.75 x 1365 exceeds the capital"
    assert offer(firm, terms, 0.0, 0.0, 0.0, 0.0, P)[0] == -1.0, "a bank without capital"
    assert offer(firm, terms._replace(spread=0.02), 0.0, 0.0, 0.0, 100.0, P)[0] == -1.0, "too little to earn"


def test_others_who_bear_losses_open_the_counter() -> None:
    """At PD 10 % the uncovered margin is negative; a guarantee of four fifths or compensation of nine tenths turns it."""
    firm = Borrower(100.0, 1000.0, 0.0, 0.0, math.log(0.1 / 0.9), 0.0)
    terms = Terms(0.8, 0.0, 0.0, 1.0, 0.01, 0.05)
    assert offer(firm, terms, 0.0, 0.0, 0.0, 1000.0, P)[0] == -1.0
    assert offer(firm._replace(room=100.0), terms, 0.0, 0.0, 0.0, 1000.0, P) == pytest.approx((100.0, 100.0, 0.0))
    assert offer(firm, terms._replace(compensation=0.9), 0.0, 0.0, 0.0, 1000.0, P)[0] == pytest.approx(100.0)


def test_a_yuan_is_pledged_or_guaranteed() -> None:
    """Need 200; 80 guaranteed, tangible 0.5 x 100 = 50, patents 0.5 x 30 x 2 = 30, the rest on the name."""
    firm = Borrower(200.0, 1000.0, 100.0, 2.0, -4.0, 80.0)
    amount, guaranteed, pledged = offer(firm, Terms(0.8, 0.0, 0.5, 0.0, 0.01, 0.05), 0.0, 0.0, 0.0, 1e6, P)
    assert (amount, guaranteed, pledged) == pytest.approx((200.0, 80.0, 30.0))
    few = offer(firm._replace(need=140.0), Terms(0.8, 0.0, 0.5, 0.0, 0.01, 0.05), 0.0, 0.0, 0.0, 1e6, P)
    assert few == pytest.approx((140.0, 80.0, 10.0)), "140 - 80 - 50 is left to pledge"


@pytest.mark.parametrize(
    ("ladder", "risk", "draw", "share", "expected"),
    [
        (1, 0.05, 0.4, 0.5, True),
        (0, 0.01, 0.4, 0.5, False),
        (3, 0.01, 0.4, 0.5, False),
        (2, 0.051, 0.4, 0.5, False),
        (2, 0.01, 0.5, 0.5, False),
        (2, 0.01, 0.0, 0.0, False),
    ],
)
def test_who_rolls_over(ladder: int, risk: float, draw: float, share: float, expected: bool) -> None:
    assert rolls_over(ladder, risk, draw, share, P) is expected


# Days and the memory of waiting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "coverage", "days"),
    [(False, 1.0, 10.0), (True, 0.0, 10.0), (True, 0.5, 6.62), (True, 1.0, 3.24), (True, 1.5, 3.24)],
)
def test_days_to_a_decision_fall_with_the_records_that_banks_see(user: bool, coverage: float, days: float) -> None:
    """From 10 days to the reported 3.24 of the platform, half way at half the records, and no further than that."""
    p = P._replace(approval_days_before=10.0, approval_days_platform=3.24)
    assert credit.approval_days(user, coverage, p) == pytest.approx(days)


def test_waiting_is_a_share_of_the_quarter() -> None:
    assert credit.waiting_share(9.0) == pytest.approx(0.1)
    assert credit.waiting_share(200.0) == 1.0


@pytest.mark.parametrize(
    ("annual", "ladder", "coverage", "expected"),
    [(4999.0, 1, 0.8, True), (4999.0, 2, 0.8, True), (5000.0, 1, 0.8, False), (100.0, 0, 0.8, False),
     (100.0, 3, 0.8, False), (100.0, 1, 0.0, False)],
)  # fmt: skip
def test_whom_the_guarantee_fund_takes(annual: float, ladder: int, coverage: float, expected: bool) -> None:
    p = P._replace(guarantee_sales_max=5000.0)
    assert credit.may_be_guaranteed(annual, ladder, coverage, p) is expected


def test_how_many_ask_for_a_guarantee() -> None:
    p = P._replace(asking_plain=0.1, asking_science=0.25)
    assert (credit.asking_share(False, p), credit.asking_share(True, p)) == (0.1, 0.25)


# Which banks -----------------------------------------------------------------------------------------------------------


def test_a_bank_is_chosen_in_proportion_to_its_pull() -> None:
    """Pulls 1, 2, 1: a quarter, a half, a quarter; without the second bank two halves; closed banks pull nobody."""
    pull, everywhere = np.array([1.0, 2.0, 1.0]), np.ones(3, dtype=bool)
    draws = (0.01, 0.24, 0.26, 0.74, 0.76, 0.99)
    assert [by_gravity(pull, everywhere, draw, NOBODY) for draw in draws] == [0, 0, 1, 1, 2, 2]
    assert [by_gravity(pull, everywhere, draw, 1) for draw in (0.49, 0.51)] == [0, 2]
    assert [by_gravity(pull, np.array([False, True, True]), draw, NOBODY) for draw in (0.01, 0.66, 0.67)] == [1, 1, 2]


def test_second_banks_come_with_the_ladder_and_with_size() -> None:
    """Nobody on step 0 has one unless it is above scale, which counts as step 2; the second bank is never the main one."""
    firms = firms_of(400, ladder=np.repeat([0, 1, 2, 0], 100), above_scale=np.repeat([0, 0, 0, 1], 100))
    keys = BankKeys(*(stream_key(1, 0, purpose) for purpose in (201, 202, 203)))
    pull, everywhere = np.ones((2, 13, 3)), np.ones(3, dtype=bool)
    choose_banks(firms.columns, np.arange(400), 7, pull, everywhere, np.array([0.0, 0.5, 1.0, 1.0]), keys)
    main, second = firms.columns.main_bank[:400], firms.columns.second_bank[:400]
    has = (second != NOBODY).reshape(4, 100)
    assert has[[0, 2, 3]].mean(axis=1).tolist() == [0.0, 1.0, 1.0]
    assert has[1].tolist() == (uniforms(keys.has_second, np.arange(100, 200)) < 0.5).tolist()
    assert (main[second != NOBODY] != second[second != NOBODY]).all()
    assert (firms.columns.bank_since[:400] == 7).all()


def test_a_share_of_the_living_looks_for_another_bank() -> None:
    firms = firms_of(1000, alive=(np.arange(1000) % 2).astype(np.int8))
    key = stream_key(1, 3, 204)
    leaving = who_leaves(firms.columns, 1000, key, 0.1)
    assert leaving.tolist() == [i for i, u in enumerate(uniforms(key, np.arange(1000))) if u < 0.1 and i % 2 == 1]
    assert 20 < leaving.size < 80


def test_settled_loans_fall_on_their_banks() -> None:
    """Bank 1: loan 100, 20 recovered, 30 from the fund, 10 from the pool, 40 lost. Bank 0: loan 50 paid back in full."""
    books = credit.BankColumns(
        np.zeros(2, np.int8), np.zeros(2, np.int8), np.zeros(2, np.int16), *(np.full(2, 200.0) for _ in range(4))
    )
    cash, bank = np.zeros(2), np.array([1, 0], dtype=np.int8)
    settled = Settled(*(np.array(pair) for pair in ([100.0, 50.0], [60.0, 0.0], [20.0, 50.0], [30.0, 0.0], [10.0, 0.0])))
    got, capital = settle_loans(books, cash, bank, settled)
    assert got.tolist() == [[50.0, 20.0], [0.0, 30.0], [0.0, 10.0]]
    assert (capital.tolist(), cash.tolist()) == ([0.0, -40.0], [50.0, 60.0])
    assert (books.loans.tolist(), books.guaranteed.tolist()) == ([150.0, 100.0], [200.0, 140.0])
    assert (books.bad.tolist(), books.capital.tolist()) == ([200.0, 300.0], [200.0, 160.0])
