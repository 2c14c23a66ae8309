"""The two networks that a run keeps at a few dates: who banks where, and which sector paid which in the year.

They stand in `snapshots.parquet` beside the histograms (see kechuang.world.measure.networks) and are averaged over the draws here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kechuang.clock import quarter_label
from kechuang.report.snapshots import FILE, dates_reached, read_arrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GROUPS: dict[str, tuple[str, ...]] = {
    "firms": ("firms",),
    "cells": ("cells",),
    "households": ("households",),
    "government": ("government", "guarantee fund", "compensation fund"),
    "banks": ("science banks", "other banks"),
    "funds": ("funds",),
    "outside": ("outside",),
}
"""Sectors of the ledger as the picture of money shows them, from top to bottom."""
_WANTED = {"bank_links", "science_links", "bank_loans", "banks_open", "money_between"}


@dataclass(frozen=True)
class Networks:
    """Means over draws by date: links of firms to banks by place, loans and open banks by place, and money by sector.

    `links` and `science` are [dates, place of the firm, place of the bank] in firms, `loans` [dates, places] in 亿元,
    `branches` [dates, kinds of banks, places]; `between` is [dates, payer, receiver] and a flow [dates, sectors], in 亿元 of
    the year that ends at the date, both over the sectors of the ledger.
    """

    dates: tuple[str, ...]
    links: NDArray[np.float64]
    science: NDArray[np.float64]
    loans: NDArray[np.float64]
    branches: NDArray[np.float64]
    between: NDArray[np.float64]
    flows: dict[str, NDArray[np.float64]]

    def shares(self, date: str) -> NDArray[np.float64]:
        """Return the share of the firms on the ladder by (place of the firm, place of its main bank); they add up to 1."""
        links: NDArray[np.float64] = self.links[self.dates.index(date)]
        return links / max(float(links.sum()), 1e-9)

    def net(self, date: str) -> NDArray[np.float64]:
        """Return what each group of sectors (row) paid to each other one on balance in the year; one of a pair is zero."""
        import numpy as np

        gathered = _gathering()
        between = gathered @ self.between[self.dates.index(date)] @ gathered.T
        return np.asarray(np.maximum(between - between.T, 0.0))

    def year(self, date: str) -> dict[str, NDArray[np.float64]]:
        """Return the flows of the year by sector of the ledger, those that moved anything, the largest first."""
        place = self.dates.index(date)
        moved = {name: rows[place] for name, rows in self.flows.items() if abs(rows[place]).max() > 0.0}
        return dict(sorted(moved.items(), key=lambda item: -float(abs(item[1]).max())))


def _gathering() -> NDArray[np.float64]:
    """Return which sector of the ledger (column) belongs to which group (row)."""
    import numpy as np

    from kechuang.world.books.ledger import SECTORS

    return np.array([[float(sector in members) for sector in SECTORS] for members in GROUPS.values()])


def read_networks(folder: Path) -> Networks | None:
    """Return the networks of a run folder, or None where the run kept none or ended before the first date."""
    file = folder / FILE
    if not file.is_file():
        return None
    import numpy as np

    from kechuang.world.measure.pictures import FLOW, SNAPSHOT_QUARTERS

    arrays = read_arrays(file)
    if not set(arrays) >= _WANTED:
        return None
    reached = np.array(dates_reached(arrays["bank_loans"]))
    if not reached.any():
        return None
    draws = len(arrays["money_between"])

    def mean(name: str) -> NDArray[np.float64]:
        # A flow that a draw never posted is missing there, and from the dates at which it was not: both mean nothing moved.
        total: NDArray[np.float64] = np.nan_to_num(arrays[name][:, reached]).sum(axis=0) / draws
        return total

    dates = tuple(quarter_label(quarter) for quarter, known in zip(SNAPSHOT_QUARTERS, reached, strict=True) if known)
    flows = {name.removeprefix(FLOW): mean(name) for name in sorted(arrays) if name.startswith(FLOW)}
    return Networks(dates, mean("bank_links"), mean("science_links"), mean("bank_loans"), mean("banks_open"),
                    mean("money_between"), flows)
