"""M8a, the market: applications in the order of their draws, second banks, renewal, default, and the platform.

Rules are in mechanisms/credit.py. A loan runs four quarters with one bank; at its term the firm asks for what it needs then.
Refused everywhere, it pays back what its deposits allow; the rest is overdue and asked for again next quarter. A science
bank lends only to firms on the ladder. Units: 万元 and quarters.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.randomness import normal, uniform
from kechuang.world.mechanisms.credit import (
    LOAN_QUARTERS,
    PATIENCE_QUARTERS,
    SCIENCE_BANK,
    SMALL_FIRM_SALES,
    BankColumns,
    CreditParameters,
    CreditSetting,
    acceptable,
    collateral_limit,
    firm_log_odds,
    probability,
    score_noise,
)
from kechuang.world.mechanisms.growth import GrowthParameters
from kechuang.world.populations import FirmColumns

COUNTS = ("applicants", "refused", "rationed", "switched", "rolled")
"""What a quarter of lending counts, in this order."""
APPLICANTS, REFUSED, RATIONED, SWITCHED, ROLLED = range(5)
GRANTED, REPAID, GUARANTEED_NEW = range(3)
"""Money that moves at a bank: lent, repaid, newly guaranteed."""


class LendingKeys(NamedTuple):
    """Keys of the draws of one quarter."""

    score: np.uint64
    second: np.uint64
    guarantee: np.uint64
    switch: np.uint64
    renewal: np.uint64


@compiled
def lend(
    firms: FirmColumns, rows: NDArray[np.int64], need: NDArray[np.float64], setting: CreditSetting, banks: BankColumns,
    keys: LendingKeys, p: CreditParameters, growth: GrowthParameters, change: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Serve the applicants in the order of `rows`; return money moved by bank and the counts of the quarter.

    `change` takes the change of each firm's deposits by lending, for the audit of single accounts.
    """
    moved, counts = np.zeros((banks.kind.size, 3)), np.zeros(5)
    room, quarter = setting.guarantee_room, setting.quarter
    for i in rows:
        identity, before = firms.identity[i], firms.deposits[i]
        annual, age = 4.0 * firms.sales[i], 0.25 * (quarter - firms.born[i])
        place, industry, ladder = firms.place[i], firms.industry[i], firms.ladder[i]
        old_bank, old, old_cover = firms.loan_bank[i], firms.loans[i], firms.guaranteed[i]
        due, user = old > 0.0 and firms.loan_due[i] <= quarter, firms.platform_user[i] == 1
        log_odds = firm_log_odds(annual, age, firms.deposits[i], firms.capital[i], old, firms.payables[i], p, growth)
        cover = setting.coverage[place, industry, ladder]
        asks = annual < SMALL_FIRM_SALES and 1 <= ladder <= 2 and uniform(keys.guarantee, identity) < setting.guarantee_share
        granted, short = False, True
        for attempt in range(2):
            bank = firms.main_bank[i] if attempt == 0 else firms.second_bank[i]
            if bank < 0 or (attempt == 1 and uniform(keys.second, identity) >= p.second_bank_try):
                continue
            science = banks.kind[bank] == SCIENCE_BANK
            if banks.opens[bank] > quarter or (science and ladder == 0):
                continue
            guaranteed = min(need[i], room + old_cover) if asks and cover > 0.0 else 0.0
            pledge = setting.patent_pledge[place, industry, ladder] if science else 0.0
            amount = min(need[i], collateral_limit(annual, firms.capital[i], firms.patents[i], pledge, guaranteed, p))
            guaranteed = min(guaranteed, amount)
            years = 0.25 * (quarter - firms.bank_since[i]) if attempt == 0 else 0.0
            noise = score_noise(user, setting.data_coverage, years, p) * normal(keys.score + np.uint64(attempt), identity)
            plain = banks.loans[bank] - banks.guaranteed[bank]
            added = max(0.0, amount - (old if old_bank == bank else 0.0))
            weighted = p.weight_small * (plain + added) + p.weight_guaranteed * banks.guaranteed[bank]
            cost = p.cost_platform if user and setting.data_coverage > 0.0 else p.cost_plain
            if amount > 0.0 and not acceptable(
                amount, cover * guaranteed / amount, probability(log_odds + noise),
                min(amount, p.tangible_pledge_share * firms.capital[i]), cost, setting.loan_rate, weighted,
                banks.capital[bank], p,
            ):
                continue
            if old > 0.0:
                banks.loans[old_bank] -= old
                banks.guaranteed[old_bank] -= old_cover
                moved[old_bank, REPAID] += old
            banks.loans[bank] += amount
            banks.guaranteed[bank] += guaranteed
            moved[bank, GRANTED] += amount
            moved[bank, GUARANTEED_NEW] += guaranteed
            room -= guaranteed - old_cover
            firms.deposits[i] += amount - old
            firms.loans[i], firms.guaranteed[i], firms.loan_bank[i] = amount, guaranteed, bank
            firms.loan_due[i] = quarter + LOAN_QUARTERS
            granted, short = True, amount < 0.9 * need[i]
            break
        counts[APPLICANTS] += 1.0
        if not granted:
            counts[REFUSED] += 1.0
            if due and rolls_over(firms.does_research[i] == 1, ladder, probability(log_odds),
                                  uniform(keys.renewal, identity), setting.renewal[place, industry, ladder], p):
                counts[ROLLED] += 1.0
                firms.loan_due[i] = quarter + LOAN_QUARTERS
            elif due:
                left = max(0.0, old - firms.deposits[i])
                keep = min(old_cover, left)
                room += old_cover - keep
                banks.loans[old_bank] -= old - left
                banks.guaranteed[old_bank] -= old_cover - keep
                moved[old_bank, REPAID] += old - left
                firms.deposits[i] -= old - left
                firms.loans[i], firms.guaranteed[i] = left, keep
            if quarter - firms.refused[i] <= PATIENCE_QUARTERS and firms.second_bank[i] >= 0:
                firms.main_bank[i], firms.second_bank[i] = firms.second_bank[i], firms.main_bank[i]
                firms.bank_since[i] = quarter
                counts[SWITCHED] += 1.0
            firms.refused[i] = quarter
        counts[RATIONED] += 1.0 if short else 0.0
        firms.rationed[i] = 0.75 * firms.rationed[i] + (0.25 if short else 0.0)
        change[i] += firms.deposits[i] - before
    return moved, counts


@compiled
def rolls_over(does_research: bool, ladder: int, risk: float, draw: float, share: float, p: CreditParameters) -> bool:
    """Say whether a due loan of a firm that does R&D runs on without repayment."""
    return does_research and 1 <= ladder <= 2 and draw < share and risk <= p.renewal_default_max


@compiled
def default_firms(firms: FirmColumns, count: int, quarter: int, key: np.uint64, p: CreditParameters,
                  growth: GrowthParameters) -> NDArray[np.int64]:
    """Note every indebted firm's yearly default risk and return the rows of those that default this quarter."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        if firms.alive[i] == 0:
            continue
        firms.default_risk[i] = 0.0
        if firms.loans[i] <= 0.0:
            continue
        log_odds = firm_log_odds(4.0 * firms.sales[i], 0.25 * (quarter - firms.born[i]), firms.deposits[i],
                                 firms.capital[i], firms.loans[i], firms.payables[i], p, growth)
        firms.default_risk[i] = probability(log_odds)
        if uniform(key, firms.identity[i]) < 1.0 - math.exp(-0.25 * firms.default_risk[i]):
            firms.alive[i] = 0
            rows[found] = i
            found += 1
    return rows[:found]


@compiled
def join_platform(firms: FirmColumns, count: int, key: np.uint64, hazard: float) -> int:
    """Let firms register on the credit platform at a yearly hazard; return how many did."""
    joined = 0
    chance = 1.0 - math.exp(-0.25 * hazard)
    for i in range(count):
        if firms.alive[i] == 1 and firms.platform_user[i] == 0 and uniform(key, firms.identity[i]) < chance:
            firms.platform_user[i] = 1
            joined += 1
    return joined
