"""M8a, the losses: firms in debt default by their own risk, and what is left of their loans falls on banks, fund and pool.

    default  ~ 1 - exp(-PD / 4) a quarter on firms in debt              PD per year of mechanisms/credit.py
    loss     = loan - what the estate pays;  a bank's capital bears loss - guarantee - compensation
Money 万元. Default is drawn from the same PD that banks estimate: cash paths of single firms are not identified by anything
reported. Source: assumed, with the mean default rate in calibration/parameters.yaml.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.randomness import happens, uniform
from kechuang.world.mechanisms.credit import BankColumns, CreditParameters, firm_log_odds, probability
from kechuang.world.population.firms import FirmColumns


@compiled
def default_firms(
    firms: FirmColumns, count: int, quarter: int, key: np.uint64, p: CreditParameters
) -> NDArray[np.int64]:
    """Note every indebted firm's yearly default risk and return the rows of those that default this quarter."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        if firms.alive[i] == 0:
            continue
        firms.default_risk[i] = 0.0
        if firms.loans[i] <= 0.0:
            continue
        log_odds = firm_log_odds(
            4.0 * firms.sales[i],
            0.25 * (quarter - firms.born[i]),
            firms.volatility[i],
            firms.deposits[i],
            firms.capital[i],
            firms.loans[i],
            firms.payables[i],
            p,
        )
        firms.default_risk[i] = probability(log_odds)
        if happens(uniform(key, firms.identity[i]), 0.25 * firms.default_risk[i]):
            firms.alive[i] = 0
            rows[found] = i
            found += 1
    return rows[:found]


class Settled(NamedTuple):
    """How loans of closed firms are settled, one entry a firm (万元): what estate, guarantee fund and pool pay to the bank."""

    loan: NDArray[np.float64]
    guaranteed: NDArray[np.float64]
    recovered: NDArray[np.float64]
    payout: NDArray[np.float64]
    compensation: NDArray[np.float64]


@compiled
def settle_loans(
    banks: BankColumns, cash: NDArray[np.float64], bank: NDArray[np.int8], settled: Settled
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take settled loans off the books of their banks and book money and losses there.

    Return what each bank got from estates, guarantee fund and pool (three rows), and by how much its capital moved (万元).
    """
    got, capital = np.zeros((3, cash.size)), np.zeros(cash.size)
    for k in range(bank.size):
        b, recovered, payout, paid = bank[k], settled.recovered[k], settled.payout[k], settled.compensation[k]
        lost = settled.loan[k] - recovered
        change = payout + paid - lost
        got[0, b] += recovered
        got[1, b] += payout
        got[2, b] += paid
        capital[b] += change
        banks.loans[b] -= settled.loan[k]
        banks.guaranteed[b] -= settled.guaranteed[k]
        banks.bad[b] += settled.loan[k] if lost > 0.0 else 0.0
        banks.capital[b] += change
        cash[b] += recovered + payout + paid
    return got, capital
