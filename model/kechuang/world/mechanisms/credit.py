"""M8a Credit: banks see a noisy score, ration by margin and capital, and do not clear the market by price.

    need     = max(0, w S4 + planned R&D + planned investment - deposits)                           debt a firm would like
    PD       = logit^-1(d0 + d1 debt/assets + d2 (deposits - unpaid bills)/S4 + d3 age + d4 sigma)   per year
    PDhat    = logit^-1(logit PD + noise z),  noise^2 = sig^2 / (1 + kI user c),  less after two years with the main bank
    offer if   rL - rD - PDhat LGD (1 - cov g) - cost >= hurdle / (1 - use)   and   capital >= kmin RWA after the loan
    amount   = min(need, xi S4, LTV_tan K + LTV_ip value patents [science bank] + covered part + unsecured share xi S4)
    default  ~ 1 - exp(-PD/4) a quarter on firms in debt

Money 万元, rates per year. A refused firm tries its second bank in half of the cases; two refusals in eight quarters end the
relation. Default is drawn from the same PD that banks estimate: cash paths of single firms are not identified by anything
reported. Sources: Stiglitz and Weiss 1981 (rationing), Pagano and Jappelli 1993 (information sharing), score-card signs
assumed; parameters in calibration/parameters.yaml.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.world.mechanisms.growth import GrowthParameters, volatility
from kechuang.world.populations import FirmColumns

LOAN_QUARTERS = 4
PATIENCE_QUARTERS = 8
SCIENCE_BANK = 0
SMALL_FIRM_SALES = 5000.0
"""万元 of yearly sales below which a firm may ask for a guarantee."""


class CreditParameters(NamedTuple):
    """Log odds, rates per year, shares of sales, assets and loans."""

    default_base: float
    default_leverage: float
    default_liquidity: float
    default_age: float
    default_volatility: float
    bank_score_noise: float
    platform_information_gain: float
    main_bank_information: float
    funding_rate: float
    bank_hurdle: float
    loan_rate_max: float
    capital_ratio_min: float
    tangible_pledge_share: float
    patent_value: float
    loan_to_sales_max: float
    working_capital_need: float
    renewal_default_max: float
    unsecured_share: float
    loss_unsecured: float
    loss_secured: float
    cost_plain: float
    cost_platform: float
    weight_small: float
    weight_guaranteed: float
    second_bank_try: float

    @classmethod
    def of(cls, draw: Draw) -> CreditParameters:
        """Take the record from a draw; `default_base` moves with the mean default rate of the draw."""
        shift = math.log(draw.number("default_rate") / 0.02)
        loss, cost, weights = draw.vector("loss_given_default"), draw.vector("bank_cost"), draw.vector("risk_weights")
        plain = [draw.number(name) for name in cls._fields[1:17]]
        return cls(draw.number("default_base") + shift, *plain, draw.number("unsecured_share"), loss[0], loss[1], cost[0],
                   cost[1], weights[0], weights[2], draw.number("second_bank_try"))


class BankColumns(NamedTuple):
    """The books of the banks, one row a bank. Money in 万元."""

    kind: NDArray[np.int8]
    place: NDArray[np.int8]
    opens: NDArray[np.int16]
    loans: NDArray[np.float64]
    guaranteed: NDArray[np.float64]
    capital: NDArray[np.float64]
    bad: NDArray[np.float64]


class CreditSetting(NamedTuple):
    """What is common to all applications of a quarter. `guarantee_room` is what the fund may still cover (万元)."""

    quarter: int
    loan_rate: float
    investment_speed: float
    tangible_share: float
    coverage: NDArray[np.float64]
    patent_pledge: NDArray[np.float64]
    renewal: NDArray[np.float64]
    data_coverage: float
    guarantee_room: float
    guarantee_share: float


@compiled
def default_log_odds(debt: float, assets: float, liquidity: float, age_years: float, sigma: float,
                     p: CreditParameters) -> float:
    """Return the log odds that a firm defaults within a year."""
    leverage = min(debt / max(assets, 1e-9), 1.5)
    return (p.default_base + p.default_leverage * leverage + p.default_liquidity * max(liquidity, -0.5)
            + p.default_age * min(age_years, 30.0) + p.default_volatility * sigma)


@compiled
def probability(log_odds: float) -> float:
    """Return the probability of log odds."""
    return 1.0 / (1.0 + math.exp(-log_odds))


@compiled
def score_noise(platform_user: bool, data_coverage: float, years_with_bank: float, p: CreditParameters) -> float:
    """Return the standard deviation of a bank's score around the true log odds."""
    gain = 1.0 + (p.platform_information_gain * data_coverage if platform_user else 0.0)
    return p.bank_score_noise / math.sqrt(gain) * (p.main_bank_information if years_with_bank >= 2.0 else 1.0)


@compiled
def margin_after_losses(loan_rate: float, estimated_default: float, loss: float, covered: float, cost: float,
                        p: CreditParameters) -> float:
    """Return what a bank expects to earn on a yuan lent for a year; `covered` is the share of loss that others bear."""
    return loan_rate - p.funding_rate - estimated_default * loss * (1.0 - covered) - cost


@compiled
def hurdle(capital_in_use: float, p: CreditParameters) -> float:
    """Return the margin a bank asks for, rising as its capital is used up."""
    return p.bank_hurdle / max(1e-6, 1.0 - min(capital_in_use, 1.0))


@compiled
def loan_need(annual: float, research: float, investment: float, deposits: float, p: CreditParameters) -> float:
    """Return the debt a firm would like to have (万元)."""
    return max(0.0, p.working_capital_need * annual + research + investment - deposits)


@compiled
def collateral_limit(annual: float, capital: float, patents: float, patent_pledge: float, guaranteed: float,
                     p: CreditParameters) -> float:
    """Return the largest loan that collateral, guarantee and name carry (万元)."""
    secured = p.tangible_pledge_share * capital + patent_pledge * p.patent_value * patents + guaranteed
    return min(p.loan_to_sales_max * annual, secured + p.unsecured_share * p.loan_to_sales_max * annual)


@compiled
def firm_log_odds(annual: float, age_years: float, deposits: float, capital: float, loans: float, payables: float,
                  p: CreditParameters, growth: GrowthParameters) -> float:
    """Return the true log odds of default of a firm with these books (万元)."""
    debt = loans + payables
    liquidity = (deposits - payables) / max(annual, 1e-9)
    return default_log_odds(debt, deposits + capital + debt, liquidity, age_years,
                            volatility(annual, age_years, growth), p)


@compiled
def acceptable(amount: float, covered: float, estimate: float, secured: float, cost: float, loan_rate: float,
               weighted: float, bank_capital: float, p: CreditParameters) -> bool:
    """Say whether a bank with these weighted assets and capital would make a loan of this amount and estimated default."""
    loss = (secured * p.loss_secured + (amount - secured) * p.loss_unsecured) / max(amount, 1e-9)
    use = p.capital_ratio_min * weighted / max(bank_capital, 1e-9)
    if use > 1.0 or loan_rate > p.loan_rate_max:
        return False
    return margin_after_losses(loan_rate, estimate, loss, covered, cost, p) >= hurdle(use, p)


@compiled
def applicants(firms: FirmColumns, count: int, setting: CreditSetting, p: CreditParameters,
               need: NDArray[np.float64]) -> NDArray[np.int64]:
    """Write every firm's need into `need`; return the rows of firms whose loan is due or whose need has outgrown it."""
    rows, found = np.empty(count, dtype=np.int64), 0
    for i in range(count):
        need[i] = 0.0
        if firms.alive[i] == 0:
            continue
        annual = 4.0 * firms.sales[i]
        research = firms.research_intensity[i] * firms.sales[i] if firms.does_research[i] == 1 else 0.0
        investment = max(0.0, setting.investment_speed * (setting.tangible_share * annual - firms.capital[i]))
        need[i] = loan_need(annual, research, investment, firms.deposits[i] - firms.loans[i], p)
        due = firms.loans[i] > 0.0 and firms.loan_due[i] <= setting.quarter
        if due or need[i] - firms.loans[i] > 0.05 * annual:
            rows[found] = i
            found += 1
    return rows[:found]
