"""The bank network: science banks, ordinary books of the local city banks, and the other banks of each county.

Books are columns, because lending runs through them in a compiled loop; `Bank` is each bank's face as a mesa.Agent. A firm
finds its main bank by gravity: share of the bank x exp(-distance / reach), science banks weigh more for firms on the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np
from numpy.typing import NDArray

from kechuang.world.books.ledger import Ledger
from kechuang.world.mechanisms.credit import SCIENCE_BANK, BankColumns

if TYPE_CHECKING:
    import pandas as pd

    from kechuang.world.model import Corridor

LOCAL_BANK, OTHER_BANK = 1, 2
ALWAYS = -40
"""Opening quarter of banks that were there before the start."""


class Bank(mesa.Agent):  # type: ignore[misc]
    """One bank: kind, place and books (万元)."""

    def __init__(self, model: Corridor, row: int, name: str) -> None:
        super().__init__(model)
        self.row, self.name = row, name

    @property
    def loans(self) -> float:
        """Loans outstanding to firms (万元)."""
        return float(self.model.banks.columns.loans[self.row])

    @property
    def capital(self) -> float:
        """Capital allotted to these loans (万元)."""
        return float(self.model.banks.columns.capital[self.row])

    @property
    def opened(self) -> bool:
        """Whether the bank has opened its doors."""
        return bool(self.model.banks.columns.opens[self.row] <= self.model.quarter)

    def __repr__(self) -> str:
        return f"Bank({self.name}, loans={self.loans / 1e4:.1f}亿元)"


class Banks:
    """All banks of the city: books as columns, funding that closes each bank's cash, and the pull on firms."""

    def __init__(self, model: Corridor) -> None:
        city = self.city = model.geography
        places = [place.key for place in city.places]
        rows = [
            (SCIENCE_BANK, place, f"science bank {number + 1}, {key}")
            for place, key in enumerate(places)
            for number in range(city.places[place].science_banks)
        ]
        rows += [(LOCAL_BANK, places.index(key), f"local city bank {k + 1}") for k, key in enumerate(city.bank_seats)]
        rows += [(OTHER_BANK, self._seat(county), f"other banks, {county}") for county in city.counties]
        count = len(rows)
        kind = np.array([kind for kind, _, _ in rows], dtype=np.int8)
        place = np.array([place for _, place, _ in rows], dtype=np.int8)
        self.columns = BankColumns(kind, place, self._openings(kind, place), *(np.zeros(count) for _ in range(4)))
        science = int((kind == SCIENCE_BANK).sum())
        self.sectors = {"science banks": slice(0, science), "other banks": slice(science, count)}
        self.funding, self.flow, self.earning = np.zeros(count), np.zeros(count), np.zeros(count)
        self.pull = self._pull(model)
        self.agents = [Bank(model, row, name) for row, (_, _, name) in enumerate(rows)]

    def _seat(self, county: str) -> int:
        """Return the place with most firms among those of a county."""
        inside = [k for k, place in enumerate(self.city.places) if place.county == county]
        return max(inside, key=lambda k: self.city.places[k].firm_share)

    def _openings(self, kind: NDArray[np.int8], place: NDArray[np.int8]) -> NDArray[np.int16]:
        """Return the quarter in which each bank opens: science banks at year-ends, the last counties last."""
        late = np.array([self.city.places[k].county in self.city.last_bank_counties for k in place])
        science = [row for row in np.argsort(late, kind="stable") if kind[row] == SCIENCE_BANK]
        opens = np.full(kind.size, ALWAYS, dtype=np.int16)
        path = np.array(self.city.science_banks_by_year)
        opens[science] = 4 * np.searchsorted(path, np.arange(len(science)), side="right")
        return opens

    def _pull(self, model: Corridor) -> NDArray[np.float64]:
        """Return the weight of every bank for firms by (listed, place, bank)."""
        value = model.rules.value
        kind, seat = self.columns.kind, self.columns.place
        distance = np.array(self.city.distances)[:, seat]
        everywhere = kind == LOCAL_BANK
        reach = np.exp(-np.where(everywhere, 0.0, distance) / value("bank_reach"))
        local = value("local_bank_share")
        share = {
            SCIENCE_BANK: value("science_bank_share"),
            LOCAL_BANK: local / max(int(everywhere.sum()), 1),
            OTHER_BANK: 1.0 - local,
        }
        weight = reach * np.array([share[int(code)] for code in kind])[None, :]
        science = (kind == SCIENCE_BANK)[None, :]
        ordinary = np.where(science, 0.0, weight)
        listed = np.where(science, value("science_bank_pull") * weight, weight)
        return np.stack([ordinary, listed])

    def post(self, ledger: Ledger, name: str, amounts: NDArray[np.float64], partner: str) -> None:
        """Post a flow from `partner` to the banks, given by bank (万元); negative amounts go the other way."""
        for sector, rows in self.sectors.items():
            ledger.post(name, sector, partner, float(amounts[rows].sum()))

    def __getitem__(self, row: int) -> Bank:
        """Return the bank of a row."""
        return self.agents[row]

    def frame(self) -> pd.DataFrame:
        """Return the books of all banks as a data frame, one row a bank (万元)."""
        import pandas as pd

        books = {name: getattr(self.columns, name).copy() for name in BankColumns._fields}
        return pd.DataFrame({"name": [bank.name for bank in self.agents], **books, "funding": self.funding.copy()})

    def __len__(self) -> int:
        """Return the number of banks, those not open yet among them."""
        return int(self.columns.kind.size)
