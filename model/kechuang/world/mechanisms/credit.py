"""M8a Credit: banks see a noisy score, ration by margin and capital, and do not clear the market by price.

    need     = max(0, w S4 + planned R&D + planned investment - deposits + loan)                    debt a firm would like
    PD       = logit^-1(d0 + d1 debt/assets + d2 (deposits - unpaid bills)/S4 + d3 age + d4 sigma)   per year
    PDhat    = logit^-1(logit PD + noise z),  noise^2 = sig^2 / (1 + kI user c),  less after two years with the main bank
    offer if   rL - rD - PDhat LGD (1 - cov) - cost >= hurdle / (1 - use)   and   capital >= kmin RWA after the loan
    cov      = cov_G g + kC (1 - cov_G g) [science bank, firm on the ladder]                        g guaranteed share
    waiting  = days / 90 of the quarter counts as rationed; days fall from tau0 to the platform's for its users
    amount   = min(need, xi S4, LTV_tan K + LTV_ip value patents [science bank] + covered part + xi_u xi S4)

Money 万元, rates per year. What happens at the counter stands in lending.py, defaults in default.py. Sources: Stiglitz and
Weiss 1981 (rationing), Pagano and Jappelli 1993 (information sharing), score-card signs assumed; parameters in
calibration/parameters.yaml.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.parameters import Draw
from kechuang.randomness import uniform
from kechuang.world.population.firms import FirmColumns

LOAN_QUARTERS = 4
DAYS_OF_A_QUARTER = 90.0
SCIENCE_BANK = 0
RELATION_YEARS = 2.0
"""Years with a main bank after which it knows a firm better (main_bank_information)."""


RATIONED_MEMORY = 0.75
"""Weight of the past in the share of time a firm is rationed: four quarters' worth of memory."""


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
    bank_hurdle: float
    capital_ratio_min: float
    tangible_pledge_share: float
    patent_value: float
    loan_to_sales_max: float
    working_capital_need: float
    renewal_default_max: float
    unsecured_share: float
    loan_shortfall: float
    approval_days_before: float
    approval_days_platform: float
    application_step: float
    second_bank_try: float
    guarantee_sales_max: float
    loss_unsecured: float
    loss_secured: float
    cost_plain: float
    cost_platform: float
    weight_small: float
    weight_guaranteed: float
    asking_plain: float
    asking_science: float

    @classmethod
    def of(cls, draw: Draw) -> CreditParameters:
        """Take the record from a draw; `default_base` moves with the mean default rate of the draw."""
        loss, cost, weights = draw.vector("loss_given_default"), draw.vector("bank_cost"), draw.vector("risk_weights")
        asking = draw.vector("guarantee_asking_share")
        base = draw.number("default_base") + math.log(draw.number("default_rate") / USUAL_DEFAULT_RATE)
        plain = [draw.number(name) for name in cls._fields[1:-8]]
        pairs = [*loss[:2], *cost[:2], weights[0], weights[2], *asking[:2]]
        return cls._make([base, *plain, *pairs])


USUAL_DEFAULT_RATE = 0.02
"""Yearly default rate that `default_base` was computed for."""


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
    """What is common to all applications of a quarter. `spread` is the loan rate less the cost of funds (per year).

    `guarantee_room` is what the fund may still cover (万元).
    """

    quarter: int
    spread: float
    investment_speed: float
    tangible_share: float
    data_coverage: float
    guarantee_room: float
    coverage: NDArray[np.float64]
    compensation: NDArray[np.float64]
    patent_pledge: NDArray[np.float64]
    renewal: NDArray[np.float64]


@compiled
def default_log_odds(
    debt: float, assets: float, liquidity: float, age_years: float, sigma: float, p: CreditParameters
) -> float:
    """Return the log odds that a firm defaults within a year."""
    leverage = min(debt / max(assets, 1e-9), 1.5)
    return (
        p.default_base
        + p.default_leverage * leverage
        + p.default_liquidity * min(max(liquidity, -0.5), 0.5)
        + p.default_age * min(age_years, 30.0)
        + p.default_volatility * sigma
    )


@compiled
def probability(log_odds: float) -> float:
    """Return the probability of log odds."""
    return 1.0 / (1.0 + math.exp(-log_odds))


@compiled
def score_noise(platform_user: bool, data_coverage: float, years_with_bank: float, p: CreditParameters) -> float:
    """Return the standard deviation of a bank's score around the true log odds."""
    gain = 1.0 + (p.platform_information_gain * data_coverage if platform_user else 0.0)
    return (
        p.bank_score_noise / math.sqrt(gain) * (p.main_bank_information if years_with_bank >= RELATION_YEARS else 1.0)
    )


@compiled
def margin_after_losses(spread: float, estimated_default: float, loss: float, covered: float, cost: float) -> float:
    """Return what a bank expects to earn on a yuan lent for a year; `covered` is the share of loss that others bear."""
    return spread - estimated_default * loss * (1.0 - covered) - cost


@compiled
def hurdle(capital_in_use: float, p: CreditParameters) -> float:
    """Return the margin a bank asks for, rising as its capital is used up."""
    return p.bank_hurdle / max(1e-6, 1.0 - min(capital_in_use, 1.0))


@compiled
def loan_need(annual: float, research: float, investment: float, net_deposits: float, p: CreditParameters) -> float:
    """Return the debt a firm would like to have (万元); `net_deposits` are deposits less the loan it has."""
    return max(0.0, p.working_capital_need * annual + research + investment - net_deposits)


@compiled
def approval_days(platform_user: bool, data_coverage: float, p: CreditParameters) -> float:
    """Return how many days a bank takes to decide; a user's falls to that of the platform as it sees more records."""
    if not platform_user:
        return p.approval_days_before
    return p.approval_days_before + (p.approval_days_platform - p.approval_days_before) * min(1.0, data_coverage)


@compiled
def waiting_share(days: float) -> float:
    """Return the share of a quarter that goes by before the money of a new loan is there."""
    return min(1.0, days / DAYS_OF_A_QUARTER)


@compiled
def collateral_limit(
    annual: float, capital: float, patents: float, patent_pledge: float, guaranteed: float, p: CreditParameters
) -> float:
    """Return the largest loan that collateral, guarantee and name carry (万元)."""
    most = p.loan_to_sales_max * annual
    secured = p.tangible_pledge_share * capital + patent_pledge * p.patent_value * patents + guaranteed
    return min(most, secured + p.unsecured_share * most)


@compiled
def firm_log_odds(
    annual: float,
    age_years: float,
    sigma: float,
    deposits: float,
    capital: float,
    loans: float,
    payables: float,
    p: CreditParameters,
) -> float:
    """Return the true log odds of default of a firm with these books (万元)."""
    liquidity = (deposits - payables) / max(annual, 1e-9)
    return default_log_odds(loans + payables, deposits + capital, liquidity, age_years, sigma, p)


@compiled
def acceptable(
    amount: float,
    covered: float,
    estimate: float,
    secured: float,
    cost: float,
    spread: float,
    weighted: float,
    bank_capital: float,
    p: CreditParameters,
) -> bool:
    """Say whether a bank that had these weighted assets after the loan would make it at this estimated default."""
    loss = (secured * p.loss_secured + (amount - secured) * p.loss_unsecured) / max(amount, 1e-9)
    use = p.capital_ratio_min * weighted / max(bank_capital, 1e-9)
    return use <= 1.0 and margin_after_losses(spread, estimate, loss, covered, cost) >= hurdle(use, p)


@compiled
def wants_loan(need: float, loan: float, limit: float, due: bool, step: float) -> tuple[bool, bool]:
    """Return whether a firm asks a bank this quarter, and whether it would ask but knows that its limit is reached.

    It asks at the term of its loan, for a first loan, and earlier where need and own limit have outgrown the loan.
    """
    if due:
        return True, False
    short = need - loan > step
    asks = short and (loan <= 0.0 or limit - loan > step)
    return asks, short and not asks


@compiled
def may_be_guaranteed(annual: float, ladder: int, coverage: float, p: CreditParameters) -> bool:
    """Say whether the guarantee fund takes a firm of this size and step."""
    return annual < p.guarantee_sales_max and 1 <= ladder <= 2 and coverage > 0.0


@compiled
def asking_share(science: bool, p: CreditParameters) -> float:
    """Return the share of eligible borrowers that ask for a guarantee at this kind of bank."""
    return p.asking_science if science else p.asking_plain


@compiled
def applicants(
    firms: FirmColumns,
    count: int,
    setting: CreditSetting,
    banks: BankColumns,
    guarantee_key: np.uint64,
    p: CreditParameters,
    need: NDArray[np.float64],
) -> tuple[NDArray[np.int64], int]:
    """Write every firm's need into `need`; return the rows of firms that ask for a loan and the number of discouraged.

    What firms remember of rationing fades by a quarter of it; the discouraged are rationed as well.
    """
    rows, found, discouraged = np.empty(count, dtype=np.int64), 0, 0
    for i in range(count):
        need[i] = 0.0
        if firms.alive[i] == 0:
            continue
        firms.rationed[i] *= RATIONED_MEMORY
        annual = 4.0 * firms.sales[i]
        research = firms.research_intensity[i] * firms.sales[i] if firms.does_research[i] == 1 else 0.0
        investment = max(0.0, setting.investment_speed * (setting.tangible_share * annual - firms.capital[i]))
        need[i] = loan_need(annual, research, investment, firms.deposits[i] - firms.loans[i], p)
        if need[i] <= 0.0:
            continue
        due = firms.loans[i] > 0.0 and firms.loan_due[i] <= setting.quarter
        cell = (firms.place[i], firms.industry[i], firms.ladder[i])
        science = banks.kind[firms.main_bank[i]] == SCIENCE_BANK
        covered = 0.0
        if may_be_guaranteed(annual, firms.ladder[i], setting.coverage[cell], p):
            asking = uniform(guarantee_key, firms.identity[i])
            covered = min(need[i], setting.guarantee_room) if asking < asking_share(science, p) else 0.0
        pledge = setting.patent_pledge[cell] if science else 0.0
        limit = collateral_limit(annual, firms.capital[i], firms.patents[i], pledge, covered, p)
        asks, gives_up = wants_loan(need[i], firms.loans[i], limit, due, p.application_step * annual)
        if asks:
            rows[found] = i
            found += 1
        elif gives_up:
            discouraged += 1
            firms.rationed[i] += 1.0 - RATIONED_MEMORY
    return rows[:found], discouraged
