"""M11 What the levers of platforms say in a quarter: innovation vouchers (V5), research carriers and enclaves (V14).

    carriers    the drawn births are the path, doses come on top; births beyond the path fall into the cells with the most
    vouchers    money above the pool common to all cells is earmarked for the cells with the largest pool
    enclaves    the n-th serves the places, and may have the industries, whose path has reached n
Money of the paths is in prices of the day up to 2020 and in 2020 prices afterwards.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kechuang.parameters import Draw
from kechuang.scenario import Scenario, policy
from kechuang.world.institutions.budget import Budget

Path = NDArray[np.float64]
PLATFORM_LEVERS = ("innovation_voucher", "research_carriers")
VOUCHER, CARRIERS = PLATFORM_LEVERS
ROUNDING = 1e-9


class PlatformPolicy:
    """Effective paths of both levers by quarter; those of carriers by place and industry, as a carrier is on no step."""

    def __init__(self, scenario: Scenario, draw: Draw, scale: float) -> None:
        budgeted = [change for change in policy.changes_with_budget(scenario) if change.key in PLATFORM_LEVERS]
        plain = replace(scenario, levers=tuple(change for change in scenario.levers if change not in budgeted))
        drawn = np.full_like(policy.baseline(scenario, CARRIERS), draw.number("carrier_births"))
        self.usual_births = float(drawn.max(initial=0.0))
        self.births = policy.effective(scenario, CARRIERS, path=drawn)[..., 0]
        self.grant = policy.effective(scenario, CARRIERS, "grant")[..., 0]
        self.unchanged_grant = policy.effective(plain, CARRIERS, "grant")[..., 0]
        self.enclaves = policy.effective(scenario, CARRIERS, "enclaves")[..., 0]
        self.unchanged_enclaves = policy.effective(plain, CARRIERS, "enclaves")[..., 0]
        self.pool = policy.effective(scenario, VOUCHER)
        self.pool_total, self.pool_open = self.pool.max(axis=(1, 2, 3)), self.pool.min(axis=(1, 2, 3))
        self.unchanged_pool = policy.effective(plain, VOUCHER).max(axis=(1, 2, 3))
        self.voucher_share, self.voucher_cap = _voucher(scenario)
        self.unchanged_share, self.unchanged_cap = _voucher(plain)
        self.budgets = {key: Budget.of(budgeted, key, scale) for key in PLATFORM_LEVERS}

    def open_year(self, price: float) -> None:
        """Renew the budgets of the year."""
        for budget in self.budgets.values():
            budget.open_year(price)

    def kept_births(self, quarter: int) -> Path:
        """Return which share of the births of the path is kept, by place and industry."""
        return np.minimum(self.births[quarter], self.usual_births) / max(self.usual_births, ROUNDING)

    def extra_births(self, quarter: int) -> tuple[float, NDArray[np.bool_]]:
        """Return yearly births beyond the path and the cells (place, industry) that they are meant for."""
        more = self.births[quarter] - self.usual_births
        highest = float(more.max(initial=0.0))
        return max(highest, 0.0), (more > 0.0) & (more >= highest)

    def enclave_count(self, quarter: int, unchanged: bool = False) -> int:
        """Return how many enclaves the path provides for."""
        path = self.unchanged_enclaves if unchanged else self.enclaves
        return int(np.floor(path[quarter].max(initial=0.0) + ROUNDING))

    def enclave_reach(self, quarter: int, number: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the places that enclave `number` (0, 1, ...) serves and the industries that it may have."""
        reached = self.enclaves[quarter] >= number + 1 - ROUNDING
        return reached.any(axis=1), reached.any(axis=0)

    def earmarked(self, quarter: int) -> NDArray[np.bool_]:
        """Return the cells (place, industry, step) that may draw on earmarked voucher money."""
        return np.asarray(self.pool[quarter] >= self.pool_total[quarter])


def _voucher(scenario: Scenario) -> tuple[Path, Path]:
    """Return the share of a contract that a voucher pays and its cap (万元 per firm and year)."""
    return policy.effective(scenario, VOUCHER, "share"), policy.effective(scenario, VOUCHER, "cap")
