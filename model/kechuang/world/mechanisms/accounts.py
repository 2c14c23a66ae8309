"""M11, the books: sales, taxes and the quarter of a firm in money; every flow by name, each deposit the sum of its flows.

    sales Q = S season ;  production wages = wage_share va Q ;  VAT = rate va Q ;  purchases = Q (1 - margin) - wages - VAT
    R&D R = r Q, a share of it wages ;  income tax = T / 4 (mechanisms/taxes.py)
    interest = (rate L + fee guaranteed) / 4
    investment = depreciation K / 4 + (tangible_share S4 - K) speed ;  dividends = payout of profit out of cash above target
    value added = wages + VAT + margin Q                                       equals sales less purchases
Deposits do not fall below zero: bills left unpaid are carried by suppliers outside. Bank loans: mechanisms/lending.py.
Units 万元 a quarter. Sources: transaction-flow matrix in docs/odd.md, after Godley and Lavoie 2007 (stock-flow consistency);
shares and rates in calibration/parameters.yaml.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.world.mechanisms.taxes import TaxLaw, tax_without, taxable_profit
from kechuang.world.mechanisms.venture import FUNDS
from kechuang.world.population.firms import NO_CERTIFICATE, FirmColumns

FLOWS = (
    "sales",
    "purchases",
    "production wages",
    "value added tax",
    "research wages",
    "research purchases",
    "income tax",
    "interest and guarantee fees",
    "investment",
    "dividends",
    "bills left unpaid",
    "bills paid late",
)
"""Flows of a firm in the order of the totals; inflows positive, outflows negative."""
(
    SALES,
    PURCHASES,
    WAGES,
    VALUE_ADDED_TAX,
    RESEARCH_WAGES,
    RESEARCH_PURCHASES,
    INCOME_TAX,
    INTEREST,
    INVESTMENT,
    DIVIDENDS,
    UNPAID_BILLS,
    LATE_PAYMENT,
) = range(12)
MEASURES = (
    "value_added",
    "panel_value_added",
    "panel_value_added_year_ago",
    "panel_reported",
    "panel_reported_year_ago",
    "research",
    "reported",
    "relabelled",
    "staff",
    "forgone_certified",
    "forgone_deduction",
    "above_scale_value_added",
    "above_scale_sales",
)
"""Sums over firms in the order of the measures."""
(
    VALUE_ADDED,
    PANEL,
    PANEL_AGO,
    PANEL_REPORTED,
    PANEL_REPORTED_AGO,
    RESEARCH,
    REPORTED,
    RELABELLED,
    STAFF,
    FORGONE_CERTIFIED,
    FORGONE_DEDUCTION,
    ABOVE_SCALE,
    ABOVE_SCALE_SALES,
) = range(len(MEASURES))
ACCOUNTS, SUMS = len(FLOWS), len(MEASURES)
INVESTMENT_SPEED = 0.25
SOFTWARE = 7


class MoneyRates(NamedTuple):
    """Shares of sales, value added and profit; rates per year."""

    vat_rate: float
    research_wage_share: float
    liquidity_target: float
    tangible_share: float
    capital_depreciation: float
    payout_ratio: float


class AccountParameters(NamedTuple):
    """Value added over sales and wages over value added by industry, and what is common to all."""

    value_added_share: tuple[float, ...]
    wage_share: tuple[float, ...]
    rates: MoneyRates

    @classmethod
    def of(cls, draw: Draw) -> AccountParameters:
        """Take the record from a draw."""
        return cls(
            draw.vector("value_added_share"),
            draw.vector("wage_share"),
            MoneyRates(*(draw.number(name) for name in MoneyRates._fields)),
        )


class AccountSetting(NamedTuple):
    """What is common to all firms in a quarter."""

    position: int
    season: float
    reporting_drift: float
    loan_rate: float
    guarantee_fee: float
    tax_rate: NDArray[np.float64]
    extra_deduction: NDArray[np.float64]


@compiled
def value_added_per_sales(industry: int, margin: float, p: AccountParameters) -> float:
    """Return value added over sales: wages, value added tax and gross margin."""
    return p.value_added_share[industry] * (p.wage_share[industry] + p.rates.vat_rate) + margin


@compiled
def income_tax(profit: float, annual_sales: float, persons: float, certified: bool, rate: float, law: TaxLaw) -> float:
    """Return the yearly corporate income tax of a firm (万元)."""
    without = tax_without(profit, annual_sales, persons, law)
    return min(without, rate * profit) if certified else without


@compiled
def finance(cash: float, target: float, profit: float, debt: float, payout: float) -> tuple[float, float, float]:
    """Return dividends, bills left unpaid and bills paid late that follow from cash (all non-negative)."""
    if cash < 0.0:
        return 0.0, -cash, 0.0
    spare = max(0.0, cash - target)
    repayment = min(debt, spare)
    dividends = min(spare - repayment, payout * max(0.0, profit))
    return dividends, 0.0, repayment


class Taxes(NamedTuple):
    """Yearly corporate income tax of a firm: as it stands, without its certificate, without the extra deduction (万元)."""

    paid: float
    uncertified: float
    undeducted: float


class Stocks(NamedTuple):
    """What a firm holds and owes: deposits, unpaid bills and fixed capital (万元)."""

    deposits: float
    payables: float
    capital: float


@compiled
def assess(
    annual: float,
    margin: float,
    persons: float,
    intensity: float,
    extra_deduction: float,
    certified: bool,
    rate: float,
    law: TaxLaw,
) -> Taxes:
    """Return the yearly tax of a firm and what it would be without certificate and without extra deduction."""
    profit = taxable_profit(annual, margin, intensity, extra_deduction)
    undeducted = taxable_profit(annual, margin, intensity, 0.0)
    uncertified = tax_without(profit, annual, persons, law)
    paid = min(uncertified, rate * profit) if certified else uncertified
    return Taxes(paid, uncertified, income_tax(undeducted, annual, persons, certified, rate, law))


@compiled
def settle(
    sales: float,
    annual: float,
    added: float,
    wages: float,
    tax_added: float,
    research: float,
    income_tax_due: float,
    loan_cost: float,
    stocks: Stocks,
    rates: MoneyRates,
    flow: NDArray[np.float64],
) -> Stocks:
    """Write the flows of a firm's quarter into `flow` and return what it holds and owes afterwards."""
    flow[SALES] = sales
    flow[PURCHASES] = added - sales
    flow[WAGES] = -wages
    flow[VALUE_ADDED_TAX] = -tax_added
    flow[RESEARCH_WAGES] = -rates.research_wage_share * research
    flow[RESEARCH_PURCHASES] = -(1.0 - rates.research_wage_share) * research
    flow[INCOME_TAX] = -income_tax_due
    flow[INTEREST] = -loan_cost
    wear = 0.25 * rates.capital_depreciation * stocks.capital
    investment = wear + INVESTMENT_SPEED * (rates.tangible_share * annual - stocks.capital)
    flow[INVESTMENT] = -investment
    surplus = 0.0
    for k in range(INVESTMENT):
        surplus += flow[k]
    cash = stocks.deposits + surplus - investment
    dividends, credit, repayment = finance(
        cash, rates.liquidity_target * annual, surplus, stocks.payables, rates.payout_ratio
    )
    flow[DIVIDENDS], flow[UNPAID_BILLS], flow[LATE_PAYMENT] = -dividends, credit, -repayment
    return Stocks(
        cash - dividends + credit - repayment,
        stocks.payables + credit - repayment,
        stocks.capital + investment - wear,
    )


@compiled
def keep_accounts(
    firms: FirmColumns,
    count: int,
    setting: AccountSetting,
    law: TaxLaw,
    p: AccountParameters,
    postings: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Post the quarter of every firm; return totals of the flows and of the measures, and dividends by venture fund.

    `postings` keeps the flows of single firms when it has a row for each, and is empty otherwise.
    """
    totals, measures, flow = np.zeros(ACCOUNTS), np.zeros(SUMS), np.zeros(ACCOUNTS)
    to_funds = np.zeros(len(FUNDS) + 1)
    keep = postings.shape[0] >= count
    position, drift = setting.position, math.exp(setting.reporting_drift)
    for i in range(count):
        if firms.alive[i] == 0:
            continue
        industry, place, ladder = firms.industry[i], firms.place[i], firms.ladder[i]
        annual, sales = 4.0 * firms.sales[i], firms.sales[i] * setting.season
        persons = firms.staff[i]
        intensity = firms.research_intensity[i] if firms.does_research[i] == 1 else 0.0
        taxes = assess(
            annual,
            firms.margin[i],
            persons,
            intensity,
            setting.extra_deduction[place, industry, ladder],
            firms.certified[i] > NO_CERTIFICATE,
            setting.tax_rate[place, industry, ladder],
            law,
        )
        added = value_added_per_sales(industry, firms.margin[i], p) * sales
        wages = p.wage_share[industry] * p.value_added_share[industry] * sales
        tax_added = p.rates.vat_rate * p.value_added_share[industry] * sales
        stocks = settle(
            sales,
            annual,
            added,
            wages,
            tax_added,
            intensity * sales,
            0.25 * taxes.paid,
            0.25 * (setting.loan_rate * firms.loans[i] + setting.guarantee_fee * firms.guaranteed[i]),
            Stocks(firms.deposits[i], firms.payables[i], firms.capital[i]),
            p.rates,
            flow,
        )
        firms.deposits[i], firms.payables[i], firms.capital[i] = stocks.deposits, stocks.payables, stocks.capital
        if firms.fund[i] > 0:
            to_funds[firms.fund[i]] -= firms.fund_share[i] * flow[DIVIDENDS]
        for k in range(ACCOUNTS):
            totals[k] += flow[k]
            if keep:
                postings[i, k] = flow[k]

        reported = (intensity * drift + firms.relabelled[i]) * sales
        measures[VALUE_ADDED] += added
        measures[RESEARCH] += intensity * sales
        measures[REPORTED] += reported
        measures[RELABELLED] += firms.relabelled[i] * sales
        measures[STAFF] += persons
        measures[FORGONE_CERTIFIED] += 0.25 * (taxes.uncertified - taxes.paid)
        measures[FORGONE_DEDUCTION] += 0.25 * (taxes.undeducted - taxes.paid)
        if firms.above_scale[i] == 1:
            measures[ABOVE_SCALE] += added
            measures[ABOVE_SCALE_SALES] += sales
            measures[PANEL] += added
            measures[PANEL_AGO] += added / sales * firms.sales_year[i, position]
            measures[PANEL_REPORTED] += reported
            measures[PANEL_REPORTED_AGO] += firms.reported_year[i, position]
        firms.sales_year[i, position] = sales
        firms.reported_year[i, position] = reported
    return totals, measures, to_funds


@compiled
def flag_above_scale(firms: FirmColumns, count: int, threshold: float) -> int:
    """Each January: put industrial firms with last year's sales at the threshold into the panel; return how many."""
    flagged = 0
    for i in range(count):
        if firms.alive[i] == 1:
            year = firms.sales_year[i, 0] + firms.sales_year[i, 1] + firms.sales_year[i, 2] + firms.sales_year[i, 3]
            firms.above_scale[i] = 1 if year >= threshold and firms.industry[i] != SOFTWARE else 0
            flagged += firms.above_scale[i]
    return flagged
