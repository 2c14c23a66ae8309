"""The bank network: science banks, ordinary books of the local city banks, and the other banks of each county.

Books are columns, because lending runs through them in a compiled loop; `Bank` is each bank's face as a mesa.Agent. A firm
finds its main bank by gravity: share of the bank x exp(-distance / reach), science banks weigh more for firms on the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np
from numpy.typing import NDArray

from kechuang.city import City
from kechuang.world.mechanisms.credit import SCIENCE_BANK, BankColumns

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

LOCAL_BANK, OTHER_BANK = 1, 2
OPENINGS = (6, 10, 14, 18, 22, 25)
"""Science banks open at the ends of 2015 to 2020: 25 is reported, the path is assumed."""
LAST_COUNTIES = ("tiantai", "xianju", "sanmen")
LOCAL_SHARE = 0.35
"""Share of outlets of the three local city banks, assumed."""
SCIENCE_SHARE = 0.02
"""Weight of one science bank where the ordinary banks of a place weigh one together, assumed."""
SCIENCE_WEIGHT = 2.5
"""How much more a science bank weighs for a firm on the list (1 + 1.5), assumed."""
REACH = 15.0
"""Kilometres over which a bank's pull falls by e, assumed."""


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
    """The books of all banks and the pull of each on firms of every place."""

    def __init__(self, city: City) -> None:
        self.city = city
        places = [place.key for place in city.places]
        rows = [(SCIENCE_BANK, place, f"science bank {number + 1}, {key}") for place, key in enumerate(places)
                for number in range(city.places[place].science_banks)]
        homes = ("central_core", "luqiao_rest", "wenling")
        rows += [(LOCAL_BANK, places.index(key), f"local city bank {k + 1}") for k, key in enumerate(homes)]
        rows += [(OTHER_BANK, self._seat(county), f"other banks, {county}") for county in city.counties]
        count = len(rows)
        self.names = [name for _, _, name in rows]
        kind = np.array([kind for kind, _, _ in rows], dtype=np.int8)
        place = np.array([place for _, place, _ in rows], dtype=np.int8)
        self.columns = BankColumns(kind, place, self._openings(kind, place), *(np.zeros(count) for _ in range(4)))
        self.funding = np.zeros(count)
        self.pull = self._pull()

    def _seat(self, county: str) -> int:
        """Return the place with most firms among those of a county."""
        inside = [k for k, place in enumerate(self.city.places) if place.county == county]
        return max(inside, key=lambda k: self.city.places[k].firm_share)

    def _openings(self, kind: NDArray[np.int8], place: NDArray[np.int8]) -> NDArray[np.int16]:
        late = np.array([self.city.places[k].county in LAST_COUNTIES for k in place])
        order = np.argsort(late, kind="stable")
        science = [row for row in order if kind[row] == SCIENCE_BANK]
        opens = np.full(kind.size, -40, dtype=np.int16)
        for rank, row in enumerate(science):
            year = next(k for k, number in enumerate(OPENINGS) if rank < number)
            opens[row] = 4 * year
        return opens

    def _pull(self) -> NDArray[np.float64]:
        """Return the weight of every bank for firms by (listed, place, bank)."""
        kind, seat = self.columns.kind, self.columns.place
        distance = np.array(self.city.distances)[:, seat]
        everywhere = kind == LOCAL_BANK
        reach = np.exp(-np.where(everywhere, 0.0, distance) / REACH)
        share = {SCIENCE_BANK: SCIENCE_SHARE, LOCAL_BANK: LOCAL_SHARE / int(everywhere.sum()),
                 OTHER_BANK: 1.0 - LOCAL_SHARE}
        weight = reach * np.array([share[int(code)] for code in kind])[None, :]
        science = (kind == SCIENCE_BANK)[None, :]
        ordinary, listed = np.where(science, 0.0, weight), np.where(science, SCIENCE_WEIGHT * weight, weight)
        return np.stack([ordinary, listed])

    def choose(self, listed: NDArray[np.int64], place: NDArray[np.int64], quarter: int, draw: NDArray[np.float64],
               other_than: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the bank of each firm by gravity among those open, never the one given in `other_than`."""
        weight = self.pull[listed, place] * (self.columns.opens <= quarter)[None, :]
        if other_than is not None:
            weight[np.arange(place.size), np.maximum(other_than, 0)] = 0.0
        cumulative = np.cumsum(weight, axis=1)
        return np.minimum((cumulative < (draw * cumulative[:, -1])[:, None]).sum(axis=1), weight.shape[1] - 1)
