"""The ledger: every flow of money posted once, by name, from one sector to another; identities that must hold.

Sectors are firms followed one by one, cells (the reservoir), households, the local government with its guarantee fund and
its compensation fund as accounts of their own, science banks and other banks, the science funds, and the rest of the world
('outside'). What the model does not contain flows to or from the outside under its own name. A sector's deposits may change
only by what was posted: the identities compare stocks that mechanisms keep with flows that the ledger holds, so neither is
a plug for the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

SECTORS = (
    "firms",
    "cells",
    "households",
    "government",
    "guarantee fund",
    "compensation fund",
    "science banks",
    "other banks",
    "funds",
    "outside",
)
_POSITION = {name: position for position, name in enumerate(SECTORS)}


class Residual(NamedTuple):
    """One violated or satisfied identity: whose account, which identity, by how much (万元, people or firms)."""

    identity: str
    account: str
    quarter: int
    value: float
    share: float


class Ledger:
    """Flows of the current quarter by name and sector (万元), source positive and use negative."""

    def __init__(self) -> None:
        self.flows: dict[str, list[float]] = {}
        self.opening: dict[str, float] = {}
        self._paid = _nothing_paid()

    def open_quarter(self, deposits: dict[str, float]) -> None:
        """Forget the last quarter's flows; each sector starts with what it closed with (万元)."""
        self.flows = {}
        self._paid = _nothing_paid()
        self.opening = deposits

    def post(self, name: str, receiver: str, payer: str, amount: float) -> None:
        """Post a flow: `payer` pays `amount` 万元 to `receiver`; a negative amount goes the other way."""
        to, by = _POSITION[receiver], _POSITION[payer]
        row = self.flows.get(name)
        if row is None:
            row = self.flows[name] = [0.0] * len(SECTORS)
        row[to] += amount
        row[by] -= amount
        self._paid[by][to] += amount

    @property
    def between(self) -> NDArray[np.float64]:
        """What each sector (row) paid to each other one (column) in the quarter, refunds deducted (万元)."""
        return np.array(self._paid)

    def gross(self) -> float:
        """Return the sum of all flows of the quarter without regard to sign (万元)."""
        return 0.5 * float(np.abs(self._matrix()).sum())

    def change(self, sector: str) -> float:
        """Return by how much a sector's deposits must have changed according to its flows (万元)."""
        return float(self._matrix()[:, _POSITION[sector]].sum())

    def residuals(self, quarter: int, deposits: dict[str, float], gross: float) -> list[Residual]:
        """Compare opening deposits plus flows with the deposits that the sectors hold now, and each row with zero.

        Shares are of the `gross` flows of the quarter (万元).
        """
        matrix = self._matrix()
        change, left = matrix.sum(axis=0).tolist(), matrix.sum(axis=1).tolist()
        found = []
        for sector, now in deposits.items():
            value = now - self.opening[sector] - change[_POSITION[sector]]
            found.append(Residual("deposits change by flows", sector, quarter, value, abs(value) / gross))
        for name, value in zip(self.flows, left, strict=True):
            found.append(Residual("flow has source and use", name, quarter, value, abs(value) / gross))
        return found

    def _matrix(self) -> NDArray[np.float64]:
        return np.array(list(self.flows.values())).reshape(len(self.flows), len(SECTORS))

    def frame(self) -> pd.DataFrame:
        """Return the transaction-flow matrix of the quarter (万元): flows by sector, rows summing to zero."""
        import pandas as pd

        return pd.DataFrame.from_dict(self.flows, orient="index", columns=list(SECTORS))


def _nothing_paid() -> list[list[float]]:
    return [[0.0] * len(SECTORS) for _ in SECTORS]
