"""What the facts on credit look at: applications by size, links of debt with R&D, and bad loans, window by window.

A window runs from the year after the last one to its own end: 2016-2020, then 2021-2035. Who applied is read off the
columns of the firms right after lending: a loan signed in the quarter runs `LOAN_QUARTERS` from it, and a firm refused
everywhere has the quarter as that of its last refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kechuang.clock import quarter_index, year_of
from kechuang.world.indicators import POSITION
from kechuang.world.measure.pictures import SIZE_CLASSES
from kechuang.world.mechanisms.credit import LOAN_QUARTERS

if TYPE_CHECKING:
    from kechuang.world.model import Corridor

COUNTED = ("applicants", "rationed", "discouraged")
"""Counts of a quarter of lending that the facts add up."""


@dataclass(frozen=True)
class CreditYears:
    """Credit over the years `first` to `last`.

    `approved` and `refused` are applications by class of yearly sales, `loans` and `sales` (万元) sums over year-ends by
    class; `counts` add up COUNTED; `correlations` hold one number per year-end; `bad` is the ratio of bad loans at the
    end of every quarter in %.
    """

    first: int
    last: int
    approved: NDArray[np.float64]
    refused: NDArray[np.float64]
    loans: NDArray[np.float64]
    sales: NDArray[np.float64]
    counts: dict[str, float]
    correlations: tuple[float, ...]
    bad: tuple[float, ...]


class CreditWatch:
    """Collects the credit of a window while a city runs; `close` returns it and opens the next one."""

    def __init__(self) -> None:
        self._open(2016)

    def _open(self, first: int) -> None:
        self.first = first
        self._sums = {name: np.zeros(len(SIZE_CLASSES)) for name in ("approved", "refused", "loans", "sales")}
        self._counts = dict.fromkeys(COUNTED, 0.0)
        self._correlations: list[float] = []

    def after_lending(self, city: Corridor) -> None:
        """Count the applications of the quarter by size and what became of them."""
        for name in COUNTED:
            self._counts[name] += city.lending[name]
        approved, refused = applications(city)
        size = size_class(4.0 * city.firms.columns.sales[: city.firms.count])
        for name, chosen in (("approved", approved), ("refused", refused)):
            self._sums[name] += np.bincount(size[chosen], minlength=len(SIZE_CLASSES))

    def year_end(self, city: Corridor) -> None:
        """Note debt by size, and how debt goes with R&D among firms that do it."""
        columns, count = city.firms.columns, city.firms.count
        living = columns.alive[:count] == 1
        loans, sales = columns.loans[:count][living], 4.0 * columns.sales[:count][living]
        size = size_class(sales)
        for name, amounts in (("loans", loans), ("sales", sales)):
            self._sums[name] += np.bincount(size, weights=amounts, minlength=len(SIZE_CLASSES))
        intensity = columns.research_intensity[:count][living] * columns.does_research[:count][living]
        self._correlations.append(correlation_with_debt(intensity, loans / sales))

    def close(self, city: Corridor) -> CreditYears:
        """Return the window that ends with the present year."""
        last = year_of(city.quarter)
        bad = city.indicators[quarter_index(f"{self.first}Q1") - 1 : city.quarter, POSITION["npl_ratio"]]
        window = CreditYears(
            self.first, last, **self._sums, counts=self._counts, correlations=tuple(self._correlations),
            bad=tuple(float(value) for value in bad),
        )  # fmt: skip
        self._open(last + 1)
        return window


def applications(city: Corridor) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which firms were granted a loan in this quarter and which were refused everywhere, right after lending."""
    columns, count = city.firms.columns, city.firms.count
    living = columns.alive[:count] == 1
    refused = living & (columns.refused[:count] == city.quarter)
    signed = living & (columns.loan_due[:count] == city.quarter + LOAN_QUARTERS)
    return signed & ~refused, refused


def size_class(sales: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the class of yearly sales (万元) of each firm, upper bounds included."""
    return np.searchsorted([high for _, high in SIZE_CLASSES[:-1]], sales, side="left").astype(np.int64)


def correlation_with_debt(intensity: NDArray[np.float64], debt: NDArray[np.float64]) -> float:
    """Return the correlation of real R&D over sales with loans over yearly sales among firms that do R&D."""
    doers = intensity > 0.0
    if doers.sum() < 3 or np.ptp(debt[doers]) == 0.0 or np.ptp(intensity[doers]) == 0.0:
        return float("nan")
    return float(np.corrcoef(intensity[doers], debt[doers])[0, 1])
