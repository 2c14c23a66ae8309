"""The city's government, its guarantee fund and its fund for risk compensation; money in 万元."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


class Government(mesa.Agent):  # type: ignore[misc]
    """City and counties together; money in 万元, revenue of the current quarter.

    `pay` and `receive` move its account; the flow is posted to the ledger where it arises.
    """

    def __init__(self, model: Corridor) -> None:
        super().__init__(model)
        self.deposits = 0.0
        self.debt = 0.0
        self.revenue = 0.0

    def pay(self, amount: float) -> None:
        """Pay from the account; what is missing at the end of the quarter is borrowed."""
        self.deposits -= amount

    def collect(self, amount: float) -> None:
        """Receive revenue."""
        self.deposits += amount
        self.revenue += amount

    def receive(self, amount: float) -> None:
        """Receive what is not revenue: proceeds of bonds and of the science funds."""
        self.deposits += amount


class GuaranteeFund(mesa.Agent):  # type: ignore[misc]
    """The credit guarantee fund: capital paid in by the city, fees in, payouts out; it can be exhausted."""

    def __init__(self, model: Corridor) -> None:
        super().__init__(model)
        self.capital = 0.0
        self.room = 0.0

    def pay(self, claims: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pay claims, pro rata once they exceed the capital; return what was paid."""
        paid = within(claims, self.capital)
        self.capital -= float(paid.sum())
        return paid


class CompensationFund(mesa.Agent):  # type: ignore[misc]
    """The fund that pays for losses of science banks, filled once a year. `expected`: share of claims met last year."""

    def __init__(self, model: Corridor) -> None:
        super().__init__(model)
        self.left = 0.0
        self.expected = 1.0
        self._claimed = self._paid = 0.0

    def open_year(self, amount: float) -> float:
        """Fill the fund to an amount and return what that takes; banks count on the share of claims last year met."""
        if self._claimed > 0.0:
            self.expected = self._paid / self._claimed
        missing, self.left = amount - self.left, amount
        self._claimed = self._paid = 0.0
        return missing

    def pay(self, claims: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pay claims, pro rata once they exceed what is left; return what was paid."""
        paid = within(claims, self.left)
        self._claimed += float(claims.sum())
        self._paid += float(paid.sum())
        self.left -= float(paid.sum())
        return paid


def within(claims: NDArray[np.float64], purse: float) -> NDArray[np.float64]:
    """Return claims cut pro rata to what a purse holds."""
    total = float(claims.sum())
    purse = max(purse, 0.0)
    return claims if total <= purse else claims * (purse / total)
