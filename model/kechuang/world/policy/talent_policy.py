"""M7 What the levers on talent say in a quarter (V6, V7, V19).

    talent subsidy     amount times the weight of a kind, by place and step of the employer
    top-talent grant   amounts above the one common to all cells are earmarked for the cells with the largest
    training           persons a year; what exceeds the number common to all industries is for those with the largest
Money is in prices of the day up to 2020 and in 2020 prices afterwards; `unchanged` paths leave out changes with a budget.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.scenario import Scenario, policy
from kechuang.world.institutions.budget import Budget

Path = NDArray[np.float64]
TALENT_LEVERS = ("talent_subsidy", "top_talent_grant", "graduate_training")
WEIGHTS = ("weight_researcher", "weight_engineer", "weight_top", "weight_graduate")
"""Dials of the subsidy in the order of the kinds of talent."""


class Paths(NamedTuple):
    """Effective paths by [quarter, place, industry, step]; `subsidy` by kind in front of these (万元 per person)."""

    subsidy: Path
    grant: Path
    training: Path


class TalentPolicy:
    """Effective paths of the levers on talent; `budgets` bind their cash pro rata."""

    def __init__(self, scenario: Scenario, scale: float) -> None:
        budgeted = [change for change in policy.changes_with_budget(scenario) if change.key in TALENT_LEVERS]
        plain = replace(scenario, levers=tuple(change for change in scenario.levers if change not in budgeted))
        self.paths = _paths(scenario)
        self.unchanged = _paths(plain) if budgeted else self.paths
        self.budgets = {key: Budget.of(budgeted, key, scale) for key in TALENT_LEVERS}

    def open_year(self, price: float) -> None:
        """Renew the budgets of the year."""
        for budget in self.budgets.values():
            budget.open_year(price)

    def expected_subsidy(self, quarter: int) -> Path:
        """Return the subsidy that people count on by kind and cell (万元 at the prices of the path)."""
        announced, unchanged = self.paths.subsidy[:, quarter], self.unchanged.subsidy[:, quarter]
        budget = self.budgets["talent_subsidy"]
        if budget.yearly is not None:
            announced = unchanged + budget.expected * (announced - unchanged)
        return announced

    def training(self, quarter: int) -> tuple[float, float, NDArray[np.bool_]]:
        """Return persons a year to be trained: in all, for every industry, and the industries that get the others."""
        by_industry = self.paths.training[quarter, 0, :, 0]
        return float(by_industry.max()), float(by_industry.min()), np.asarray(by_industry >= by_industry.max())


def _paths(scenario: Scenario) -> Paths:
    amount = policy.effective(scenario, "talent_subsidy")
    weights = np.array([policy.effective(scenario, "talent_subsidy", dial) for dial in WEIGHTS])
    return Paths(
        weights * amount,
        policy.effective(scenario, "top_talent_grant"),
        policy.effective(scenario, "graduate_training"),
    )
