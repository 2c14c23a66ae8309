"""What goes wrong with loans, and the closing of the banks' books."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, stream_key
from kechuang.units import wan_from_yi
from kechuang.world import settings
from kechuang.world.institutions.banks import LOCAL_BANK
from kechuang.world.mechanisms import credit, default, lending
from kechuang.world.policy.policy_state import CASH, CONTINGENT
from kechuang.world.population.firms import NO_CERTIFICATE

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


def settle_defaults(city: Corridor) -> None:
    """Close firms that default: the bank takes its part of the estate, guarantee and pool bear theirs of the loss."""
    columns, count, quarter, p = city.firms.columns, city.firms.count, city.quarter, city.rules.credit
    key = stream_key(city.luck_seed, quarter, int(Purpose.DEFAULT))
    rows = default.default_firms(columns, count, quarter, key, p)
    city.tally["defaults"] += rows.size
    count_closed(city, rows)
    loan, capital = columns.loans[rows], columns.capital[rows]
    estate = columns.deposits[rows] + capital
    secured = np.minimum(loan, p.tangible_pledge_share * capital)
    recovered = np.minimum(estate, loan - secured * p.loss_secured - (loan - secured) * p.loss_unsecured)
    city.ledger.post("sale of assets of closed firms", "firms", "outside", float(capital.sum()))
    city.ledger.post("cost of bankruptcy", "outside", "firms", float((estate - recovered).sum()))
    repay_banks(city, rows, recovered)
    empty_accounts(city, rows, columns.deposits[rows])


def count_closed(city: Corridor, rows: NDArray[np.int64]) -> None:
    """Count firms that have just closed, their certificates and places on the list, and end the stakes in them."""
    columns = city.firms.columns
    city.tally["firms_exited"] += rows.size
    city.unpurged += float((columns.ladder[rows] > 0).sum())
    city.tally["certificates_lost_by_exit"] += int((columns.certified[rows] > NO_CERTIFICATE).sum())
    city.funds.write_off(columns, rows, city.quarter)


def repay_banks(city: Corridor, rows: NDArray[np.int64], recovered: NDArray[np.float64]) -> None:
    """Settle the loans of closed firms: what the estate pays, what the fund and the pool pay, what the bank loses."""
    columns, ledger, banks, finance = city.firms.columns, city.ledger, city.banks.columns, city.policy.finance
    loan, bank = columns.loans[rows], columns.loan_bank[rows]
    lost = loan - recovered
    cell = (columns.place[rows], columns.industry[rows], columns.ladder[rows])
    covered = finance.guarantee_coverage[city.quarter][cell] * columns.guaranteed[rows] / np.maximum(loan, 1e-9)
    payout = city.guarantee_fund.pay(covered * lost)
    science = (banks.kind[bank] == credit.SCIENCE_BANK) & (columns.ladder[rows] > 0)
    rest = science * (lost - payout)
    claims = finance.budgets["risk_compensation"].ration(
        finance.risk_compensation[city.quarter][cell] * rest,
        lambda: np.asarray(finance.unchanged_compensation[city.quarter][cell] * rest),
    )
    compensation = city.compensation.pay(claims)
    settled = default.Settled(loan, columns.guaranteed[rows], recovered, payout, compensation)
    by_bank, capital = default.settle_loans(banks, city.banks.flow, bank, settled)
    for name, amounts, payer in zip(
        ("recovered loans", "guarantee payouts", "risk compensation"),
        by_bank,
        ("firms", "guarantee fund", "compensation fund"),
        strict=True,
    ):
        city.banks.post(ledger, name, amounts, payer)
    guaranteed, compensated = float(payout.sum()), float(compensation.sum())
    city.costs.add(city.quarter, "guarantee_coverage", CONTINGENT, guaranteed)
    city.costs.add(city.quarter, "risk_compensation", CASH, compensated)
    city.tally_money["compensation_paid"] += compensated
    city.tally_money["guarantee_paid"] += guaranteed
    city.audit_book.note_banks("capital", capital)
    city.booked["loans of firms"] -= float(loan.sum())
    city.written_off += float(lost.sum())


def empty_accounts(city: Corridor, rows: NDArray[np.int64], deposits: NDArray[np.float64]) -> None:
    """Clear the books of closed firms; unpaid bills that are left are lost outside."""
    columns = city.firms.columns
    city.booked["capital of firms"] -= float(columns.capital[rows].sum())
    city.booked["payables of firms"] -= float(columns.payables[rows].sum())
    city.audit_book.note("deposits", "liquidation", rows, -deposits)
    for account in ("loans", "payables", "capital"):
        city.audit_book.note(account, "liquidation", rows, -getattr(columns, account)[rows])
    for column in (
        columns.deposits,
        columns.capital,
        columns.loans,
        columns.payables,
        columns.guaranteed,
        columns.pledged,
    ):
        column[rows] = 0.0


def close_banks(city: Corridor) -> None:
    """Interest, costs, dividends and funding of every bank; its cash ends the quarter at zero."""
    banks, ledger, p, value = city.banks.columns, city.ledger, city.rules.credit, city.rules.value
    interest = 0.25 * settings.loan_rate(city) * city.banks.earning
    funding_cost = 0.25 * settings.funding_rate(city) * city.banks.funding
    handling = 0.25 * _handling(city)
    banks.capital[:] += interest - funding_cost - handling
    weighted = p.weight_small * (banks.loans - banks.guaranteed) + p.weight_guaranteed * banks.guaranteed
    excess = np.maximum(0.0, banks.capital - value("capital_ratio_start") * weighted)
    floor = city.scale * wan_from_yi(value("bank_capital_floor"))
    dividends = np.minimum(value("bank_payout_share") * excess, np.maximum(0.0, banks.capital - floor))
    renewed = np.maximum(0.0, floor - banks.capital)
    banks.capital[:] += renewed - dividends
    city.audit_book.note_banks("capital", interest - funding_cost - handling + renewed - dividends)
    city.audit_book.note_banks("funding", -city.banks.flow - interest + funding_cost + handling - renewed + dividends)
    banks.bad[:] *= 1.0 - value("bad_loan_write_off")
    city.banks.flow += interest - funding_cost - handling + renewed - dividends
    local = banks.kind == LOCAL_BANK
    city.banks.post(ledger, "cost of funds of banks", -funding_cost, "outside")
    city.banks.post(ledger, "operating cost of banks", -handling, "outside")
    city.banks.post(ledger, "capital from parent banks", renewed, "outside")
    city.banks.post(ledger, "dividends of local banks", -dividends * local, "households")
    city.banks.post(ledger, "dividends of other banks", -dividends * ~local, "outside")
    science = float(city.banks.flow[city.banks.sectors["science banks"]].sum())
    ledger.post("funding of science banks", "science banks", "other banks", -science)
    ledger.post("funding from outside", "other banks", "outside", -float(city.banks.flow.sum()))
    city.household_income += float(dividends[local].sum())
    city.banks.funding -= city.banks.flow
    city.banks.flow[:] = 0.0


def _handling(city: Corridor) -> NDArray[np.float64]:
    """Return the yearly handling cost of every bank; loans to users of the platform cost less."""
    columns, count, p = city.firms.columns, city.firms.count, city.rules.credit
    cost = p.cost_plain * city.banks.columns.loans
    if settings.data_coverage(city) <= 0.0:
        return cost
    of_users = lending.loans_of_users(columns, count, cost.size)
    return np.asarray(cost - (p.cost_plain - p.cost_platform) * of_users)
