"""What a run keeps of its two networks for pictures: who banks where, and who paid whom in a year.

Arrays stand at the dates of `SNAPSHOT_QUARTERS`. Firms and money are those of the whole city (counts over `scale`), banks
are counted as they are: a small city has as many banks as a whole one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import year_of
from kechuang.units import WAN_PER_YI
from kechuang.world.books.ledger import SECTORS
from kechuang.world.measure.pictures import BANK_KINDS, FLOW, SNAPSHOT_QUARTERS
from kechuang.world.mechanisms.credit import SCIENCE_BANK

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

YEARS = tuple(year_of(quarter) for quarter in SNAPSHOT_QUARTERS)


def bank_network(city: Corridor) -> dict[str, NDArray[np.float64]]:
    """Return links of firms on the ladder by (place of the firm, place of its main bank), loans, and open banks.

    `bank_links` counts all main banks, `science_links` science banks alone; `bank_loans` is 亿元 outstanding by place of
    the bank that holds the loan; `banks_open` counts by (kind, place).
    """
    columns, count, banks = city.firms.columns, city.firms.count, city.banks.columns
    places = len(city.geography.places)
    listed = (columns.alive[:count] == 1) & (columns.ladder[:count] > 0)
    home = columns.place[:count][listed].astype(np.int64)
    bank = columns.main_bank[:count][listed].astype(np.int64)
    links = np.zeros((2, places, places))
    np.add.at(links, (0, home, banks.place[bank]), 1.0 / city.scale)
    np.add.at(links, (1, home, banks.place[bank]), (banks.kind[bank] == SCIENCE_BANK) / city.scale)
    opened = banks.opens <= city.quarter
    branches = np.zeros((len(BANK_KINDS), places))
    np.add.at(branches, (banks.kind[opened], banks.place[opened]), 1.0)
    loans = np.bincount(banks.place, weights=banks.loans, minlength=places) / WAN_PER_YI / city.scale
    return {"bank_links": links[0], "science_links": links[1], "bank_loans": loans, "banks_open": branches}


class YearOfMoney:
    """Adds up what the ledger held in the four quarters of a year that will be pictured (亿元 of the whole city)."""

    def __init__(self) -> None:
        self._open(0)

    def _open(self, year: int) -> None:
        self._between = np.zeros((len(SECTORS), len(SECTORS)))
        self._flows: dict[str, NDArray[np.float64]] = {}
        self._year = year

    def add(self, city: Corridor) -> None:
        """Take the quarter that has just closed; the first quarter of another year starts anew."""
        year = year_of(city.quarter)
        if year not in YEARS:
            return
        if year != self._year:
            self._open(year)
        unit = 1.0 / WAN_PER_YI / city.scale
        self._between += unit * city.ledger.between
        for name, row in city.ledger.flows.items():
            self._flows[name] = self._flows.get(name, np.zeros(len(SECTORS))) + unit * np.array(row)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return `money_between` (payer, receiver) and one row of sectors per flow under its prefixed name."""
        flows = {FLOW + name: row for name, row in self._flows.items()}
        return {"money_between": self._between.copy(), **flows}
