"""R&D staff and top talent as columns: one array per state, rows in order of arrival, identities never used again.

Researchers, engineers and top talent of the firms that are followed one by one are people of their own. Graduates and all
other labour are stocks by place (population/labour.py). A person who has left stays in the columns until January.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.crowds import shared
from kechuang.world.population.firms import follow_rows, keep_rows

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("researcher", "engineer", "top talent")
RESEARCHER, ENGINEER, TOP = range(3)
GRADUATE = 3
"""Position of graduates in lists over all kinds of talent; they are no persons of their own."""
NO_EMPLOYER = -1
NOTHING_DUE, NEWCOMER = -1, -2
"""No grant is due; has moved in and not been hired yet."""
START, ARRIVAL, TRAINED, SEEKING_AT_START = range(4)
"""Where a person comes from; the first part of the identity."""
ORIGIN_SHIFT, CELL_SHIFT, QUARTER_SHIFT = 38, 28, 20
"""An identity is (origin 2 bits, cell 10 bits, quarter 8 bits, number 20 bits), at the start (firm 18 bits, number 20 bits)."""
GROWTH_FACTOR = 1.5


class TalentColumns(NamedTuple):
    """The state of every person followed one by one."""

    identity: NDArray[np.int64]
    kind: NDArray[np.int8]
    place: NDArray[np.int8]
    employer: NDArray[np.int32]
    wage: NDArray[np.float64]
    arrived: NDArray[np.int16]
    present: NDArray[np.int8]
    due: NDArray[np.int16]
    owed: NDArray[np.float64]


TALENT_MEANING: dict[str, tuple[str, str]] = {
    "identity": ("-", "never reused: origin, cell, quarter and number of the candidate"),
    "kind": ("index", "researcher, engineer, top talent"),
    "place": ("index", "one of the 13 places: where the person works or looks for work"),
    "employer": ("row", "firm that employs the person, -1 if none"),
    "wage": ("万元/year", "yearly wage, nominal; that of the last job for who has none"),
    "arrived": ("quarter", "quarter of arrival, 0 for who was there at the start"),
    "present": ("0/1", "lives in the city and works or looks for work in R&D"),
    "due": ("quarter", "quarter of the second half of the grant, -1 if none is due, -2 for newcomers before their first job"),
    "owed": ("万元", "second half of the grant"),
}

_TYPES = {
    "identity": np.int64,
    "kind": np.int8,
    "place": np.int8,
    "employer": np.int32,
    "arrived": np.int16,
    "present": np.int8,
    "due": np.int16,
}


class PersonView:
    """One person: columns as attributes, for looking."""

    __slots__ = ("_columns", "_row")

    def __init__(self, columns: TalentColumns, row: int) -> None:
        self._columns, self._row = columns, row

    def __getattr__(self, name: str) -> Any:
        if name not in TalentColumns._fields:
            raise AttributeError(f"a person has no column {name!r}; it has {', '.join(TalentColumns._fields)}")
        return getattr(self._columns, name)[self._row]

    def __repr__(self) -> str:
        return f"Person(identity={self.identity}, kind={KINDS[self.kind]}, employer={self.employer})"


class Talent:
    """The people: columns with amortised growth, rows that stay until a yearly compaction."""

    def __init__(self, capacity: int = 1024) -> None:
        self.count = 0
        self.columns = _empty(capacity)

    def __len__(self) -> int:
        """Return the number of people who are present."""
        return int(self.columns.present[: self.count].sum())

    def __getitem__(self, row: int) -> PersonView:
        """Return the person in a row."""
        if not -self.count <= row < self.count:
            raise IndexError(f"row {row} of {self.count}")
        return PersonView(self.columns, row % self.count)

    @property
    def capacity(self) -> int:
        """Number of rows that fit without growing."""
        return int(self.columns.identity.size)

    def add(self, identity: NDArray[np.int64], kind: Any, place: Any, wage: Any, arrived: int, due: int) -> slice:
        """Append people without a job and return their rows."""
        needed = self.count + identity.size
        if needed > self.capacity:
            grown = _empty(max(needed, int(self.capacity * GROWTH_FACTOR)))
            for old, new in zip(arrays(self.columns), arrays(grown), strict=True):
                new[: self.count] = old[: self.count]
            self.columns = grown
        rows, columns = slice(self.count, needed), self.columns
        self.count = needed
        columns.identity[rows], columns.kind[rows], columns.place[rows] = identity, kind, place
        columns.wage[rows], columns.arrived[rows], columns.due[rows] = wage, arrived, due
        columns.employer[rows], columns.present[rows], columns.owed[rows] = NO_EMPLOYER, 1, 0.0
        return rows

    def compact(self, new_row: NDArray[np.int64]) -> None:
        """Drop who has left, and follow employers to their new rows (-1: gone)."""
        columns = self.columns
        staying = np.flatnonzero(columns.present[: self.count])
        for column in arrays(columns):
            keep_rows(column, staying, self.count)
        self.count = int(staying.size)
        follow_rows(columns.employer, new_row, self.count)

    def frame(self) -> pd.DataFrame:
        """Return who is present as a data frame, one row a person."""
        import pandas as pd

        here = self.columns.present[: self.count] == 1
        named = zip(TalentColumns._fields, arrays(self.columns), strict=True)
        return pd.DataFrame({name: column[: self.count][here] for name, column in named})


def identities_of(origin: int, cell: Any, quarter: int, number: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the identities of candidates; the same in every scenario with the same seed."""
    first = (origin << ORIGIN_SHIFT) | (quarter << QUARTER_SHIFT)
    return np.asarray(first + (np.asarray(cell, dtype=np.int64) << CELL_SHIFT) + number, dtype=np.int64)


def arrays(columns: TalentColumns) -> tuple[NDArray[Any], ...]:
    """Return the columns as one sequence of arrays."""
    return tuple(columns)


def _empty(capacity: int) -> TalentColumns:
    columns = {name: np.zeros(capacity, dtype=_TYPES.get(name, np.float64)) for name in TalentColumns._fields}
    return shared(TalentColumns(**columns))
