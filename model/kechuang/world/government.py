"""The city's government, its guarantee fund and its pool for risk compensation; money in 万元."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kechuang.world.model import Corridor


class Government(mesa.Agent):  # type: ignore[misc]
    """City and counties together; money in 万元, revenue and lever cash of the current quarter."""

    def __init__(self, model: Corridor) -> None:
        super().__init__(model)
        self.deposits = 0.0
        self.revenue = 0.0
        self.lever_cash = 0.0


class GuaranteeFund(mesa.Agent):  # type: ignore[misc]
    """The credit guarantee fund: capital paid in by the city, fees in, payouts out; it can be exhausted."""

    def __init__(self, model: Corridor) -> None:
        super().__init__(model)
        self.capital = 0.0
        self.room = 0.0

    def pay(self, claims: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pay claims, pro rata once they exceed the capital; return what was paid."""
        paid = within(claims, self.capital)
        self.capital = max(0.0, self.capital - float(paid.sum()))
        return paid


class CompensationPool:
    """What the city pays for losses of science banks in a year. `expected` is the share of claims last year met."""

    def __init__(self) -> None:
        self.left = 0.0
        self.expected = 1.0
        self._claimed = self._paid = 0.0

    def open_year(self, amount: float) -> None:
        """Fill the pool; banks count on the share of claims that the last year met."""
        if self._claimed > 0.0:
            self.expected = self._paid / self._claimed
        self.left = amount
        self._claimed = self._paid = 0.0

    def pay(self, claims: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pay claims, pro rata once they exceed what is left; return what was paid."""
        paid = within(claims, self.left)
        self._claimed += float(claims.sum())
        self._paid += float(paid.sum())
        self.left = max(0.0, self.left - float(paid.sum()))
        return paid


def within(claims: NDArray[np.float64], purse: float) -> NDArray[np.float64]:
    """Return claims cut pro rata to what a purse holds."""
    total = float(claims.sum())
    return claims if total <= purse else claims * (max(purse, 0.0) / total)
