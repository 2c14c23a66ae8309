"""What incubators (V15), joint projects (V16) and digital subsidies (V17) say in a quarter, and the budgets of their changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kechuang.scenario import Scenario, policy
from kechuang.world.institutions.budget import Budget
from kechuang.world.mechanisms.incubators import STEPS

Path = NDArray[np.float64]
SUPPORT_LEVERS = ("incubator_space", "joint_projects", "digital_retrofit_subsidy")


class SupportPolicy:
    """Effective paths by quarter. Floor in 万 m2 and projects a year are those of the whole city; shares of cost 0-1.

    Floor is [quarter, place, step], subsidies [quarter, place], projects and grants [quarter, place, industry, step].
    `unchanged_*` is the path without the changes that have a budget.
    """

    def __init__(self, scenario: Scenario, scale: float) -> None:
        budgeted = [change for change in policy.changes_with_budget(scenario) if change.key in SUPPORT_LEVERS]
        plain = replace(scenario, levers=tuple(change for change in scenario.levers if change not in budgeted))
        self.floor_path = policy.baseline(scenario, "incubator_space")[:, 0, 0, 0]
        self.projects_path = policy.baseline(scenario, "joint_projects")[:, 0, 0, 0]
        self.floor, self.unchanged_floor = (
            policy.effective(one, "incubator_space")[:, :, 0, :STEPS] for one in (scenario, plain)
        )
        self.projects, self.unchanged_projects = (policy.effective(one, "joint_projects") for one in (scenario, plain))
        self.grant, self.unchanged_grant = (policy.effective(one, "joint_projects", "grant") for one in (scenario, plain))
        self.light, self.unchanged_light = (_shares(one, "") for one in (scenario, plain))
        self.key, self.unchanged_key = (_shares(one, "key_share") for one in (scenario, plain))
        self.budgets = {key: Budget.of(budgeted, key, scale) for key in SUPPORT_LEVERS}

    def open_year(self, price: float) -> None:
        """Renew the budgets of the year."""
        for budget in self.budgets.values():
            budget.open_year(price)

    def expected_light(self, quarter: int, paid: float) -> Path:
        """Return by place the share of cost that firms count on: what the budget and the ceiling (`paid`) let through."""
        announced, unchanged = self.light[quarter], self.unchanged_light[quarter]
        budget = self.budgets["digital_retrofit_subsidy"]
        if budget.yearly is not None:
            announced = unchanged + budget.expected * (announced - unchanged)
        return np.asarray(paid * announced)


def _shares(scenario: Scenario, dial: str) -> Path:
    return np.asarray(policy.effective(scenario, "digital_retrofit_subsidy", dial)[:, :, 0, 0] / 100.0)
