"""M8a, the market: applications in the order of their draws, second banks, renewal, and the platform.

Rules are in mechanisms/credit.py. A loan runs four quarters with one bank; at its term the firm asks for what it needs
then. A refused firm may ask its second bank, which takes the whole loan over; two refusals in eight quarters make the
second bank the main one. Refused everywhere, the firm pays back what its deposits allow; the rest is overdue and asked
for again next quarter. A science bank lends only to firms on the ladder. Units: 万元 and quarters. Sources: main banks
and switching after refusal as in Petersen and Rajan 1994, numbers assumed (calibration/parameters.yaml).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled, inlined
from kechuang.randomness import normal, uniform
from kechuang.world.mechanisms.credit import (
    LOAN_QUARTERS,
    RATIONED_MEMORY,
    SCIENCE_BANK,
    BankColumns,
    CreditParameters,
    CreditSetting,
    acceptable,
    approval_days,
    asking_share,
    collateral_limit,
    firm_log_odds,
    may_be_guaranteed,
    probability,
    score_noise,
    waiting_share,
)
from kechuang.world.population.firms import FirmColumns

PATIENCE_QUARTERS = 8
"""Two refusals within this time end a relation."""
COUNTS = ("applicants", "refused", "rationed", "switched", "rolled", "rolled_risk", "days")
"""What a quarter of lending counts, in this order; `rolled_risk` is money, the city's expected part of losses."""
APPLICANTS, REFUSED, RATIONED, SWITCHED, ROLLED, ROLLED_RISK, DAYS = range(7)
GRANTED, REPAID = range(2)
"""Money that moves at a bank: lent and repaid."""


class LendingKeys(NamedTuple):
    """Keys of the draws of one quarter."""

    score: np.uint64
    second: np.uint64
    guarantee: np.uint64
    renewal: np.uint64


class Borrower(NamedTuple):
    """A firm as a bank sees it at its counter (万元); `room` is what the guarantee fund could cover for it."""

    need: float
    annual: float
    capital: float
    patents: float
    log_odds: float
    room: float


class Terms(NamedTuple):
    """What applies to a firm of this place, industry and step at this bank."""

    coverage: float
    compensation: float
    pledge: float
    noise: float
    cost: float
    spread: float


@compiled
def offer(
    firm: Borrower, terms: Terms, z: float, loans: float, guaranteed: float, capital: float, p: CreditParameters
) -> tuple[float, float, float]:
    """Return loan, guaranteed part and part pledged by patents that a bank offers; a loan of -1 says no.

    `loans` and `guaranteed` are the bank's books without what this firm already has there, `capital` is its own.
    """
    asked = min(firm.need, firm.room)
    amount = min(firm.need, collateral_limit(firm.annual, firm.capital, firm.patents, terms.pledge, asked, p))
    asked = min(asked, amount)
    secured = min(amount - asked, p.tangible_pledge_share * firm.capital)
    pledged = min(amount - asked - secured, terms.pledge * p.patent_value * firm.patents)
    if amount > 0.0:
        covered = terms.coverage * asked / amount
        covered += terms.compensation * (1.0 - covered)
        weighted = p.weight_small * (loans + amount - guaranteed - asked) + p.weight_guaranteed * (guaranteed + asked)
        estimate = probability(firm.log_odds + terms.noise * z)
        if not acceptable(amount, covered, estimate, secured, terms.cost, terms.spread, weighted, capital, p):
            return -1.0, 0.0, 0.0
    return amount, asked, pledged


@inlined
def sign(
    firms: FirmColumns,
    banks: BankColumns,
    moved: NDArray[np.float64],
    i: int,
    bank: int,
    loan: tuple[float, float, float],
    term: int,
) -> float:
    """Replace what firm i owes by a new loan of a bank; return by how much its guarantee rose."""
    old_bank, old, old_cover = firms.loan_bank[i], firms.loans[i], firms.guaranteed[i]
    amount, guaranteed, pledged = loan
    banks.loans[old_bank] -= old
    banks.guaranteed[old_bank] -= old_cover
    moved[old_bank, REPAID] += old
    banks.loans[bank] += amount
    banks.guaranteed[bank] += guaranteed
    moved[bank, GRANTED] += amount
    firms.deposits[i] += amount - old
    firms.loans[i], firms.guaranteed[i], firms.pledged[i] = amount, guaranteed, pledged
    firms.loan_bank[i], firms.loan_due[i] = bank, term
    return guaranteed - old_cover


@inlined
def pay_back(firms: FirmColumns, banks: BankColumns, moved: NDArray[np.float64], i: int) -> float:
    """Let firm i pay back what its deposits allow; the rest is overdue. Return by how much its guarantee fell."""
    bank, old, old_cover = firms.loan_bank[i], firms.loans[i], firms.guaranteed[i]
    left = max(0.0, old - firms.deposits[i])
    keep = min(old_cover, left)
    banks.loans[bank] -= old - left
    banks.guaranteed[bank] -= old_cover - keep
    moved[bank, REPAID] += old - left
    firms.deposits[i] -= old - left
    firms.loans[i], firms.guaranteed[i] = left, keep
    firms.pledged[i] = min(firms.pledged[i], left - keep)
    return old_cover - keep


@inlined
def be_refused(firms: FirmColumns, i: int, quarter: int) -> bool:
    """Note a refusal; a second one within two years makes the second bank the main one, which is returned."""
    again = quarter - firms.refused[i] <= PATIENCE_QUARTERS and firms.second_bank[i] >= 0
    if again:
        firms.main_bank[i], firms.second_bank[i] = firms.second_bank[i], firms.main_bank[i]
        firms.bank_since[i] = quarter
    firms.refused[i] = quarter
    return again


@compiled
def lend(
    firms: FirmColumns,
    rows: NDArray[np.int64],
    need: NDArray[np.float64],
    setting: CreditSetting,
    banks: BankColumns,
    keys: LendingKeys,
    p: CreditParameters,
    moved: NDArray[np.float64],
    change: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Serve the applicants in the order of `rows`; return the counts of the quarter.

    `moved` takes the money lent and repaid by bank, `change` what lending adds to each firm's deposits.
    """
    counts = np.zeros(len(COUNTS))
    room, quarter = setting.guarantee_room, setting.quarter
    for i in rows:
        identity, deposits, ladder = firms.identity[i], firms.deposits[i], firms.ladder[i]
        annual, age = 4.0 * firms.sales[i], 0.25 * (quarter - firms.born[i])
        old_bank, old, old_cover = firms.loan_bank[i], firms.loans[i], firms.guaranteed[i]
        due, user = old > 0.0 and firms.loan_due[i] <= quarter, firms.platform_user[i] == 1
        log_odds = firm_log_odds(
            annual, age, firms.volatility[i], deposits, firms.capital[i], old, firms.payables[i], p
        )
        cell = (firms.place[i], firms.industry[i], ladder)
        may_ask = may_be_guaranteed(annual, ladder, setting.coverage[cell], p)
        asking, granted, short = uniform(keys.guarantee, identity), False, True
        counts[APPLICANTS] += 1.0
        for attempt in range(2):
            bank = firms.main_bank[i] if attempt == 0 else firms.second_bank[i]
            if bank < 0 or (attempt == 1 and uniform(keys.second, identity) >= p.second_bank_try):
                continue
            science, same = banks.kind[bank] == SCIENCE_BANK, bank == old_bank
            if banks.opens[bank] > quarter or (science and ladder == 0):
                continue
            asks = may_ask and asking < asking_share(science, p)
            years = 0.25 * (quarter - firms.bank_since[i]) if attempt == 0 else 0.0
            cover = max(0.0, room + old_cover) if asks else 0.0
            loan = offer(
                Borrower(need[i], annual, firms.capital[i], firms.patents[i], log_odds, cover),
                Terms(
                    setting.coverage[cell],
                    setting.compensation[cell] if science else 0.0,
                    setting.patent_pledge[cell] if science else 0.0,
                    score_noise(user, setting.data_coverage, years, p),
                    p.cost_platform if user and setting.data_coverage > 0.0 else p.cost_plain,
                    setting.spread,
                ),
                normal(keys.score + np.uint64(attempt), identity),
                banks.loans[bank] - (old if same else 0.0),
                banks.guaranteed[bank] - (old_cover if same else 0.0),
                banks.capital[bank],
                p,
            )
            if loan[0] < 0.0 or deposits + loan[0] < old:
                continue
            room -= sign(firms, banks, moved, i, bank, loan, quarter + LOAN_QUARTERS)
            granted, short = True, loan[0] < p.loan_shortfall * need[i]
            days = (attempt + 1) * approval_days(user, setting.data_coverage, p)
            counts[DAYS] += days
            if not short and loan[0] > old:
                firms.rationed[i] += (1.0 - RATIONED_MEMORY) * waiting_share(days)
            break
        if not granted:
            counts[REFUSED] += 1.0
            risk, draw = probability(log_odds), uniform(keys.renewal, identity)
            calm = firms.does_research[i] == 1 and firms.payables[i] <= 0.0
            if due and calm and rolls_over(ladder, risk, draw, setting.renewal[cell], p):
                counts[ROLLED] += 1.0
                if banks.kind[old_bank] == SCIENCE_BANK:
                    counts[ROLLED_RISK] += setting.compensation[cell] * risk * p.loss_unsecured * old
                firms.loan_due[i] = quarter + LOAN_QUARTERS
            elif due:
                room += pay_back(firms, banks, moved, i)
            counts[SWITCHED] += 1.0 if be_refused(firms, i, quarter) else 0.0
        if short:
            counts[RATIONED] += 1.0
            firms.rationed[i] += 1.0 - RATIONED_MEMORY
        change[i] += firms.deposits[i] - deposits
    return counts


@compiled
def repay_unneeded(
    firms: FirmColumns,
    count: int,
    need: NDArray[np.float64],
    quarter: int,
    banks: BankColumns,
    moved: NDArray[np.float64],
    change: NDArray[np.float64],
) -> None:
    """Let firms whose loan is due and who need none pay it back: their deposits hold more than the loan."""
    for i in range(count):
        if firms.alive[i] == 1 and firms.loans[i] > 0.0 and firms.loan_due[i] <= quarter and need[i] <= 0.0:
            deposits = firms.deposits[i]
            pay_back(firms, banks, moved, i)
            change[i] += firms.deposits[i] - deposits


@compiled
def rolls_over(ladder: int, risk: float, draw: float, share: float, p: CreditParameters) -> bool:
    """Say whether a due loan of a firm on the ladder that does R&D and pays its bills runs on without repayment."""
    return 1 <= ladder <= 2 and draw < share and risk <= p.renewal_default_max


@compiled
def loans_of_users(firms: FirmColumns, count: int, banks: int) -> NDArray[np.float64]:
    """Return what registered users of the credit platform owe each bank (万元)."""
    total = np.zeros(banks)
    for i in range(count):
        if firms.platform_user[i] == 1:
            total[firms.loan_bank[i]] += firms.loans[i]
    return total


@compiled
def overdue_loans(firms: FirmColumns, count: int, quarter: int) -> float:
    """Return loans whose term has passed (万元)."""
    total = 0.0
    for i in range(count):
        if firms.alive[i] == 1 and firms.loan_due[i] <= quarter:
            total += firms.loans[i]
    return total


@compiled
def join_platform(firms: FirmColumns, count: int, need: NDArray[np.float64], key: np.uint64, hazard: float) -> int:
    """Let firms that need a loan register on the credit platform at a yearly hazard; return how many did."""
    joined = 0
    chance = 1.0 - math.exp(-0.25 * hazard)
    for i in range(count):
        wants = firms.alive[i] == 1 and firms.platform_user[i] == 0 and need[i] > 0.0
        if wants and uniform(key, firms.identity[i]) < chance:
            firms.platform_user[i] = 1
            joined += 1
    return joined
