"""What firms learn for a while from outside their own walls: contracts with carriers, joint projects, academicians.

Each entry adds an amount (carrier units) to the knowledge pool of one firm until a quarter. The sum of a firm's entries
stands in the column `pool_boost`, that of the quarter before in `pool_boost_last`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kechuang.world.population.firms import FirmColumns


class Boosts:
    """The running entries: row of the firm, amount (carrier units), first quarter in which it no longer counts."""

    def __init__(self) -> None:
        self.row = np.zeros(0, dtype=np.int64)
        self.amount = np.zeros(0)
        self.ends = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        """Return the number of running entries."""
        return self.row.size

    def add(self, rows: NDArray[np.int64], amounts: NDArray[np.float64], ends: NDArray[np.int64]) -> None:
        """Let firms learn more from the coming knowledge phase on, until before the quarters `ends`."""
        self.row = np.concatenate([self.row, rows])
        self.amount = np.concatenate([self.amount, amounts])
        self.ends = np.concatenate([self.ends, ends])

    def move(self, new_row: NDArray[np.int64]) -> None:
        """Follow firms to their new rows after a compaction (-1: gone, and its entries with it)."""
        self.row = new_row[self.row]
        self._keep(self.row >= 0)

    def fill(self, columns: FirmColumns, count: int, quarter: int) -> None:
        """Drop what has ended and write every firm's sum, remembering that of the quarter before."""
        self._keep(self.ends > quarter)
        columns.pool_boost_last[:count] = columns.pool_boost[:count]
        columns.pool_boost[:count] = np.bincount(self.row, weights=self.amount, minlength=count)

    def _keep(self, which: NDArray[np.bool_]) -> None:
        if not which.all():
            self.row, self.amount, self.ends = self.row[which], self.amount[which], self.ends[which]
