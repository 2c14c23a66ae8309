"""Single accounts under audit: what a firm, a cell or a bank holds must move by what was posted to that very account.

The ledger adds up sectors; here every account stands alone, so that a leak of one firm is found and named even where
another one makes good for it in the sum. Deposits of firms keep the name of every posting; other accounts keep one sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kechuang.world.books.ledger import Residual
from kechuang.world.mechanisms.accounts import FLOWS, INVESTMENT, LATE_PAYMENT, UNPAID_BILLS

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

POSTINGS = (*FLOWS, "bank loans", "payments of levers", "new equity", "digital projects", "transfer at birth", "liquidation")
"""Names under which deposits of a firm move."""
FIRM_ACCOUNTS = ("deposits", "loans", "payables", "capital")
CELL_ACCOUNTS = ("deposits", "capital")
BANK_ACCOUNTS = ("capital", "funding")
"""Loans and guarantees of a bank are checked against those of its firms (identities.py)."""
TOLERANCE, ROUNDING = 1e-6, 1e-10
"""Largest allowed violation of a single account: 万元, and a share of what the account holds for rounding."""


class Audit:
    """The single accounts of a quarter; where `on` is false nothing is kept."""

    def __init__(self, on: bool) -> None:
        self.on = on
        self.postings = np.zeros((0, len(POSTINGS)))
        self._firms_opening: dict[str, NDArray[np.float64]] = {}
        self._firms_moved: dict[str, NDArray[np.float64]] = {}
        self._cells: dict[str, NDArray[np.float64]] = {}
        self._banks: dict[str, NDArray[np.float64]] = {}
        self._closing: dict[str, NDArray[Any]] = {}

    def open_quarter(self, city: Corridor) -> None:
        """Note what every account starts the quarter with."""
        if not self.on:
            return
        count = city.firms.count
        if not self._closing:
            self.close_quarter(city)
        self.postings = np.zeros((count, len(POSTINGS)))
        self._firms_opening = self._survivors(city.firms.columns.identity[:count])
        self._firms_moved = {name: np.zeros(count) for name in FIRM_ACCOUNTS}
        self._cells = {name: self._closing[f"cells {name}"].copy() for name in CELL_ACCOUNTS}
        self._banks = {name: self._closing[f"banks {name}"].copy() for name in BANK_ACCOUNTS}

    def close_quarter(self, city: Corridor) -> None:
        """Note what every account closes the quarter with: the next one opens with it."""
        if not self.on:
            return
        columns, count = city.firms.columns, city.firms.count
        self._closing = {name: getattr(columns, name)[:count].copy() for name in ("identity", *FIRM_ACCOUNTS)}
        self._closing |= {f"cells {name}": getattr(city.reservoir, name).copy() for name in CELL_ACCOUNTS}
        self._closing |= {f"banks {name}": held.copy() for name, held in _bank_accounts(city).items()}

    def _survivors(self, identity: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Return what the firms that are still in the columns closed the last quarter with."""
        order = np.argsort(self._closing["identity"])
        rows = order[np.searchsorted(self._closing["identity"], identity, sorter=order)]
        return {name: self._closing[name][rows] for name in FIRM_ACCOUNTS}

    def note(self, account: str, name: str, rows: NDArray[np.int64], amounts: NDArray[np.float64]) -> None:
        """Note movements of an account of single firms (万元)."""
        if not self.on or rows.size == 0:
            return
        self._make_room(int(rows.max()) + 1)
        if account == "deposits":
            np.add.at(self.postings[:, POSTINGS.index(name)], rows, amounts)
        else:
            np.add.at(self._firms_moved[account], rows, amounts)

    def note_cells(self, account: str, amounts: NDArray[np.float64]) -> None:
        """Note movements of an account of the cells by place and industry (万元)."""
        if self.on:
            self._cells[account] += amounts

    def note_banks(self, account: str, amounts: NDArray[np.float64]) -> None:
        """Note movements of an account of the banks, one amount a bank (万元)."""
        if self.on:
            self._banks[account] += amounts

    def note_quarter(self, wear: float) -> None:
        """Carry what the books of the quarter posted over to unpaid bills and fixed capital; `wear` is a share of it."""
        if not self.on:
            return
        count = self._firms_opening["capital"].size
        flows = self.postings[:count]
        self._firms_moved["payables"][:count] += flows[:, UNPAID_BILLS] + flows[:, LATE_PAYMENT]
        alive = flows[:, 0] > 0.0
        self._firms_moved["capital"][:count] -= flows[:, INVESTMENT] + wear * self._firms_opening["capital"] * alive

    def residuals(self, city: Corridor) -> list[Residual]:
        """Return every account that moved by something else than what was posted to it."""
        if not self.on:
            return []
        columns, count = city.firms.columns, city.firms.count
        self._make_room(count)
        found = []
        for name in FIRM_ACCOUNTS:
            opening = np.zeros(count)
            opening[: self._firms_opening[name].size] = self._firms_opening[name]
            moved = self.postings[:count].sum(axis=1) if name == "deposits" else self._firms_moved[name][:count]
            now = getattr(columns, name)[:count]
            off = _off(now, opening + moved)
            found += [
                _residual(
                    name, f"firm {int(columns.identity[row])}", city.quarter, now[row] - opening[row] - moved[row]
                )
                for row in np.flatnonzero(off)
            ]
        places, industries = city.geography.places, city.geography.industries
        for name in CELL_ACCOUNTS:
            now, expected = getattr(city.reservoir, name), self._cells[name]
            found += [
                _residual(name, f"cell {places[i].key}, {industries[j].key}", city.quarter, now[i, j] - expected[i, j])
                for i, j in np.argwhere(_off(now, expected))
            ]
        for name, now in _bank_accounts(city).items():
            expected = self._banks[name]
            found += [
                _residual(name, city.banks.agents[row].name, city.quarter, now[row] - expected[row])
                for row in np.flatnonzero(_off(now, expected))
            ]
        return found

    def _make_room(self, count: int) -> None:
        """Give rows to firms that have come since the quarter opened."""
        missing = count - self.postings.shape[0]
        if missing > 0:
            self.postings = np.vstack([self.postings, np.zeros((missing, len(POSTINGS)))])
            self._firms_moved = {
                name: np.concatenate([moved, np.zeros(missing)]) for name, moved in self._firms_moved.items()
            }


def _bank_accounts(city: Corridor) -> dict[str, NDArray[np.float64]]:
    return {"capital": city.banks.columns.capital, "funding": city.banks.funding}


def _off(now: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which accounts are off by more than the tolerance, or no number at all."""
    return np.asarray(~(np.abs(now - expected) <= TOLERANCE + ROUNDING * np.abs(now)))


def _residual(account: str, owner: str, quarter: int, value: float) -> Residual:
    return Residual(f"{account} change by postings", owner, quarter, float(value), 1.0)
