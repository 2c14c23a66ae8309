"""M11 What the law and the levers say in a quarter, and what each lever has cost.

A policy never edits a parameter: the effective value of a quarter is read from paths over (quarter, place, industry,
ladder) that the scenario fixes before the run. Amounts of money are in prices of the day up to 2020 and in 2020 prices
afterwards; `amount` turns them into money of the quarter. Costs: cash, tax forgone (city share and total), contingent
cost and administration, in 万元 by lever and quarter.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import quarter_index, year_of
from kechuang.law import small_profit_bands
from kechuang.parameters import Draw
from kechuang.scenario import Scenario, policy
from kechuang.world.institutions.budget import Budget
from kechuang.world.mechanisms.taxes import TaxLaw
from kechuang.world.policy.finance_policy import FINANCE_LEVERS, FinancePolicy
from kechuang.world.policy.platform_policy import PLATFORM_LEVERS, PlatformPolicy
from kechuang.world.policy.support_policy import SUPPORT_LEVERS, SupportPolicy
from kechuang.world.policy.talent_policy import TALENT_LEVERS, TalentPolicy

LEVERS = (
    "high_tech_tax_rate",
    "certification_bonus",
    "super_deduction",
    "research_grant",
    *FINANCE_LEVERS,
    *SUPPORT_LEVERS,
    *PLATFORM_LEVERS,
    "zone_approval",
    *TALENT_LEVERS,
)
COSTS = ("cash", "forgone_local", "forgone_total", "contingent", "administration")
CASH, FORGONE_LOCAL, FORGONE_TOTAL, CONTINGENT, ADMINISTRATION = range(len(COSTS))
PRICE_BASE = quarter_index("2020Q4")


class Policy:
    """Effective lever values and law of every quarter of a scenario.

    `certification_bonus_scale` of the draw is how large the bonus really was, relative to the assumed path; doses come
    on top.
    """

    def __init__(self, scenario: Scenario, draw: Draw, scale: float = 1.0) -> None:
        self.scenario = scenario
        self.normal_rate, self.asset_share = draw.number("corporate_rate"), draw.number("assets_to_sales")
        self.finance = FinancePolicy(scenario, draw, scale)
        self.talent = TalentPolicy(scenario, scale)
        self.support = SupportPolicy(scenario, scale)
        self.platforms = PlatformPolicy(scenario, draw, scale)
        self.tax_rate = policy.effective(scenario, "high_tech_tax_rate") / 100.0
        past_bonus = draw.number("certification_bonus_scale") * policy.baseline(scenario, "certification_bonus")
        self.bonus = policy.effective(scenario, "certification_bonus", path=past_bonus)
        self.renewal_share = policy.effective(scenario, "certification_bonus", "renewal_share")
        self.registration_bonus = policy.effective(scenario, "certification_bonus", "registration_bonus")
        self.super_deduction = policy.effective(scenario, "super_deduction") / 100.0
        budgeted = policy.changes_with_budget(scenario)
        plain = replace(scenario, levers=tuple(change for change in scenario.levers if change not in budgeted))
        self.unchanged_bonus = policy.effective(plain, "certification_bonus", path=past_bonus)
        self.unchanged_renewal_share = policy.effective(plain, "certification_bonus", "renewal_share")
        self.unchanged_registration_bonus = policy.effective(plain, "certification_bonus", "registration_bonus")
        self.bonus_budget = Budget.of(budgeted, "certification_bonus", scale)
        self.zone_approval = policy.effective(scenario, "zone_approval")
        self.grant, self.grant_cap, self.grant_take_up = _grants(scenario)
        self.unchanged_grant, self.unchanged_grant_cap, _ = _grants(plain)
        self.grant_budget = Budget.of(budgeted, "research_grant", scale)
        self._laws: dict[int, TaxLaw] = {}

    def law(self, quarter: int) -> TaxLaw:
        """Return the corporate tax law of the year in which quarter t lies (2016 for earlier dates)."""
        year = max(year_of(max(quarter, 1)), 2016)
        if year not in self._laws:
            small = small_profit_bands(self.scenario.law, year)
            self._laws[year] = TaxLaw.of(small, self.normal_rate, self.asset_share)
        return self._laws[year]

    def price(self, quarter: int, deflator: NDArray[np.float64]) -> float:
        """Return the price level of quarter t in which lever money is kept: 1 up to 2020, then prices over 2020Q4's."""
        return float(deflator[quarter] / deflator[PRICE_BASE]) if quarter > PRICE_BASE else 1.0

    def open_year(self, price: float) -> None:
        """Renew the budgets of the year."""
        self.bonus_budget.open_year(price)
        self.grant_budget.open_year(price)
        self.finance.open_year(price)
        self.talent.open_year(price)
        self.support.open_year(price)
        self.platforms.open_year(price)

    def expected_bonus(self, quarter: int, deflator: NDArray[np.float64], paid: float) -> NDArray[np.float64]:
        """Return the bonus firms count on (万元): what the budget of the change and the ceiling (`paid`) let through."""
        announced, unchanged = self.bonus[quarter], self.unchanged_bonus[quarter]
        if self.bonus_budget.yearly is not None:
            announced = unchanged + self.bonus_budget.expected * (announced - unchanged)
        return np.asarray(paid * announced * self.price(quarter, deflator))

    def expected_grant(self, quarter: int, paid: float) -> NDArray[np.float64]:
        """Return the grant firms count on (share of reported R&D)."""
        announced, unchanged = self.grant[quarter], self.unchanged_grant[quarter]
        if self.grant_budget.yearly is not None:
            announced = unchanged + self.grant_budget.expected * (announced - unchanged)
        return np.asarray(paid * announced)

    def amount(self, path: NDArray[np.float64], quarter: int, deflator: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a path of money in money of quarter t: after 2020 it keeps its purchasing power of 2020Q4."""
        return np.asarray(path[quarter] * self.price(quarter, deflator))


def _grants(scenario: Scenario) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return rate (share of reported R&D), cap (万元 per firm and year) and take-up (share of firms) of grants."""
    return (
        policy.effective(scenario, "research_grant") / 100.0,
        policy.effective(scenario, "research_grant", "cap"),
        policy.effective(scenario, "research_grant", "take_up"),
    )


class CostLedger:
    """What levers cost: an array over (quarter, lever, kind of cost) in 万元; own levers stand behind the others."""

    def __init__(self, quarters: int, own: tuple[str, ...] = ()) -> None:
        self.levers = (*LEVERS, *own)
        self.amounts = np.zeros((quarters + 1, len(self.levers), len(COSTS)))

    def add(self, quarter: int, lever: str, kind: int, amount: float) -> None:
        """Book a cost of a lever in 万元."""
        self.amounts[quarter, self.levers.index(lever), kind] += amount

    def cash(self, quarter: int) -> float:
        """Return the cash that levers took in a quarter, administration included (万元)."""
        return float(self.amounts[quarter, :, CASH].sum() + self.amounts[quarter, :, ADMINISTRATION].sum())

    def forgone_local(self, quarter: int) -> float:
        """Return the city's share of tax forgone in a quarter (万元)."""
        return float(self.amounts[quarter, :, FORGONE_LOCAL].sum())
