"""Carriers of research (institutes, centres, outposts): a small population in columns, rows in order of birth.

The number of carriers is that of the whole city at every scale: how near the next one is depends on it. In a part of the
city each takes its share of contracts and costs its share of money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

ELSEWHERE = -1
"""Place of a carrier in another city."""


class CarrierColumns(NamedTuple):
    """The state of every carrier; `extra` marks those that a change of the scenario with a budget has brought."""

    identity: NDArray[np.int64]
    place: NDArray[np.int64]
    industry: NDArray[np.int64]
    quality: NDArray[np.float64]
    capacity: NDArray[np.int64]
    born: NDArray[np.int64]
    open: NDArray[np.bool_]
    enclave: NDArray[np.bool_]
    node: NDArray[np.bool_]
    extra: NDArray[np.bool_]
    distance: NDArray[np.float64]


CARRIER_MEANING: dict[str, tuple[str, str]] = {
    "identity": ("-", "never reused: kind, quarter and number of the candidate"),
    "place": ("index", "one of the 13 places, -1 in another city"),
    "industry": ("index", "one of the 8 industries"),
    "quality": ("carrier units", "what a contract adds to the knowledge pool of a firm"),
    "capacity": ("contracts/quarter", "contracts that it takes in a quarter"),
    "born": ("quarter", "quarter of opening, 0 for those of the end of 2015"),
    "open": ("0/1", "it works; an enclave may close and open again"),
    "enclave": ("0/1", "stands in another city for firms of this one"),
    "node": ("0/1", "the carrier of a node of the corridor plan"),
    "extra": ("0/1", "brought by a change of the scenario that has a budget"),
    "distance": ("km", "road distance of an enclave from the core, 0 at home"),
}


class CarrierView:
    """One carrier: its columns as attributes."""

    __slots__ = ("_columns", "_row")

    def __init__(self, columns: CarrierColumns, row: int) -> None:
        self._columns, self._row = columns, row

    def __getattr__(self, name: str) -> Any:
        if name not in CarrierColumns._fields:
            raise AttributeError(f"a carrier has no column {name!r}; it has {', '.join(CarrierColumns._fields)}")
        return getattr(self._columns, name)[self._row]

    def __repr__(self) -> str:
        return (
            f"Carrier(identity={self.identity}, industry={self.industry}, place={self.place}, "
            f"quality={self.quality:.2f}, born={self.born})"
        )


class Carriers:
    """All carriers there have ever been; `mix` is R&D by place and industry at the start, rows adding up to 1."""

    def __init__(self) -> None:
        whole, number, flag = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=bool)
        self.columns = CarrierColumns(whole, whole, whole, number, whole, whole, flag, flag, flag, flag, number)
        self.mix = self.place_weight = np.zeros(0)

    @property
    def count(self) -> int:
        """Number of rows, closed enclaves included."""
        return int(self.columns.identity.size)

    def __len__(self) -> int:
        """Return the number of open carriers."""
        return int(self.columns.open.sum())

    def __getitem__(self, row: int) -> CarrierView:
        """Return the carrier in a row, counted from the oldest."""
        if not -self.count <= row < self.count:
            raise IndexError(f"row {row} of {self.count}")
        return CarrierView(self.columns, row % self.count)

    def add(self, **values: Any) -> int:
        """Open a carrier with these columns (0 where none is given) and return its row."""
        new: list[Any] = []
        for name, column in zip(CarrierColumns._fields, self.columns, strict=True):
            longer = np.empty(column.size + 1, dtype=column.dtype)
            longer[:-1], longer[-1] = column, values.get(name, name == "open")
            new.append(longer)
        self.columns = CarrierColumns(*new)
        return self.count - 1

    def row_of(self, identity: int) -> int:
        """Return the row of a carrier by identity, -1 if there is none."""
        found = np.flatnonzero(self.columns.identity == identity)
        return int(found[0]) if found.size else -1

    def frame(self) -> pd.DataFrame:
        """Return the open carriers as a data frame, one row a carrier."""
        import pandas as pd

        working = self.columns.open
        return pd.DataFrame({name: getattr(self.columns, name)[working] for name in CarrierColumns._fields})
