"""M11 What the levers of finance say in a quarter (V8-V13), and the running cost of the credit platform.

    patent pledge   the drawn share is the path, doses come on top      the assumed path says nothing about its size
    platform data   the drawn start is the path: 0 before it, 1 from 2020Q4
    guidance fund   money above the size common to all cells is earmarked for the cells with the largest size
A dial of a fund (capital, fee, leverage, pool) has no place or step: where a change names some, it is the fund's all the
same. Money of the paths in 亿元 is in prices of the day up to 2020 and in 2020 prices afterwards.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import quarter_index
from kechuang.parameters import Draw
from kechuang.scenario import Scenario, policy
from kechuang.units import wan_from_yi
from kechuang.world.institutions.budget import Budget

Path = NDArray[np.float64]
FINANCE_LEVERS = (
    "guarantee_coverage",
    "risk_compensation",
    "data_platform_coverage",
    "loan_renewal",
    "patent_pledge",
    "guidance_fund",
)
CITY_SHARE_MAX = 0.5
"""Money of the city is never more than half of what the science funds call."""
PLATFORM_COMPLETE = quarter_index("2020Q4")


class FinancePolicy:
    """Effective paths of the levers of finance by quarter; `budgets` bind their cash pro rata."""

    def __init__(self, scenario: Scenario, draw: Draw, scale: float) -> None:
        budgeted = [change for change in policy.changes_with_budget(scenario) if change.key in FINANCE_LEVERS]
        plain = replace(scenario, levers=tuple(change for change in scenario.levers if change not in budgeted))
        self.guarantee_coverage = policy.effective(scenario, "guarantee_coverage")
        self.guarantee_capital = of_fund(scenario, "guarantee_coverage", "capital")
        self.guarantee_fee = of_fund(scenario, "guarantee_coverage", "fee") / 100.0
        self.guarantee_leverage = of_fund(scenario, "guarantee_coverage", "leverage")
        self.risk_compensation = policy.effective(scenario, "risk_compensation")
        self.compensation_pool = of_fund(scenario, "risk_compensation", "pool")
        self.loan_renewal = policy.effective(scenario, "loan_renewal")
        self.interest_subsidy = of_fund(scenario, "patent_pledge", "interest_subsidy") / 100.0
        pledge = np.full_like(policy.baseline(scenario, "patent_pledge"), draw.number("patent_pledge_share"))
        self.patent_pledge = policy.effective(scenario, "patent_pledge", path=pledge)
        self.platform = platform_path(scenario, draw)
        self.unchanged_capital = of_fund(plain, "guarantee_coverage", "capital")
        self.unchanged_compensation = policy.effective(plain, "risk_compensation")
        self.unchanged_subsidy = of_fund(plain, "patent_pledge", "interest_subsidy") / 100.0
        self.unchanged_platform = platform_path(plain, draw)
        self._read_funds(scenario, plain)
        self.budgets = {key: Budget.of(budgeted, key, scale) for key in FINANCE_LEVERS}

    def _read_funds(self, scenario: Scenario, plain: Scenario) -> None:
        """Read the size of the science funds: by cell, in all, and the part that is open to every firm (亿元)."""
        self.fund_size = policy.effective(scenario, "guidance_fund")
        self.fund_total, self.fund_open = self.fund_size.max(axis=(1, 2, 3)), self.fund_size.min(axis=(1, 2, 3))
        self.unchanged_fund_total = policy.effective(plain, "guidance_fund").max(axis=(1, 2, 3))
        self.fund_city_share = np.minimum(of_fund(scenario, "guidance_fund", "city_share"), CITY_SHARE_MAX)
        self.unchanged_city_share = np.minimum(of_fund(plain, "guidance_fund", "city_share"), CITY_SHARE_MAX)

    def earmarked(self, quarter: int) -> NDArray[np.bool_]:
        """Return the cells (place, industry, step) in which earmarked money of the science funds may be invested."""
        return np.asarray(self.fund_size[quarter] >= self.fund_total[quarter])

    def open_year(self, price: float) -> None:
        """Renew the budgets of the year."""
        for budget in self.budgets.values():
            budget.open_year(price)

    def compensation(self, quarter: int) -> Path:
        """Return the share of its remaining loss that a science bank counts on; 0 while the pool has no money."""
        return self.risk_compensation[quarter] * float(self.compensation_pool[quarter] > 0.0)


def of_fund(scenario: Scenario, key: str, dial: str) -> Path:
    """Return the path of a dial that has neither place nor step: of all cells the value furthest from the baseline."""
    values, usual = policy.effective(scenario, key, dial), policy.baseline(scenario, key, dial)
    flat = (values - usual).reshape(values.shape[0], -1)
    furthest = np.argmax(np.abs(flat), axis=1)
    return np.asarray(values.reshape(values.shape[0], -1)[np.arange(values.shape[0]), furthest])


def platform_path(scenario: Scenario, draw: Draw) -> Path:
    """Return the share of useful records that banks see by quarter: the drawn start, then what a scenario changes."""
    start = draw.number("platform_start")
    quarters = np.arange(scenario.until + 1, dtype=float)
    opened = np.clip((quarters - start) / max(PLATFORM_COMPLETE - start, 1.0), 0.0, 1.0)
    usual = policy.baseline(scenario, "data_platform_coverage")
    path = np.broadcast_to(opened[:, None, None, None], usual.shape)
    return np.array(np.maximum(policy.effective(scenario, "data_platform_coverage", path=path)[:, 0, 0, 0], 0.0))


def fund_money(path: Path, quarter: int, price: float, scale: float) -> float:
    """Return a path in 亿元 as money of the quarter at the scale of the model (万元)."""
    return float(scale * wan_from_yi(path[quarter]) * price)
