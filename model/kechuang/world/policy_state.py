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
from kechuang.scenario import Scenario, policy
from kechuang.units import wan_from_yi
from kechuang.world.mechanisms.taxes import TaxLaw

LEVERS = ("high_tech_tax_rate", "certification_bonus", "super_deduction")
COSTS = ("cash", "forgone_local", "forgone_total", "contingent", "administration")
CASH, FORGONE_LOCAL, FORGONE_TOTAL, CONTINGENT, ADMINISTRATION = range(len(COSTS))
PRICE_BASE = quarter_index("2020Q4")


class Budget:
    """The yearly budget of a change of a lever: claims on the change are paid pro rata once they exceed what is left.

    Claims under the unchanged path are never rationed. `expected` is the share that was paid last year; firms count
    on it when they decide.
    """

    def __init__(self, yearly: float | None) -> None:
        self.yearly = yearly
        self.left = np.inf if yearly is None else 0.0
        self.expected = 1.0
        self._claimed = self._paid = 0.0

    def open_year(self, price: float) -> None:
        """Renew the budget at the price level of the year and note what share of claims the last year paid."""
        if self.yearly is None:
            return
        if self._claimed > 0.0:
            self.expected = self._paid / self._claimed
        self.left = self.yearly * price
        self._claimed = self._paid = 0.0

    def ration(self, claims: NDArray[np.float64], unchanged: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is paid of the claims (万元), of which `unchanged` would be due without the change."""
        if self.yearly is None:
            return claims
        extra = claims - unchanged
        wanted = float(extra.sum())
        left = max(self.left, 0.0)  # rounding can leave a hair less than nothing
        share = 1.0 if wanted <= left else left / wanted
        self._claimed += max(wanted, 0.0)
        self._paid += max(share * wanted, 0.0)
        self.left -= share * wanted
        return np.asarray(unchanged + share * extra)


class Policy:
    """Effective lever values and law of every quarter of a scenario.

    `bonus_scale` is how large the certification bonus really was, relative to the assumed path; doses come on top.
    """

    def __init__(
        self, scenario: Scenario, normal_rate: float, asset_share: float, bonus_scale: float = 1.0, scale: float = 1.0
    ) -> None:
        self.scenario = scenario
        self.normal_rate, self.asset_share = normal_rate, asset_share
        self.tax_rate = policy.effective(scenario, "high_tech_tax_rate") / 100.0
        past_bonus = bonus_scale * policy.baseline(scenario, "certification_bonus")
        self.bonus = policy.effective(scenario, "certification_bonus", path=past_bonus)
        self.renewal_share = policy.effective(scenario, "certification_bonus", "renewal_share")
        self.registration_bonus = policy.effective(scenario, "certification_bonus", "registration_bonus")
        self.super_deduction = policy.effective(scenario, "super_deduction") / 100.0
        budgeted = policy.changes_with_budget(scenario)
        plain = replace(scenario, levers=tuple(change for change in scenario.levers if change not in budgeted))
        self.unchanged_bonus = policy.effective(plain, "certification_bonus", path=past_bonus)
        self.unchanged_renewal_share = policy.effective(plain, "certification_bonus", "renewal_share")
        self.unchanged_registration_bonus = policy.effective(plain, "certification_bonus", "registration_bonus")
        yearly = [change.budget for change in budgeted if change.key == "certification_bonus" and change.budget]
        self.bonus_budget = Budget(scale * wan_from_yi(max(yearly)) if yearly else None)
        self.no_grant = np.zeros(self.tax_rate.shape[1:])
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

    def expected_bonus(self, quarter: int, deflator: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the bonus firms count on (万元): the announced change weighted by the share paid last year."""
        announced, unchanged = self.bonus[quarter], self.unchanged_bonus[quarter]
        if self.bonus_budget.yearly is not None:
            announced = unchanged + self.bonus_budget.expected * (announced - unchanged)
        return np.asarray(announced * self.price(quarter, deflator))

    def amount(self, path: NDArray[np.float64], quarter: int, deflator: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a path of money in money of quarter t: after 2020 it keeps its purchasing power of 2020Q4."""
        return np.asarray(path[quarter] * self.price(quarter, deflator))


class CostLedger:
    """What levers cost: an array over (quarter, lever, kind of cost) in 万元."""

    def __init__(self, quarters: int) -> None:
        self.amounts = np.zeros((quarters + 1, len(LEVERS), len(COSTS)))

    def add(self, quarter: int, lever: str, kind: int, amount: float) -> None:
        """Book a cost of a lever in 万元."""
        self.amounts[quarter, LEVERS.index(lever), kind] += amount

    def cash(self, quarter: int) -> float:
        """Return the cash that levers took in a quarter, administration included (万元)."""
        return float(self.amounts[quarter, :, CASH].sum() + self.amounts[quarter, :, ADMINISTRATION].sum())

    def forgone_local(self, quarter: int) -> float:
        """Return the city's share of tax forgone in a quarter (万元)."""
        return float(self.amounts[quarter, :, FORGONE_LOCAL].sum())
