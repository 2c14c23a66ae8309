"""The credit market of a quarter: banks are chosen, the platform grows, loans are asked for, interest is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.queues import in_order
from kechuang.randomness import Purpose, stream_key, uniforms
from kechuang.units import wan_from_yi
from kechuang.world import settings
from kechuang.world.mechanisms import bank_choice, credit, lending
from kechuang.world.mechanisms.accounts import INVESTMENT_SPEED
from kechuang.world.phases.government import book_administration, pay_out
from kechuang.world.policy.finance_policy import fund_money
from kechuang.world.policy.policy_state import CASH, CONTINGENT

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

CHURN_ATTEMPT = 1000
"""Attempts at choosing a bank that are keyed by the quarter start here; lower ones are those of newcomers."""
OLDEST_RELATION = -40
"""Earliest quarter from which a firm of the start can know its bank."""


def choose_banks(city: Corridor, rows: NDArray[np.int64], known_since: int, attempt: int = 0) -> None:
    """Give firms a main bank by gravity and some of them a second one; `attempt` keys the draws."""
    keys = bank_choice.BankKeys(
        *(
            stream_key(city.luck_seed, attempt, int(purpose))
            for purpose in (Purpose.MAIN_BANK_CHOICE, Purpose.SECOND_BANK_CHOICE, Purpose.HAS_SECOND_BANK)
        )
    )
    banks, second_share = city.banks, city.rules.vector("second_bank_share")
    is_open = banks.columns.opens <= city.quarter
    bank_choice.choose_banks(city.firms.columns, rows, known_since, banks.pull, is_open, second_share, keys)


def newly_listed(city: Corridor, rows: NDArray[np.int64]) -> None:
    """Let some firms that have just come onto the list look for a bank anew, among science banks too."""
    if rows.size == 0:
        return
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.BANK_AT_REGISTRATION))
    looks = uniforms(key, city.firms.columns.identity[rows]) < city.rules.value("bank_redraw_share")
    choose_banks(city, rows[looks], city.quarter, attempt=1)


def change_banks(city: Corridor) -> None:
    """Let a few firms look for another bank for reasons of their own; what the old one knew of them is lost."""
    columns, count = city.firms.columns, city.firms.count
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.BANK_CHURN))
    rows = bank_choice.who_leaves(columns, count, key, 0.25 * city.rules.value("bank_churn"))
    if rows.size:
        choose_banks(city, rows, city.quarter, attempt=CHURN_ATTEMPT + city.quarter)


def lend(city: Corridor) -> None:
    """Take applications in the order of their draws and book what is lent and repaid."""
    change_banks(city)
    columns, count, quarter, seed = city.firms.columns, city.firms.count, city.quarter, city.luck_seed
    rules, banks, setting = city.rules, city.banks.columns, _setting(city)
    covered = float(banks.guaranteed.sum())
    need = np.zeros(count)
    keys = lending.LendingKeys(
        *(
            stream_key(seed, quarter, int(purpose))
            for purpose in (Purpose.LOAN_SCORE, Purpose.SECOND_BANK, Purpose.GUARANTEE, Purpose.LOAN_RENEWAL)
        )
    )
    rows, discouraged = credit.applicants(columns, count, setting, banks, keys.guarantee, rules.credit, need)
    _join_platform(city, need)
    draw = uniforms(stream_key(seed, quarter, int(Purpose.LOAN_ORDER)), columns.identity[rows])
    moved, change = np.zeros((len(city.banks), 2)), np.zeros(count)
    lending.repay_unneeded(columns, count, need, quarter, banks, moved, change)
    queue = rows[in_order(draw)]
    counts = lending.lend(columns, queue, need, setting, banks, keys, rules.credit, moved, change)
    city.lending = dict(zip(lending.COUNTS, (float(number) for number in counts), strict=True))
    city.audit_book.note("deposits", "bank loans", np.arange(count), change)
    city.audit_book.note("loans", "bank loans", np.arange(count), change)
    granted, repaid = float(moved[:, lending.GRANTED].sum()), float(moved[:, lending.REPAID].sum())
    city.banks.post(city.ledger, "new loans", -moved[:, lending.GRANTED], "firms")
    city.banks.post(city.ledger, "repaid loans", moved[:, lending.REPAID], "firms")
    city.booked["loans of firms"] += granted - repaid
    city.lending["granted"], city.lending["discouraged"] = granted, float(discouraged)
    city.lending["new_cover"] = float(banks.guaranteed.sum()) - covered
    city.costs.add(quarter, "loan_renewal", CONTINGENT, city.lending["rolled_risk"])
    city.banks.flow += moved[:, lending.REPAID] - moved[:, lending.GRANTED]


def _setting(city: Corridor) -> credit.CreditSetting:
    quarter, finance, fund = city.quarter, city.policy.finance, city.guarantee_fund
    outstanding = float(city.banks.columns.guaranteed.sum())
    fund.room = max(0.0, float(finance.guarantee_leverage[quarter]) * fund.capital - outstanding)
    return credit.CreditSetting(
        quarter,
        settings.loan_rate(city) - settings.funding_rate(city),
        INVESTMENT_SPEED,
        city.rules.accounts.rates.tangible_share,
        settings.data_coverage(city),
        fund.room,
        finance.guarantee_coverage[quarter],
        finance.compensation(quarter) * city.compensation.expected,
        finance.patent_pledge[quarter],
        finance.loan_renewal[quarter],
    )


def _join_platform(city: Corridor, need: NDArray[np.float64]) -> None:
    """Firms, small units and other small borrowers register; the last two are shares of head-counts."""
    relative = city.rules.vector("platform_relative_adoption")
    hazard = city.rules.value("platform_adoption") * relative * min(1.0, settings.data_coverage(city))
    key = stream_key(city.luck_seed, city.quarter, int(Purpose.PLATFORM))
    lending.join_platform(city.firms.columns, city.firms.count, need, key, float(hazard[0]))
    city.platform_cells += (1.0 - city.platform_cells) * -np.expm1(-0.25 * hazard[1:])


def pay_interest(city: Corridor) -> None:
    """Post interest and guarantee fees that firms paid in their accounts, and subsidise interest on pledged patents."""
    finance, quarter, banks = city.policy.finance, city.quarter, city.banks
    banks.earning = banks.columns.loans.copy()
    fee = 0.25 * float(finance.guarantee_fee[quarter]) * float(banks.columns.guaranteed.sum())
    banks.post(city.ledger, "interest on loans", 0.25 * settings.loan_rate(city) * banks.earning, "firms")
    city.ledger.post("guarantee fees", "guarantee fund", "firms", fee)
    city.guarantee_fund.capital += fee
    book_administration(city, "guarantee_coverage", fee)
    _subsidise_interest(city)


def _subsidise_interest(city: Corridor) -> None:
    columns, quarter, finance = city.firms.columns, city.quarter, city.policy.finance
    rows = np.flatnonzero((columns.alive[: city.firms.count] == 1) & (columns.pledged[: city.firms.count] > 0.0))
    pledged = 0.25 * columns.pledged[rows]
    amounts = finance.budgets["patent_pledge"].ration(
        finance.interest_subsidy[quarter] * pledged, lambda: finance.unchanged_subsidy[quarter] * pledged
    )
    city.claim("patent_pledge", "interest subsidies", rows, amounts)


def run_guarantees(city: Corridor) -> None:
    """The city's funds at the opening of a quarter: capital of the guarantee fund, pool of the year, credit platform."""
    quarter, finance, fund = city.quarter, city.policy.finance, city.guarantee_fund
    price = city.policy.price(quarter, city.deflator)

    def raised(path: NDArray[np.float64]) -> NDArray[np.float64]:
        money = city.scale * wan_from_yi(float(path[quarter] - path[quarter - 1])) * price
        return np.array([max(money, -fund.capital)])

    budget = finance.budgets["guarantee_coverage"]
    injection = float(budget.ration(raised(finance.guarantee_capital), lambda: raised(finance.unchanged_capital))[0])
    city.ledger.post("capital of the guarantee fund", "guarantee fund", "government", injection)
    fund.capital += injection
    city.government.pay(injection)
    city.costs.add(quarter, "guarantee_coverage", CASH, injection)
    if city.position == 0:
        filled = city.compensation.open_year(fund_money(finance.compensation_pool, quarter, price, city.scale))
        city.ledger.post("filling of the compensation fund", "compensation fund", "government", filled)
        city.government.pay(filled)
        city.ceiling.take(filled)
    _run_platform(city, price)


def _run_platform(city: Corridor, price: float) -> None:
    quarter, finance = city.quarter, city.policy.finance
    full = 0.25 * city.scale * wan_from_yi(city.rules.value("data_platform_cost")) * price
    wanted, budget = full * finance.platform[quarter], finance.budgets["data_platform_coverage"]
    paid = float(budget.ration(np.array([wanted]), lambda: np.array([full * finance.unchanged_platform[quarter]]))[0])
    if paid != wanted:
        finance.platform[quarter] = paid / full
    pay_out(city, "data_platform_coverage", "running cost of the credit platform", "outside", paid)


def open_banks(city: Corridor) -> None:
    """Give every firm of the start its bank and the loan its bank would carry; banks start at their capital ratio."""
    columns, count, p = city.firms.columns, city.firms.count, city.rules.credit
    rows = np.arange(count)
    choose_banks(city, rows, 0)
    columns.bank_since[:count] = np.maximum(columns.born[:count], OLDEST_RELATION)
    annual = 4.0 * columns.sales[:count]
    need = np.maximum(0.0, p.working_capital_need * annual - columns.deposits[:count])
    most = p.loan_to_sales_max * annual
    limit = np.minimum(most, p.tangible_pledge_share * columns.capital[:count] + p.unsecured_share * most)
    columns.loans[:count] = np.minimum(need, limit)
    columns.deposits[:count] += columns.loans[:count]
    columns.loan_bank[:count] = columns.main_bank[:count]
    due = uniforms(stream_key(city.luck_seed, 0, int(Purpose.LOAN_ORDER)), columns.identity[:count])
    columns.loan_due[:count] = 1 + np.floor(4.0 * due).astype(np.int16)
    banks = city.banks.columns
    np.add.at(banks.loans, columns.loan_bank[:count], columns.loans[:count])
    banks.capital[:] = np.maximum(
        city.rules.value("capital_ratio_start") * p.weight_small * banks.loans,
        city.scale * wan_from_yi(city.rules.value("bank_capital_floor")),
    )
    banks.bad[:] = city.rules.value("bad_loans_2015") * banks.loans
    city.banks.funding[:] = banks.loans - banks.capital
    city.guarantee_fund.capital = fund_money(city.policy.finance.guarantee_capital, 0, 1.0, city.scale)
