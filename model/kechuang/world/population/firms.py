"""Crowds as columns: one array per state, rows in order of birth, identities that are never used again.

Kernels work on the columns of `FirmColumns`; people look at single firms through `firms[row]` and at all of
them through `firms.frame()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kechuang.compiled import compiled
from kechuang.crowds import shared, window

if TYPE_CHECKING:
    import pandas as pd

GROWTH_FACTOR = 1.5
NO_CERTIFICATE = -999
EVENT_SHIFT, CELL_SHIFT, QUARTER_SHIFT = 40, 28, 20
"""An identity is (event 3 bits, cell 12 bits, quarter 8 bits, candidate 20 bits)."""


class FirmColumns(NamedTuple):
    """The state of every firm followed one by one. Money in 万元, rates per quarter unless said otherwise."""

    identity: NDArray[np.int64]
    alive: NDArray[np.int8]
    place: NDArray[np.int8]
    industry: NDArray[np.int8]
    ladder: NDArray[np.int8]
    above_scale: NDArray[np.int8]
    aware: NDArray[np.int8]
    applied: NDArray[np.int8]
    does_research: NDArray[np.int8]
    born: NDArray[np.int16]
    certified: NDArray[np.int16]
    sales: NDArray[np.float64]
    sales_year: NDArray[np.float64]
    reported_year: NDArray[np.float64]
    growth: NDArray[np.float64]
    volatility: NDArray[np.float64]
    staff: NDArray[np.float64]
    productivity: NDArray[np.float64]
    margin: NDArray[np.float64]
    intensity_effect: NDArray[np.float64]
    participation: NDArray[np.float64]
    soft_benefit: NDArray[np.float64]
    taste: NDArray[np.float64]
    research_intensity: NDArray[np.float64]
    relabelled: NDArray[np.float64]
    research_last: NDArray[np.float64]
    research_before_last: NDArray[np.float64]
    knowledge: NDArray[np.float64]
    patents: NDArray[np.float64]
    deposits: NDArray[np.float64]
    capital: NDArray[np.float64]
    loans: NDArray[np.float64]
    payables: NDArray[np.float64]
    guaranteed: NDArray[np.float64]
    pledged: NDArray[np.float64]
    rationed: NDArray[np.float64]
    default_risk: NDArray[np.float64]
    fund_share: NDArray[np.float64]
    pool_boost: NDArray[np.float64]
    pool_boost_last: NDArray[np.float64]
    project_grant: NDArray[np.float64]
    project_unchanged: NDArray[np.float64]
    main_bank: NDArray[np.int8]
    second_bank: NDArray[np.int8]
    loan_bank: NDArray[np.int8]
    platform_user: NDArray[np.int8]
    fund: NDArray[np.int8]
    loan_due: NDArray[np.int16]
    bank_since: NDArray[np.int16]
    refused: NDArray[np.int16]
    research_staff: NDArray[np.int32]
    research_wish: NDArray[np.float64]
    digital: NDArray[np.int8]
    digitised: NDArray[np.int16]
    tenant_since: NDArray[np.int16]
    project_ends: NDArray[np.int16]


COLUMN_MEANING: dict[str, tuple[str, str]] = {
    "identity": ("-", "never reused: event, cell, quarter and number of the candidate"),
    "alive": ("0/1", "the firm exists"),
    "place": ("index", "one of the 13 places"),
    "industry": ("index", "one of the 8 industries"),
    "ladder": ("0-3", "ordinary, technology SME, high-tech firm, leading firm"),
    "above_scale": ("0/1", "in the above-scale panel of this year"),
    "aware": ("0-2", "knows of certification (1), has weighed an application (2); only firms not on the list"),
    "applied": ("0/1", "an application of this year awaits the listing in Q4"),
    "does_research": ("0/1", "does R&D"),
    "born": ("quarter", "quarter of birth, negative before 2016"),
    "certified": ("quarter", "quarter of the valid certificate's listing, -999 if none"),
    "sales": ("万元/quarter", "sales at a seasonally adjusted rate, nominal"),
    "sales_year": ("万元", "sales of the last four quarters, one column per quarter of the year"),
    "reported_year": ("万元", "reported R&D of the last four quarters, one column per quarter of the year"),
    "growth": ("log", "growth of sales proposed for this quarter, before adding-up"),
    "volatility": ("per year", "standard deviation of log growth at this size and age"),
    "staff": ("persons", "people in production"),
    "productivity": ("log", "productivity relative to the industry"),
    "margin": ("share of sales", "gross profit before R&D; it moves with productivity"),
    "intensity_effect": ("log", "permanent effect on desired R&D intensity"),
    "participation": ("log odds", "permanent draw: does R&D from the first quarter in which its index exceeds it"),
    "soft_benefit": ("万元", "permanent benefit of certification beside tax and bonus"),
    "taste": ("logistic", "permanent taste for certification"),
    "research_intensity": ("share of sales", "real R&D over sales"),
    "relabelled": ("share of sales", "expenses reported as R&D to meet the threshold"),
    "research_last": ("万元/quarter", "real R&D of the last quarter"),
    "research_before_last": ("万元/quarter", "real R&D of the quarter before the last"),
    "knowledge": ("万元", "own knowledge stock"),
    "patents": ("patents", "stock of invention patents, decaying"),
    "deposits": ("万元", "bank deposits"),
    "capital": ("万元", "fixed capital at book value"),
    "loans": ("万元", "bank loan outstanding"),
    "payables": ("万元", "unpaid bills that suppliers outside carry"),
    "guaranteed": ("万元", "part of the loan that the guarantee fund covers"),
    "pledged": ("万元", "part of the loan that pledged patents carry"),
    "rationed": ("0-1", "share of the last quarters with a loan refused or cut, fading by a quarter each time"),
    "default_risk": ("per year", "probability of default of a firm in debt"),
    "fund_share": ("share", "part of the firm's equity that the venture fund holds"),
    "pool_boost": ("carrier units", "what contracts, joint projects and academicians add to the firm's pool of knowledge"),
    "pool_boost_last": ("carrier units", "the same in the quarter before"),
    "project_grant": ("万元/quarter", "grant that a running joint project brings"),
    "project_unchanged": ("万元/quarter", "the part of it that no change with a budget brought"),
    "main_bank": ("row", "bank asked first"),
    "second_bank": ("row", "bank asked when refused, -1 if none"),
    "loan_bank": ("row", "bank that holds the loan"),
    "platform_user": ("0/1", "registered on the credit platform"),
    "fund": ("0-4", "venture fund that holds a share: innovation, talent, guidance, market-led; 0 if none"),
    "loan_due": ("quarter", "term of the loan"),
    "bank_since": ("quarter", "when the firm came to its main bank"),
    "refused": ("quarter", "last refusal, -999 if none"),
    "research_staff": ("persons", "R&D staff and top talent employed"),
    "research_wish": ("share of sales", "real R&D over sales that the firm would do with all the staff it wants"),
    "digital": ("0-4", "projects of digitalisation so far: none, light, key, light and key, more than one key"),
    "digitised": ("quarter", "start of the last one"),
    "tenant_since": ("quarter", "when the firm came into an incubator, -999 if it is in none"),
    "project_ends": ("quarter", "first quarter after its joint project, 0 if none"),
}

_INTEGERS = {
    "identity": np.int64,
    "born": np.int16,
    "certified": np.int16,
    "alive": np.int8,
    "place": np.int8,
    "industry": np.int8,
    "ladder": np.int8,
    "above_scale": np.int8,
    "aware": np.int8,
    "applied": np.int8,
    "does_research": np.int8,
    "main_bank": np.int8,
    "second_bank": np.int8,
    "loan_bank": np.int8,
    "platform_user": np.int8,
    "fund": np.int8,
    "loan_due": np.int16,
    "bank_since": np.int16,
    "refused": np.int16,
    "research_staff": np.int32,
    "digital": np.int8,
    "digitised": np.int16,
    "tenant_since": np.int16,
    "project_ends": np.int16,
}
_BY_QUARTER = ("sales_year", "reported_year")


class CellCounts(NamedTuple):
    """Living firms by place and industry."""

    everyone: NDArray[np.float64]
    listed: NDArray[np.float64]
    """On the provincial list or above it."""
    certified: NDArray[np.float64]
    doers: NDArray[np.float64]
    """Who does R&D."""


@compiled
def count_cells(firms: FirmColumns, count: int, places: int, industries: int) -> NDArray[np.float64]:
    """Count living firms by sort (as in CellCounts), place and industry."""
    out = np.zeros((4, places, industries))
    for i in range(count):
        if firms.alive[i] == 1:
            place, industry = firms.place[i], firms.industry[i]
            out[0, place, industry] += 1.0
            out[1, place, industry] += firms.ladder[i] > 0
            out[2, place, industry] += firms.certified[i] > NO_CERTIFICATE
            out[3, place, industry] += firms.does_research[i]
    return out


@compiled
def living_sum(alive: NDArray[np.int8], values: NDArray[np.float64], count: int) -> float:
    """Return the sum of a column over living firms, without making a copy of it."""
    total = 0.0
    for i in range(count):
        if alive[i] == 1:
            total += values[i]
    return total


@compiled
def sums_by(index: NDArray[np.int8], values: NDArray[np.float64], count: int, size: int) -> NDArray[np.float64]:
    """Return the sums of a column by an index (bank, fund), without making copies of either."""
    total = np.zeros(size)
    for i in range(count):
        total[index[i]] += values[i]
    return total


@compiled
def keep_rows(column: NDArray[Any], rows: NDArray[np.int64], count: int) -> None:
    """Move these rows (in rising order) of a column to its front and clear what then lies behind them up to `count`."""
    for k in range(rows.size):
        column[k] = column[rows[k]]
    column[rows.size : count] = 0


@compiled
def follow_rows(index: NDArray[Any], new_row: NDArray[np.int64], count: int) -> None:
    """Let references to rows (negative: to none) follow their rows to where they have gone."""
    for k in range(count):
        if index[k] >= 0:
            index[k] = new_row[index[k]]


def identity_of(event: int, cell: int, quarter: int, number: int) -> int:
    """Return the identity of a candidate; the same in every scenario with the same seed."""
    return (event << EVENT_SHIFT) | (cell << CELL_SHIFT) | (quarter << QUARTER_SHIFT) | number


class FirmView:
    """One firm: its columns as attributes, for looking and for own events."""

    __slots__ = ("_firms", "_row")

    def __init__(self, firms: Firms, row: int) -> None:
        object.__setattr__(self, "_firms", firms)
        object.__setattr__(self, "_row", row)

    def __getattr__(self, name: str) -> Any:
        columns = self._firms.columns
        if name not in FirmColumns._fields:
            raise AttributeError(f"a firm has no column {name!r}; it has {', '.join(FirmColumns._fields)}")
        return getattr(columns, name)[self._row]

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in FirmColumns._fields:
            raise AttributeError(f"a firm has no column {name!r}; it has {', '.join(FirmColumns._fields)}")
        getattr(self._firms.columns, name)[self._row] = value

    def __repr__(self) -> str:
        return (
            f"Firm(identity={self.identity}, industry={self.industry}, place={self.place}, "
            f"ladder={self.ladder}, annual sales={4 * self.sales:.0f}万元)"
        )


class Firms:
    """The population of firms: columns with amortised growth, rows that stay until a yearly compaction."""

    def __init__(self, capacity: int = 8192) -> None:
        self.count = 0
        self.columns = _empty(capacity)

    def __len__(self) -> int:
        """Return the number of living firms."""
        return int(self.columns.alive[: self.count].sum())

    def __getitem__(self, row: int) -> FirmView:
        """Return the firm in a row, counted from the oldest."""
        if not -self.count <= row < self.count:
            raise IndexError(f"row {row} of {self.count}")
        return FirmView(self, row % self.count)

    @property
    def capacity(self) -> int:
        """Number of rows that fit without growing."""
        return int(self.columns.identity.size)

    def reserve(self, extra: int) -> None:
        """Make room for `extra` more rows."""
        needed = self.count + extra
        if needed <= self.capacity:
            return
        grown = _empty(max(needed, int(self.capacity * GROWTH_FACTOR)))
        for old, new in zip(arrays(self.columns), arrays(grown), strict=True):
            new[: self.count] = old[: self.count]
        self.columns = grown

    def add(self, number: int) -> slice:
        """Append `number` living rows with zeros elsewhere and return their slice; rows beyond the count are zero."""
        self.reserve(number)
        rows = slice(self.count, self.count + number)
        self.count += number
        self.columns.alive[rows] = 1
        self.columns.certified[rows] = NO_CERTIFICATE
        self.columns.refused[rows] = NO_CERTIFICATE
        self.columns.tenant_since[rows] = NO_CERTIFICATE
        self.columns.second_bank[rows] = -1
        return rows

    def view(self, rows: slice) -> FirmColumns:
        """Return the columns of some rows without copying; kernels take it like the whole population."""
        return window(self.columns, rows)

    def compact(self) -> NDArray[np.int64]:
        """Drop the rows of firms that have gone, keeping the order of the others; return every old row's new one, -1 if gone."""
        living = np.flatnonzero(self.columns.alive[: self.count])
        new_row = np.full(self.count, -1)
        new_row[living] = np.arange(living.size)
        for column in arrays(self.columns):
            keep_rows(column, living, self.count)
        self.count = int(living.size)
        return new_row

    def frame(self) -> pd.DataFrame:
        """Return the living firms as a data frame, one row a firm."""
        import pandas as pd

        living = self.columns.alive[: self.count] == 1
        data: dict[str, NDArray[Any]] = {}
        for name, column in zip(FirmColumns._fields, arrays(self.columns), strict=True):
            values = column[: self.count][living]
            data[name] = values.sum(axis=1) if name in _BY_QUARTER else values
        return pd.DataFrame(data)


def arrays(columns: FirmColumns) -> tuple[NDArray[Any], ...]:
    """Return the columns as one sequence of arrays."""
    return tuple(columns)


def _empty(capacity: int) -> FirmColumns:
    columns = {}
    for name in FirmColumns._fields:
        shape: tuple[int, ...] = (capacity, 4) if name in _BY_QUARTER else (capacity,)
        columns[name] = np.zeros(shape, dtype=_INTEGERS.get(name, np.float64))
    return shared(FirmColumns(**columns))
