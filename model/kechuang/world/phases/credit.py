"""The credit market of a quarter: banks are chosen, loans asked for, defaults settled, and the books of banks closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.units import wan_from_yi
from kechuang.world.mechanisms import credit, lending
from kechuang.world.mechanisms.accounts import INVESTMENT_SPEED
from kechuang.world.policy_state import ADMINISTRATION, CASH, CONTINGENT

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

SECOND_BANK_CHANCE = np.array([0.25, 0.35, 0.70, 0.70])
"""Chance of a second bank by step of the ladder; above-scale firms have that of step 2. Assumed, order of magnitude."""
REDRAW_AT_REGISTRATION = 0.3
"""Chance that a firm looks for a main bank anew when it first comes onto the list, assumed."""
BAD_LOANS_WRITTEN_OFF = 0.25
"""Share of bad loans written off in a quarter, assumed."""
PAYOUT_ABOVE_TARGET = 0.25
"""Share of capital above its target that a bank pays out in a quarter, assumed."""


def choose_banks(city: Corridor, rows: NDArray[np.int64], purpose_shift: int = 0) -> None:
    """Give firms a main bank by gravity and some of them a second one."""
    columns, seed = city.firms.columns, city.luck_seed
    identity = columns.identity[rows]

    def draw(purpose: Purpose) -> NDArray[np.float64]:
        return uniforms(stream_key(seed, purpose_shift, int(purpose)), identity)

    step = columns.ladder[rows].astype(np.int64)
    listed, place = (step > 0).astype(np.int64), columns.place[rows].astype(np.int64)
    main = city.banks.choose(listed, place, city.quarter, draw(Purpose.MAIN_BANK_CHOICE))
    chance = SECOND_BANK_CHANCE[np.where(columns.above_scale[rows] == 1, np.maximum(step, 2), step)]
    second = city.banks.choose(listed, place, city.quarter, draw(Purpose.SECOND_BANK_CHOICE), main)
    columns.main_bank[rows] = main
    columns.second_bank[rows] = np.where(draw(Purpose.HAS_SECOND_BANK) < chance, second, -1)
    columns.bank_since[rows] = city.quarter


def newly_listed(city: Corridor, rows: NDArray[np.int64]) -> None:
    """Let some firms that have just come onto the list look for a bank anew, among science banks too."""
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.BANK_AT_REGISTRATION))
    chosen = rows[uniforms(key, city.firms.columns.identity[rows]) < REDRAW_AT_REGISTRATION]
    choose_banks(city, chosen, purpose_shift=1)


def lend(city: Corridor) -> None:
    """Take applications in the order of their draws and book what is lent and repaid."""
    columns, count, quarter, seed = city.firms.columns, city.firms.count, city.quarter, city.luck_seed
    rules, banks = city.rules, city.banks.columns
    _join_platform(city)
    setting = credit.CreditSetting(
        quarter,
        city.loan_rate(),
        INVESTMENT_SPEED,
        rules.accounts.rates.tangible_share,
        city.policy.guarantee_coverage[quarter],
        city.policy.patent_pledge[quarter],
        city.policy.loan_renewal[quarter],
        city.data_coverage(),
        max(0.0, city.policy.guarantee_leverage(quarter) * city.guarantee_fund - float(banks.guaranteed.sum())),
        rules.value("guarantee_asking_share"),
    )
    need = np.zeros(count)
    rows = credit.applicants(columns, count, setting, rules.credit, need)
    order = np.argsort(uniforms(stream_key(seed, quarter, int(Purpose.LOAN_ORDER)), columns.identity[rows]), kind="stable")
    keys = lending.LendingKeys(*(stream_key(seed, quarter, int(purpose)) for purpose in (
        Purpose.LOAN_SCORE, Purpose.SECOND_BANK, Purpose.GUARANTEE, Purpose.SWITCH, Purpose.LOAN_RENEWAL)))
    change = np.zeros(count)
    moved, counts = lending.lend(columns, rows[order], need, setting, banks, keys, rules.credit, rules.growth, change)
    city.lending = dict(zip(lending.COUNTS, counts, strict=True))
    city.note_postings(np.arange(count), "bank loans", change)
    granted, repaid = moved[:, lending.GRANTED].sum(), moved[:, lending.REPAID].sum()
    city.ledger.post("new loans", "firms", "banks", float(granted))
    city.ledger.post("repaid loans", "banks", "firms", float(repaid))
    city.booked["loans"] += float(granted - repaid)
    city.lending["granted"] = float(granted)
    city.banks.flow += moved[:, lending.REPAID] - moved[:, lending.GRANTED]


def _join_platform(city: Corridor) -> None:
    coverage = min(1.0, city.data_coverage())
    hazard = city.rules.value("platform_adoption") * city.rules.vector("platform_relative_adoption") * coverage
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.PLATFORM))
    lending.join_platform(city.firms.columns, city.firms.count, key, float(hazard[0]))
    city.platform_cells += (1.0 - city.platform_cells) * -np.expm1(-0.25 * hazard[1:])


def settle_defaults(city: Corridor) -> None:
    """Close firms that default: the bank takes its part of the estate, guarantee and compensation bear theirs of the loss."""
    columns, count, quarter = city.firms.columns, city.firms.count, city.quarter
    key = stream_key(city.luck_seed, quarter, int(Purpose.DEFAULT))
    rows = lending.default_firms(columns, count, quarter, key, city.rules.credit, city.rules.growth)
    city.tally["firms_exited"] += rows.size
    city.tally["defaults"] += rows.size
    city.unpurged += float((columns.ladder[rows] > 0).sum())
    city.tally["certificates_lost_by_exit"] += int((columns.certified[rows] > -999).sum())
    if rows.size:
        _share_losses(city, rows)


def _share_losses(city: Corridor, rows: NDArray[np.int64]) -> None:
    columns, ledger, p, banks = city.firms.columns, city.ledger, city.rules.credit, city.banks.columns
    loan, bank = columns.loans[rows], columns.loan_bank[rows]
    estate = columns.deposits[rows] + columns.capital[rows]
    secured = np.minimum(loan, p.tangible_pledge_share * columns.capital[rows])
    recovered = np.minimum(estate, loan - (secured * p.loss_secured + (loan - secured) * p.loss_unsecured))
    lost = loan - recovered
    cell = (columns.place[rows], columns.industry[rows], columns.ladder[rows])
    covered = city.policy.guarantee_coverage[city.quarter][cell] * columns.guaranteed[rows] / np.maximum(loan, 1e-9)
    payout = _within(covered * lost, city.guarantee_fund)
    science = banks.kind[bank] == credit.SCIENCE_BANK
    share = city.policy.risk_compensation[city.quarter][cell] * science * (columns.ladder[rows] > 0)
    compensation = _within(share * (lost - payout), city.compensation_left)
    ledger.post("sale of assets of closed firms", "firms", "outside", float(columns.capital[rows].sum()))
    ledger.post("recovered loans", "banks", "firms", float(recovered.sum()))
    ledger.post("cost of bankruptcy", "outside", "firms", float((estate - recovered).sum()))
    ledger.post("guarantee payouts", "banks", "guarantee fund", float(payout.sum()))
    ledger.post("risk compensation", "banks", "government", float(compensation.sum()))
    city.guarantee_fund -= float(payout.sum())
    city.compensation_left -= float(compensation.sum())
    city.costs.add(city.quarter, "guarantee_coverage", CONTINGENT, float(payout.sum()))
    city.costs.add(city.quarter, "risk_compensation", CASH, float(compensation.sum()))
    city.tally_money["compensation_paid"] += float(compensation.sum())
    city.tally_money["guarantee_paid"] += float(payout.sum())
    for array, amount in ((banks.loans, -loan), (banks.guaranteed, -columns.guaranteed[rows]), (banks.bad, lost),
                          (banks.capital, payout + compensation - lost), (city.banks.flow, recovered + payout + compensation)):
        np.add.at(array, bank, amount)
    city.booked["loans"] -= float(loan.sum())
    city.booked["capital"] -= float(columns.capital[rows].sum())
    city.note_postings(rows, "liquidation", columns.capital[rows] - estate)
    for column in (columns.deposits, columns.capital, columns.loans, columns.payables, columns.guaranteed):
        column[rows] = 0.0


def _within(claims: NDArray[np.float64], purse: float) -> NDArray[np.float64]:
    """Return claims cut pro rata to what a purse holds."""
    total = float(claims.sum())
    return claims if total <= purse else claims * (max(purse, 0.0) / max(total, 1e-9))


def close_banks(city: Corridor) -> None:
    """Interest, costs, fees, dividends and funding of every bank; its cash ends the quarter at zero."""
    banks, ledger, p, rates = city.banks.columns, city.ledger, city.rules.credit, city.rules
    interest = 0.25 * city.loan_rate() * city.banks.earning
    funding_cost = 0.25 * p.funding_rate * city.banks.funding
    handling = 0.25 * p.cost_plain * banks.loans
    profit = interest - funding_cost - handling
    banks.capital += profit
    weighted = p.weight_small * (banks.loans - banks.guaranteed) + p.weight_guaranteed * banks.guaranteed
    target = rates.value("capital_ratio_start") * weighted
    dividends = PAYOUT_ABOVE_TARGET * np.maximum(0.0, banks.capital - target)
    banks.capital -= dividends
    banks.bad *= 1.0 - BAD_LOANS_WRITTEN_OFF
    city.banks.flow += interest - funding_cost - handling - dividends
    ledger.post("cost of funds of banks", "outside", "banks", float(funding_cost.sum()))
    ledger.post("operating cost of banks", "outside", "banks", float(handling.sum()))
    ledger.post("dividends of banks", "households", "banks", float(dividends.sum()))
    ledger.post("interbank funding", "banks", "outside", -float(city.banks.flow.sum()))
    city.household_income += float(dividends.sum())
    city.banks.funding -= city.banks.flow
    city.banks.flow[:] = 0.0


def run_funds(city: Corridor) -> None:
    """The city's guarantee fund: injections when its capital is raised, fees on what it covers."""
    quarter, price = city.quarter, city.policy.price(city.quarter, city.deflator)
    raised = city.scale * wan_from_yi(city.policy.guarantee_capital(quarter) - city.policy.guarantee_capital(quarter - 1)) * price
    injection = max(0.0, raised)
    fee = 0.25 * city.policy.guarantee_fee(quarter) * float(city.banks.columns.guaranteed.sum())
    city.ledger.post("capital of the guarantee fund", "guarantee fund", "government", injection)
    city.ledger.post("guarantee fees", "guarantee fund", "outside", fee)
    city.guarantee_fund += injection + fee
    city.costs.add(quarter, "guarantee_coverage", CASH, injection)
    city.costs.add(quarter, "guarantee_coverage", ADMINISTRATION, 0.0)
    if city.position == 0:
        city.compensation_left = city.scale * wan_from_yi(city.policy.compensation_pool(quarter)) * price


def open_banks(city: Corridor) -> None:
    """Give every firm of the start its bank and the loan its bank would carry; banks start at their capital ratio."""
    columns, count, p = city.firms.columns, city.firms.count, city.rules.credit
    rows = np.arange(count)
    choose_banks(city, rows)
    annual = 4.0 * columns.sales[:count]
    need = np.maximum(0.0, p.working_capital_need * annual - columns.deposits[:count])
    limit = np.minimum(p.loan_to_sales_max * annual, p.tangible_pledge_share * columns.capital[:count]
                       + p.unsecured_share * p.loan_to_sales_max * annual)
    columns.loans[:count] = np.minimum(need, limit)
    columns.deposits[:count] += columns.loans[:count]
    columns.loan_bank[:count] = columns.main_bank[:count]
    due = uniforms(stream_key(city.luck_seed, 0, int(Purpose.LOAN_ORDER)), columns.identity[:count])
    columns.loan_due[:count] = 1 + np.floor(4.0 * due).astype(np.int16)
    banks = city.banks.columns
    np.add.at(banks.loans, columns.loan_bank[:count], columns.loans[:count])
    floor = city.scale * wan_from_yi(0.05)
    banks.capital[:] = np.maximum(city.rules.value("capital_ratio_start") * p.weight_small * banks.loans, floor)
    city.banks.funding[:] = banks.loans - banks.capital
