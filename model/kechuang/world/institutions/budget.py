"""The yearly budget of a change of a lever: claims on the change are paid pro rata once they exceed what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kechuang.scenario.records import LeverChange
from kechuang.units import wan_from_yi


class Budget:
    """What is left of a year's budget (万元; None: no budget, every claim is paid).

    Claims under the unchanged path are never rationed. `expected` is the share that was paid last year; firms count
    on it when they decide.
    """

    def __init__(self, yearly: float | None) -> None:
        self.yearly = yearly
        self.left = np.inf if yearly is None else 0.0
        self.expected = 1.0
        self._claimed = self._paid = 0.0

    @classmethod
    def of(cls, budgeted: Sequence[LeverChange], key: str, scale: float) -> Budget:
        """Return the budget of a lever: the largest of its changes with one."""
        yearly = [change.budget for change in budgeted if change.key == key and change.budget]
        return cls(scale * wan_from_yi(max(yearly)) if yearly else None)

    def open_year(self, price: float) -> None:
        """Renew the budget at the price level of the year and note what share of claims the last year paid."""
        if self.yearly is None:
            return
        if self._claimed > 0.0:
            self.expected = self._paid / self._claimed
        self.left = self.yearly * price
        self._claimed = self._paid = 0.0

    def ration(self, claims: NDArray[np.float64], due_anyway: Callable[[], NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return what is paid of the claims (万元); where there is a budget it asks what would be due without the change."""
        if self.yearly is None:
            return claims
        unchanged = due_anyway()
        extra = claims - unchanged
        wanted = float(extra.sum())
        left = max(self.left, 0.0)  # rounding can leave a hair less than nothing
        share = 1.0 if wanted <= left else left / wanted
        self._claimed += max(wanted, 0.0)
        self._paid += max(share * wanted, 0.0)
        self.left -= share * wanted
        return np.asarray(unchanged + share * extra)

    def afford(self, cost: float) -> bool:
        """Take the cost of something that the change brings and that cannot be had in part; False if it is not there."""
        if self.yearly is None:
            return True
        if cost > self.left:
            self.note_refused(cost)
            return False
        self.left -= cost
        self._claimed += cost
        self._paid += cost
        return True

    def note_refused(self, cost: float) -> None:
        """Note what was asked of the budget in vain."""
        self._claimed += cost
